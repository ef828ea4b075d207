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
  private var plan: Plan
  private let options: RunOptions
  private let ranks: MPIRanks
  private let console: Console
  private let output: OutputFile
  private let start = Date()
  private let clock: ContinuousClock.Instant
  /// What the memory of this run leaves to a reader.
  private var readerBytes = Int.max
  private var fingerprint = (size: 0, digest: "")
  private var phases: PhaseClock
  /// The optical axis of every position, once it is fitted.
  private var origins: OriginField?
  /// What the solvers say, by group.
  private var attributes: [Int: [(key: String, value: Setting)]] = [:]

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
    return try execute(
      reader, unfinished == nil ? begin(complete, reader) : complete, isResumed: unfinished != nil)
  }

  /// Measures what is not known, lays out the output and makes the checkpoint file.
  private func begin(_ identity: RunIdentity, _ reader: any FrameReader) throws -> RunIdentity {
    var identity = identity
    do {
      identity.measured = try measure(reader)
      phases.end("measure")
      let context = context(identity.measured)
      let passes = try ranks.together { try JobPass.all(plan, context) }
      identity.places = try layOut(passes, context, identity)
      let head = Array(try JSONEncoder().encode(identity))
      try ranks.onFirst {
        // The first one last: a run is known by it.
        for pass in passes.reversed() {
          try Checkpoint(output.checkpoint(pass.number), blockCount: 0, sums: []).create(head: head)
        }
      }
      phases.end("layout")
    } catch {
      if ranks.rank == 0 { output.removePartial() }
      throw error
    }
    return identity
  }

  private func execute(_ reader: any FrameReader, _ identity: RunIdentity, isResumed: Bool) throws -> RunSummary {
    guard let places = identity.places else { throw Problem(.internalError, "a run without a layout") }
    let context = context(identity.measured)
    let passes = try ranks.together { try JobPass.all(plan, context) }
    announce(passes)
    let writer = try ResultWriter(output.partial, places: places, access: .parallel(ranks))
    phases.end("open output")
    for pass in passes {
      try run(pass, reader, writer, isResumed: isResumed)
      try conclude(pass, writer)
    }
    let dose = try findDose(passes, writer, context.calibration)
    try writer.close()
    return try finish(passes, places, dose)
  }

  private func run(_ pass: JobPass, _ reader: any FrameReader, _ writer: ResultWriter, isResumed: Bool) throws {
    let outputs = try ranks.together { try pass.outputs() }
    let frames = pass.frames
    frames.sink = ResultSink(writer: writer, pass: pass, outputs: outputs, path: output.partial)
    frames.progress = progressReport()
    frames.isInterrupted = { StopSignals.isRequested }
    frames.masksBadFrames = plan.masksBadFrames
    frames.checkpointInterval = .seconds(plan.checkpointInterval)
    frames.origins = origins
    frames.announceResumed = { [console] done, total in
      if isResumed { console.info("resumed: \(done) of \(total) blocks done") }
    }
    let checkpoint = frames.checkpoint(at: output.checkpoint(pass.number))
    do { try frames.run(reader, ranks: ranks, checkpoint: checkpoint) } catch {
      tellHowToGoOn()
      throw error
    }
    console.clearBar()
    phases.end(pass.number == 0 && plan.passes.count > 1 ? "origin pass" : "pass")
  }

  private func tellHowToGoOn() {
    console.info(
      "what was computed stays in \(output.partial); the same command continues, --force starts over"
        + (plan.masksBadFrames ? "" : ", run.on_bad_frame: mask leaves unreadable frames out"))
  }

  /// Sums and solvers, on rank 0; what a later pass needs goes to all ranks.
  private func conclude(_ pass: JobPass, _ writer: ResultWriter) throws {
    // What all ranks wrote is read back on one.
    try writer.flush()
    var conclusion = PassConclusion(pass, try pass.outputs(), writer)
    do {
      try ranks.onFirstWatched { isStopping in
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
    phases.end(pass.analyses.contains { $0.analysis is any Reconstruction } ? "solve" : "patterns")
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

  // MARK: what is there already

  /// Throws also when the job does not fit the memory: before anything is read.
  private func makeIdentity(ranksOnNode: Int) throws -> RunIdentity {
    let passes = try JobPass.all(plan, plan.provisionalContext)
    let memory = MemoryPlan(plan, passBytes: passes.map(\.memoryBytes).max() ?? 0, ranksOnNode: ranksOnNode)
    try memory.check()
    readerBytes = memory.readerBytes
    for note in memory.notes(plan) { console.warning(note) }
    if ranks.rank == 0 { fingerprint = try Provenance.fingerprint(plan.description.path) }
    let base = options.existing == .append && output.exists ? output.state : ""
    return RunIdentity(plan, fingerprint: fingerprint, blocks: passes.map(\.frames.blocks), base: base)
  }

  private func isFinished(_ identity: RunIdentity) throws -> Bool {
    guard options.existing == .refuse, !options.force else { return false }
    let finished = ranks.rank == 0 && output.exists && identity.isFinished(in: output.path)
    return try ranks.largest(finished ? 1 : 0) == 1
  }

  private func finishedSummary() -> RunSummary {
    console.info("\(output.path) holds the result of this job on this input already; --force computes it again")
    return RunSummary(
      outputPath: output.path, wall: (ContinuousClock.now - clock).seconds, phases: [], ranks: [],
      positions: plan.scan.count, selected: plan.selection.count, scanWidth: plan.scan.x, groups: [])
  }

  /// The identity stored with an unfinished run of this job; nil where there is none. Throws when another job left it.
  private func findUnfinished(_ identity: RunIdentity) throws -> RunIdentity? {
    var stored: [UInt8] = []
    try ranks.onFirst {
      stored = options.force || !output.partialExists ? [] : Checkpoint.head(output.checkpoint(0)) ?? []
      guard !stored.isEmpty else { return output.removePartial() }
      let found = try JSONDecoder().decode(RunIdentity.self, from: Data(stored))
      let differences = identity.differences(found)
      guard differences.isEmpty else {
        throw Problem(
          .cannotCreate, at: output.partial,
          "belongs to another run: \(differences.joined(separator: "; ")); give that job to finish it, or --force to start over"
        )
      }
    }
    stored = try ranks.broadcast(stored)
    return stored.isEmpty ? nil : try JSONDecoder().decode(RunIdentity.self, from: Data(stored))
  }

  // MARK: measuring

  /// Completes the plan by the bad pixels of the file's frames, where the job wants them found.
  private func findBadPixels(_ identity: RunIdentity) throws -> RunIdentity {
    guard plan.findsBadPixels else { return identity }
    var identity = identity
    let width = plan.rawSource.description.detectorShape.x
    let found: [Int]
    if let known = identity.badPixels {
      found = known
    } else {
      let search = try BadPixelSearch(plan, ranks: ranks, path: output.measurement)
      found = search.found
      console.info("\(BadPixelSearch.text(found, width: width)) in \(search.positions) frames")
    }
    identity.badPixels = found
    plan = try ranks.together { try plan.with(badPixels: found) }
    return identity
  }

  /// `Measurement.values`; empty when nothing is to be measured.
  private func measure(_ reader: any FrameReader) throws -> [Double] {
    guard !plan.toMeasure.isEmpty else { return [] }
    let measurement = try Measurement(plan, reader, ranks: ranks, path: output.measurement)
    for note in measurement.notes { console.info(note) }
    if measurement.disk?.clipped == true {
      console.warning("the bright disk is cut by the detector's edge; its center may be off")
    }
    return measurement.values
  }

  private func context(_ measured: [Double]) -> FrameContext { Measurement.context(plan, measured) }

  private func announce(_ passes: [JobPass]) {
    let source = plan.rawSource.description
    console.info(
      "\(source.path): \(source.format), scan \(plan.rawScan.text), detector \(source.detectorShape.text) "
        + "\(source.pixelType.numpyName), \(source.storage)")
    for correction in plan.corrections { console.info(correction) }
    let blocks = passes[passes.count - 1].frames.blocks
    console.info(
      "\(plan.selection.count) of \(plan.scan.count) positions in \(blocks.blockCount) blocks and "
        + "\(blocks.leafCount) leaves on \(ranks.count) \(ranks.count == 1 ? "rank" : "ranks")")
    for warning in plan.warnings { console.warning(warning) }
  }

  // MARK: output

  private func layOut(
    _ passes: [JobPass], _ context: FrameContext, _ identity: RunIdentity
  ) throws -> ResultPlaces {
    let hosts = try ranks.gather(Array(ProcessInfo.processInfo.hostName.utf8)).map {
      String(decoding: $0, as: UTF8.self)
    }
    var encoded: [UInt8] = []
    try ranks.onFirst {
      let provenance = Provenance(
        plan: plan, commandLine: options.commandLine, hosts: hosts, rankCount: ranks.count, start: start,
        fingerprint: fingerprint, identity: identity)
      let layout = try layout(passes, context, provenance)
      let places: ResultPlaces
      if options.existing == .append && output.exists {
        try output.copyForAppending()
        places = try ResultFile.append(output.partial, layout)
      } else {
        places = try ResultFile.create(output.partial, layout)
      }
      encoded = Array(try JSONEncoder().encode(places))
    }
    return try JSONDecoder().decode(ResultPlaces.self, from: Data(ranks.broadcast(encoded)))
  }

  private func layout(
    _ passes: [JobPass], _ context: FrameContext, _ provenance: Provenance
  ) throws -> ResultFileLayout {
    let source = plan.description
    var groups: [Int: ResultGroupLayout] = [:]
    for pass in passes {
      for (member, outputs) in zip(pass.members, try pass.outputs()) {
        let analysis = plan.analyses[member]
        groups[member] = ResultGroupLayout(
          analysis: analysis.name, algorithm: analysis.algorithm,
          attributes: [("algorithm_revision", .integer(analysis.revision))]
            + analysis.parameters.map { ("parameter_\($0.key)", .text("\($0.value.text) (\($0.origin.rawValue))")) },
          outputs: outputs, pass: pass.number)
      }
    }
    return ResultFileLayout(
      scan: plan.scan, detector: source.detectorShape, calibration: context.calibration,
      source: SourceReference(
        filePath: absolute(source.path), datasetPath: source.dataset ?? "/Raw_Data",
        digest: provenance.fingerprint.digest),
      groups: plan.analyses.indices.compactMap { groups[$0] }, provenance: provenance.attributes,
      pending: provenance.pending)
  }

  /// From the totals of all positions where the job has them, else from a few patterns. On rank 0; nil elsewhere.
  private func findDose(_ passes: [JobPass], _ writer: ResultWriter, _ calibration: Calibration) throws -> RunDose? {
    guard calibration.countsPerElectron != nil else { return nil }
    var dose: RunDose?
    try ranks.onFirst {
      for pass in passes {
        for (group, outputs) in zip(pass.members, try pass.outputs())
        where plan.analyses[group].name == "frame_statistics" {
          guard let index = outputs.firstIndex(where: { $0.name == "total" }) else { continue }
          let totals = try writer.readWhole(group: group, output: index)
          dose = RunDose(totals, isSample: false, calibration)
          return
        }
      }
      dose = RunDose(plan.sampleTotals(), isSample: true, calibration)
    }
    return dose
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
    let encoded = Array(try JSONEncoder().encode(passes[passes.count - 1].frames.statistics))
    let perRank = try ranks.gather(encoded).map { try JSONDecoder().decode(PassStatistics.self, from: Data($0)) }
    let wall = (ContinuousClock.now - clock).seconds
    var summary = RunSummary(
      outputPath: output.path, wall: wall, phases: phases.list, ranks: perRank, positions: plan.scan.count,
      selected: plan.selection.count, scanWidth: plan.scan.x, groups: Set(places.groups.map(\.path)))
    summary.bottleneck =
      Bottleneck(perRank, wall: wall, limit: ranks.rank == 0 ? PageCache.rate(plan.description.path) : nil)?.text
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
