import Engine
import Formats
import Foundation
import HDF5
import Jobs
import STEM
import USID

public struct RunOptions: Sendable {
  public enum Existing: Sendable { case refuse, overwrite, append }
  public var existing = Existing.refuse
  /// Starts over: neither continues an unfinished run nor accepts a finished result.
  public var force = false
  /// Takes an input for the same whose files have other times of modification, when sizes and samples of the content are
  /// equal.
  public var acceptsTouched = false
  /// As the command line spells it, for messages.
  public static let acceptTouchedOption = "--accept-touched"
  public var commandLine: [String] = CommandLine.arguments

  public init() {}
}

/// One job from the plan to the renamed output, on all ranks.
public final class JobRun {
  let plan: Plan
  let options: RunOptions
  let ranks: MPIRanks
  let events: any RunEvents
  let output: OutputFile
  let start = Date()
  let clock: ContinuousClock.Instant
  /// What the memory of this run leaves to a reader.
  var readerBytes = Int.max
  /// On rank 0. Reading the samples takes a while, and only what was there before must wait for it.
  let input: InputWatch
  var phases: PhaseClock
  /// As known from the plan, before anything is measured.
  var provisional: [JobStep] = []
  /// What stages have found, and the frames as they are seen with that.
  private(set) var facts = Facts()
  private(set) var frames: PlannedFrames
  /// Of `frames`, opened when it is first needed.
  private var opened: (any FrameReader)?
  /// How many frames could not be read, in this run and in those that it continues.
  var masked = 0
  /// Whether it goes on where an interrupted one stopped.
  var isResumed = false
  var stepCount = 0
  private(set) var warnings: [String] = []
  /// What calibrating stages keep with all results.
  var measured: [(key: String, value: Setting)] = []
  /// What stages keep with their own results, by group.
  var attributes: [Int: [(key: String, value: Setting)]] = [:]

  /// - Parameter began: from when on the run's time counts: before the input was opened for the plan
  public init(
    _ plan: Plan, options: RunOptions, ranks: MPIRanks, events: any RunEvents,
    since began: ContinuousClock.Instant = .now
  ) throws {
    clock = began
    phases = PhaseClock(since: began)
    phases.end("plan")
    self.plan = plan
    input = InputWatch(ranks.rank == 0 ? plan.rawSource.description.files : [])
    self.options = options
    self.ranks = ranks
    self.events = events
    frames = try plan.frames(Facts())
    output = OutputFile(path: plan.outputPath, existing: options.existing)
  }

  /// Collective. Throws `RunFailure`, the same on all ranks; an unfinished output stays, for the same job to go on.
  public func run() throws -> RunSummary {
    let lock = OutputLock(output.lock)
    defer { lock.release() }
    try ranks.onFirst {
      try output.checkPlace(input: plan.description.path)
      try lock.acquire()
    }
    let sharing = try ranks.communicator.node().size
    let identity = try ranks.together { try makeIdentity(ranksOnNode: sharing) }
    if try isFinished(identity) { return finishedSummary() }
    try ranks.onFirst { try output.checkExisting() }
    guard let unfinished = try findUnfinished(identity) else {
      let (begun, steps, ahead) = try begin(identity)
      return try execute(begun, steps, ahead)
    }
    isResumed = true
    try take(unfinished.facts)
    _ = try reader()
    phases.end("open")
    return try execute(unfinished, try makeSteps(), nil)
  }

  /// Adds facts that all ranks have. Throws `RunFailure`.
  func take(_ more: Facts) throws {
    facts = facts.updated(by: more)
    frames = try ranks.together { try plan.frames(facts) }
    if more.deadPixels != nil { opened = nil }
  }

  /// Of corrected frames, within the memory of this run. Collective where it is not open yet.
  func reader() throws -> any FrameReader {
    if let opened { return opened }
    let reader = try ranks.together { try frames.source.limited(to: readerBytes).makeReader() }
    opened = reader
    return reader
  }

  private func makeSteps() throws -> [JobStep] {
    defer { provisional = [] }
    if plan.unknown.isSubset(of: [.dose]) { return provisional }
    provisional = []
    return try ranks.together { try JobStep.all(plan, frames, frames.context) }
  }

  /// Finds what is not known, lays out the output and makes the checkpoint files; ranks that have nothing to do with
  /// that begin with the first pass.
  private func begin(_ identity: RunIdentity) throws -> (RunIdentity, [JobStep], TaskWork?) {
    var identity = identity
    do {
      try calibrate()
      identity.facts = facts
      let steps = try makeSteps()
      let ahead = try steps[0].pass.map { try work(steps[0], $0, output.checkpoint(0)) }
      let head = try layOut(steps, identity) { ahead?.computeAhead() }
      identity = try ranks.together { try JSONDecoder().decode(RunIdentity.self, from: Data(head)) }
      phases.end("layout")
      return (identity, steps, ahead)
    } catch {
      if ranks.rank == 0 { output.removePartial() }
      throw error
    }
  }

  /// Runs the stages that find what neither the job nor the file gives.
  private func calibrate() throws {
    // What is found in the frames of the file decides on what else is read.
    let first = plan.calibrating.filter { $0.stage.provides.contains(.deadPixels) }
    for stage in first { try stage.stage.run(StageRun(self, calibrating: stage)) }
    _ = try reader()
    phases.end("open")
    for stage in plan.calibrating where !stage.stage.provides.contains(.deadPixels) {
      try stage.stage.run(StageRun(self, calibrating: stage))
    }
    phases.end("measure")
  }

  /// - Parameter ahead: what of the first pass was begun; nil where an earlier run began it, or there is nothing to
  private func execute(_ identity: RunIdentity, _ steps: [JobStep], _ ahead: TaskWork?) throws -> RunSummary {
    guard let places = identity.places else { throw Problem(.internalError, "a run without a layout") }
    announce(steps)
    stepCount = steps.count
    let writer = try ResultWriter(output.partial, places: places, access: try .parallel(ranks))
    phases.end("open output")
    for step in steps { try run(step, writer, step.number == 0 ? ahead : nil, of: steps.count) }
    try writer.close()
    return try finish(steps, places)
  }

  /// End time, status and summary, the sync and the rename.
  private func finish(_ steps: [JobStep], _ places: ResultPlaces) throws -> RunSummary {
    var summary = try summarize(places)
    try ranks.onFirst {
      try input.check(acceptsTouched: options.acceptsTouched)
      let dose = facts.dose?.attributes ?? []
      let warned: [(key: String, value: Setting)] =
        warnings.isEmpty ? [] : [("run_warnings", .list(warnings.map { .text($0) }))]
      try ResultFile.finish(
        output.partial, places,
        [("end_time", .text(timestamp(Date()))), ("status", .text("complete")), ("run_summary", .text(summary.stored))]
          + warned + dose, own: attributes, measurement: dose)
      try output.publish()
      output.removePartial()
    }
    phases.end("publish")
    (summary.wall, summary.phases) = ((ContinuousClock.now - clock).seconds, phases.list)
    // Measuring the page cache takes a millisecond that is not the run's.
    let limit = ranks.rank == 0 ? PageCache.rate(plan.description.path) : nil
    summary.bottleneck = Bottleneck(summary.ranks, wall: summary.wall, limit: limit)?.text
    return summary
  }

  private func summarize(_ places: ResultPlaces) throws -> RunSummary {
    let encoded = Array(try JSONEncoder().encode(statistics))
    let perRank = try ranks.gather(encoded).map { try JSONDecoder().decode(PassStatistics.self, from: Data($0)) }
    let wall = (ContinuousClock.now - clock).seconds
    var summary = RunSummary(
      outputPath: output.path, wall: wall, phases: phases.list, ranks: perRank, positions: plan.scan.count,
      selected: plan.selection.count, scanWidth: plan.scan.x, groups: Set(places.groups.map(\.path)))
    (summary.masked, summary.dose, summary.warnings) = (masked, facts.dose, warnings)
    return summary
  }

  /// Tells the user, and keeps it for the results.
  func warn(_ text: String) {
    events.warning(text)
    warnings.append(text)
  }

  /// Of the last pass over all frames.
  var statistics = PassStatistics()
}

extension Dose {
  /// As they are stored with results.
  var attributes: [(key: String, value: Setting)] {
    [("dose_electrons_per_pattern", .number(electronsPerPattern))]
      + (electronsPerSquareAngstrom.map { [("dose_electrons_per_square_angstrom", .number($0))] } ?? [])
      + [("dose_source", .text(source))]
  }
}
