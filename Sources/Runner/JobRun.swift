import Formats
import Foundation
import HDF5
import Jobs
import STEM
import USID

public struct RunOptions: Sendable {
  public enum Existing: Sendable { case refuse, overwrite, append }
  public var existing = Existing.refuse
  /// Starts over: neither continues an unfinished run nor is content with a finished one.
  public var force = false
  public var commandLine: [String] = CommandLine.arguments

  public init() {}
}

/// One job from the plan to the renamed output, on all ranks.
public final class JobRun {
  var plan: Plan
  let options: RunOptions
  let ranks: MPIRanks
  let console: Console
  let output: OutputFile
  let start = Date()
  let clock: ContinuousClock.Instant
  /// What the memory of this run leaves to a reader.
  var readerBytes = Int.max
  /// Of the input, on rank 0: reading it takes a while, and only what was there before must wait for it.
  var fingerprint: (size: Int, digest: String)?
  var phases: PhaseClock
  /// As far as the plan knows, before anything is measured.
  var provisional: [JobPass] = []
  /// The optical axis of every position, once it is fitted.
  var origins: OriginField?
  /// How many frames could not be read, in this run and in those that it continues.
  var masked = 0
  /// What the solvers say, by group.
  var attributes: [Int: [(key: String, value: Setting)]] = [:]

  /// - Parameter began: from when on the run's time counts: before the input was opened for the plan
  public init(
    _ plan: Plan, options: RunOptions, ranks: MPIRanks, console: Console, since began: ContinuousClock.Instant = .now
  ) {
    clock = began
    phases = PhaseClock(since: began)
    phases.end("plan")
    self.plan = plan
    self.options = options
    self.ranks = ranks
    self.console = console
    output = OutputFile(path: plan.outputPath, existing: options.existing)
    ranks.scheduling = plan.scheduling
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
    let unfinished = try findUnfinished(identity)
    let complete = try findBadPixels(unfinished ?? identity)
    let reader = try ranks.together { try plan.source.limited(to: readerBytes).makeReader() }
    phases.end("open")
    if unfinished != nil { return try execute(reader, complete, try makePasses(complete), nil) }
    let (begun, passes, ahead) = try begin(complete, reader)
    return try execute(reader, begun, passes, ahead)
  }

  private func makePasses(_ identity: RunIdentity) throws -> [JobPass] {
    defer { provisional = [] }
    if plan.toMeasure.isEmpty, identity.badPixels == nil { return provisional }
    provisional = []
    let context = context(identity.measured)
    return try ranks.together { try JobPass.all(plan, context) }
  }

  /// Measures what is not known, lays out the output and makes the checkpoint file; ranks that have nothing to do with
  /// that begin with the first pass.
  private func begin(_ identity: RunIdentity, _ reader: any FrameReader) throws -> (RunIdentity, [JobPass], TaskWork) {
    var identity = identity
    do {
      identity.measured = try measure(reader)
      phases.end("measure")
      let passes = try makePasses(identity)
      let ahead = work(passes[0], reader)
      let head = try layOut(passes, identity, meanwhile: ahead.computeAhead)
      identity = try ranks.together { try JSONDecoder().decode(RunIdentity.self, from: Data(head)) }
      phases.end("layout")
      return (identity, passes, ahead)
    } catch {
      if ranks.rank == 0 { output.removePartial() }
      throw error
    }
  }

  /// What this rank does in a pass; nothing of it is done yet.
  private func work(_ pass: JobPass, _ reader: any FrameReader) -> TaskWork {
    let frames = pass.frames
    frames.progress = progressReport()
    frames.isInterrupted = { StopSignals.isRequested }
    frames.masksBadFrames = plan.masksBadFrames
    frames.checkpointInterval = .seconds(plan.checkpointInterval)
    // What comes next can take long.
    frames.endsSynced = pass.number + 1 < plan.passes.count || pass.solves
    // Where the origin is given, its pass has nothing to read.
    let readsFrames = frames.kernels.contains { !$0.rows.isEmpty || !$0.accumulators.isEmpty }
    frames.includes = { _ in readsFrames }
    return TaskWork(frames, reader, ranks, frames.checkpoint(at: output.checkpoint(pass.number)))
  }

  /// - Parameter ahead: what of the first pass was begun; nil where an earlier run began it
  private func execute(
    _ reader: any FrameReader, _ identity: RunIdentity, _ passes: [JobPass], _ ahead: TaskWork?
  ) throws -> RunSummary {
    guard let places = identity.places else { throw Problem(.internalError, "a run without a layout") }
    announce(passes)
    let writer = try ResultWriter(output.partial, places: places, access: try .parallel(ranks))
    phases.end("open output")
    for pass in passes {
      let begun = pass.number == 0 ? ahead : nil
      try run(pass, begun ?? work(pass, reader), writer, isResumed: ahead == nil)
      try conclude(pass, writer)
    }
    let dose = try findDose(passes, reader, writer)
    try writer.close()
    return try finish(passes, places, dose)
  }

  private func run(_ pass: JobPass, _ work: TaskWork, _ writer: ResultWriter, isResumed: Bool) throws {
    let frames = pass.frames
    let boots = try ranks.boots()
    frames.sink = ResultSink(
      writer: writer, number: pass.number, members: pass.members, outputs: pass.outputs, output: output,
      isOnFirstMachine: boots[ranks.rank] == boots[0])
    frames.origins = origins
    frames.announceResumed = { [console] done, total in
      if isResumed { console.info("resumed: \(done) of \(total) blocks done") }
    }
    do { try frames.run(work) } catch {
      // Where this rank had nothing to save, others may have.
      if ranks.rank == 0 { try? output.settle() }
      tellHowToGoOn()
      throw error
    }
    console.clearBar()
    if plan.masksBadFrames { try countMasked(pass, writer) }
    phases.end(pass.number == 0 && plan.passes.count > 1 ? "origin pass" : "pass")
  }

  private func countMasked(_ pass: JobPass, _ writer: ResultWriter) throws {
    try writer.flush()
    try ranks.onFirst {
      masked = try writer.badCount(pass: pass.number)
      guard masked == plan.selection.count else { return }
      // Continued, it would take them for done.
      output.removePartial()
      throw Problem(
        .badData, at: plan.description.path,
        "not one frame can be read; without run.on_bad_frame: mask the run says why")
    }
  }

  private func tellHowToGoOn() {
    console.info(
      "what was computed stays in \(output.partial); the same command continues, --force starts over"
        + (plan.masksBadFrames ? "" : ", run.on_bad_frame: mask leaves unreadable frames out"))
  }

  /// Sums and solvers, on rank 0; what a later pass needs goes to all ranks.
  private func conclude(_ pass: JobPass, _ writer: ResultWriter) throws {
    let solves = pass.solves
    // What all ranks wrote is read back on one, by solvers and for the dose.
    if solves || pass.context.calibration.countsPerElectron != nil { try writer.flush() }
    var conclusion = PassConclusion(pass, writer)
    let onFirst = solves ? ranks.onFirstWatched : { work in try self.ranks.onFirst { try work { false } } }
    do {
      try onFirst { isStopping in
        // A solver can run for longer than the pass, and saves its state.
        if solves { try output.settle() }
        try conclusion.conclude { group, name in
          SolverRun(
            name, path: output.solver(group), interval: plan.checkpointInterval, console: console,
            isStopping: isStopping)
        }
      }
    } catch {
      tellHowToGoOn()
      throw error
    }
    for note in conclusion.notes { console.info(note) }
    for warning in conclusion.warnings { console.warning(warning) }
    attributes.merge(conclusion.attributes) { $1 }
    if plan.passes.count > 1, pass.number == 0 { origins = try share(conclusion.origins, pass.context.center) }
    phases.end(solves ? "solve" : "patterns")
  }

  private func share(_ field: OriginField?, _ mean: Pair<Double>) throws -> OriginField {
    let count = plan.scan.count
    var values: [Double] = []
    if let field {
      let all = (0..<count).map { field[$0] }
      values = all.map(\.y) + all.map(\.x)
    }
    values = try ranks.broadcast(values)
    guard values.count == 2 * count else { throw Problem(.internalError, "no origin was fitted") }
    return OriginField(y: Array(values[..<count]), x: Array(values[count...]), mean: mean)
  }

  /// End time and status, the sync and the rename; then the summary.
  private func finish(_ passes: [JobPass], _ places: ResultPlaces, _ dose: RunDose?) throws -> RunSummary {
    try ranks.onFirst {
      try ResultFile.finish(
        output.partial, places,
        [("end_time", .text(timestamp(Date()))), ("status", .text("complete"))] + (dose?.attributes ?? []),
        own: attributes, measurement: dose?.attributes ?? [])
      try output.publish()
      output.removePartial()
    }
    phases.end("publish")
    let wall = (ContinuousClock.now - clock).seconds
    let encoded = Array(try JSONEncoder().encode(passes[passes.count - 1].frames.statistics))
    let perRank = try ranks.gather(encoded).map { try JSONDecoder().decode(PassStatistics.self, from: Data($0)) }
    var summary = RunSummary(
      outputPath: output.path, wall: wall, phases: phases.list, ranks: perRank, positions: plan.scan.count,
      selected: plan.selection.count, scanWidth: plan.scan.x, groups: Set(places.groups.map(\.path)))
    let limit = ranks.rank == 0 ? PageCache.rate(plan.description.path) : nil
    summary.bottleneck = Bottleneck(perRank, wall: wall, limit: limit)?.text
    summary.masked = masked
    summary.dose = dose
    return summary
  }

  private func progressReport() -> (PassStatistics) -> Void {
    let total = plan.selection.count
    let began = ContinuousClock.now
    let share = ranks.count
    return { [console, frameBytes = plan.description.storedBytes ?? plan.description.frameBytes] mine in
      // Ranks work at the same pace but for the last leaves: this rank's count stands for all.
      console.progress(
        ProgressState(
          done: min(total, mine.frames * share), total: total, frameBytes: frameBytes,
          seconds: (ContinuousClock.now - began).seconds))
    }
  }
}
