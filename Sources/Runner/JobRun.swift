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
  private let plan: Plan
  private let options: RunOptions
  private let ranks: MPIRanks
  private let console: Console
  private let output: OutputFile
  private let start = Date()
  private let clock = ContinuousClock.now
  private var fingerprint = (size: 0, digest: "")
  private var phases = PhaseClock()

  public init(_ plan: Plan, options: RunOptions, ranks: MPIRanks, console: Console) {
    self.plan = plan
    self.options = options
    self.ranks = ranks
    self.console = console
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
    let reader = try ranks.together { try plan.source.makeReader() }
    let unfinished = try findUnfinished(identity)
    phases.end("open")
    return try execute(reader, unfinished ?? begin(identity, reader), isResumed: unfinished != nil)
  }

  /// Measures what is not known, lays out the output and makes the checkpoint file.
  private func begin(_ identity: RunIdentity, _ reader: any FrameReader) throws -> RunIdentity {
    var identity = identity
    do {
      identity.measured = try measure(reader)
      phases.end("measure")
      let context = context(identity.measured)
      let outputs = try ranks.together { try collect(plan.analyses) { try $0.outputs(context) } }
      identity.places = try layOut(outputs, context, identity)
      let head = Array(try JSONEncoder().encode(identity))
      let checkpoint = Checkpoint(output.checkpoint, blockCount: 0, sums: [])
      try ranks.onFirst { try checkpoint.create(head: head) }
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
    let outputs = try ranks.together { try collect(plan.analyses) { try $0.outputs(context) } }
    let kernels = try ranks.together { try collect(plan.analyses) { try $0.makeKernel(context) } }
    let pass = FramePass(plan.description, selection: plan.selection, kernels: kernels)
    announce(pass)
    let writer = try ResultWriter(output.partial, places: places, access: .parallel(ranks))
    pass.sink = ResultSink(writer: writer, outputs: outputs, path: output.partial)
    pass.progress = progressReport(pass)
    pass.isInterrupted = { StopSignals.isRequested }
    pass.masksBadFrames = plan.masksBadFrames
    pass.checkpointInterval = .seconds(plan.checkpointInterval)
    pass.announceResumed = { [console] done, total in
      if isResumed { console.info("resumed: \(done) of \(total) blocks done") }
    }
    phases.end("open output")
    do { try pass.run(reader, ranks: ranks, checkpoint: pass.checkpoint(at: output.checkpoint)) } catch {
      console.info(
        "what was computed stays in \(output.partial); the same command continues, --force starts over"
          + (plan.masksBadFrames ? "" : ", run.on_bad_frame: mask leaves unreadable frames out"))
      throw error
    }
    console.clearBar()
    phases.end("pass")
    try ranks.onFirst { try writeSums(kernels, outputs, writer) }
    try writer.close()
    phases.end("patterns")
    return try finish(pass, places)
  }

  // MARK: what is there already

  /// Throws also when the job does not fit the memory: before anything is read.
  private func makeIdentity(ranksOnNode: Int) throws -> RunIdentity {
    let context = plan.provisionalContext
    let kernels = try plan.analyses.map { try $0.makeKernel(context) }
    let pass = FramePass(plan.description, selection: plan.selection, kernels: kernels)
    try MemoryPlan(plan, passBytes: pass.memoryBytes, ranksOnNode: ranksOnNode).check()
    if ranks.rank == 0 { fingerprint = try Provenance.fingerprint(plan.description.path) }
    let base = options.existing == .append && output.exists ? output.state : ""
    return RunIdentity(plan, fingerprint: fingerprint, blocks: pass.blocks, base: base)
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
      stored = options.force || !output.partialExists ? [] : Checkpoint.head(output.checkpoint) ?? []
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

  /// Center y, x and disk radius [px]; empty when nothing is to be measured.
  private func measure(_ reader: any FrameReader) throws -> [Double] {
    guard !plan.toMeasure.isEmpty else { return [] }
    let measurement = try Measurement(plan, reader, ranks: ranks, path: output.measurement)
    let center = measurement.center
    let text = String(
      format: "center %.2f, %.2f px and disk radius %.2f px measured in the mean of %d patterns", center.y, center.x,
      measurement.radius, measurement.positions)
    console.info(text)
    if measurement.isClipped {
      console.warning("the bright disk is cut by the detector's edge; its center may be off")
    }
    return [center.y, center.x, measurement.radius]
  }

  private func context(_ measured: [Double]) -> FrameContext {
    measured.isEmpty
      ? plan.context : plan.measured(center: Pair(measured[0], measured[1]), diskRadius: measured[2])
  }

  /// What `make` gives for each analysis; all problems at once.
  private func collect<Value>(_ analyses: [PlannedAnalysis], _ make: (PlannedAnalysis) throws -> Value) throws
    -> [Value]
  {
    var found: [Problem] = []
    var values: [Value] = []
    for analysis in analyses {
      do { values.append(try make(analysis)) } catch { found += problems(of: error) }
    }
    try found.throwIfAny()
    return values
  }

  private func announce(_ pass: FramePass) {
    let source = plan.description
    console.info(
      "\(source.path): \(source.format), scan \(plan.scan.text), detector \(source.detectorShape.text) "
        + "\(source.pixelType.numpyName), \(source.storage)")
    console.info(
      "\(plan.selection.count) of \(plan.scan.count) positions in \(pass.blocks.blockCount) blocks and "
        + "\(pass.blocks.leafCount) leaves on \(ranks.count) \(ranks.count == 1 ? "rank" : "ranks")")
    for warning in plan.warnings { console.warning(warning) }
  }

  // MARK: output

  private func layOut(
    _ outputs: [[OutputDescription]], _ context: FrameContext, _ identity: RunIdentity
  ) throws -> ResultPlaces {
    let hosts = try ranks.gather(Array(ProcessInfo.processInfo.hostName.utf8)).map {
      String(decoding: $0, as: UTF8.self)
    }
    var encoded: [UInt8] = []
    try ranks.onFirst {
      let provenance = Provenance(
        plan: plan, commandLine: options.commandLine, hosts: hosts, rankCount: ranks.count, start: start,
        fingerprint: fingerprint)
      let layout = try layout(outputs, context, provenance)
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
    _ outputs: [[OutputDescription]], _ context: FrameContext, _ provenance: Provenance
  ) throws -> ResultFileLayout {
    let source = plan.description
    let groups = zip(plan.analyses, outputs).map { analysis, outputs in
      ResultGroupLayout(
        analysis: analysis.name, algorithm: analysis.algorithm,
        attributes: [("algorithm_revision", .integer(analysis.revision))]
          + analysis.parameters.map { ("parameter_\($0.key)", .text("\($0.value.text) (\($0.origin.rawValue))")) },
        outputs: outputs)
    }
    return ResultFileLayout(
      scan: plan.scan, detector: source.detectorShape, calibration: context.calibration,
      source: SourceReference(
        filePath: absolute(source.path), datasetPath: source.dataset ?? "/Raw_Data",
        digest: provenance.fingerprint.digest),
      groups: groups, provenance: provenance.attributes, pending: provenance.pending)
  }

  private func writeSums(
    _ kernels: [any FrameKernel], _ outputs: [[OutputDescription]], _ writer: ResultWriter
  ) throws {
    for (group, kernel) in kernels.enumerated() {
      let values = kernel.finish()
      for (index, output) in outputs[group].enumerated() {
        if let whole = values[output.name] { try writer.writeWhole(group: group, output: index, whole) }
      }
    }
  }

  /// End time and status, the sync and the rename; then the summary.
  private func finish(_ pass: FramePass, _ places: ResultPlaces) throws -> RunSummary {
    try ranks.onFirst {
      try ResultFile.finish(
        output.partial, places, [("end_time", .text(timestamp(Date()))), ("status", .text("complete"))])
      try output.publish()
      output.removePartial()
    }
    phases.end("publish")
    let encoded = Array(try JSONEncoder().encode(pass.statistics))
    let perRank = try ranks.gather(encoded).map { try JSONDecoder().decode(PassStatistics.self, from: Data($0)) }
    return RunSummary(
      outputPath: output.path, wall: (ContinuousClock.now - clock).seconds, phases: phases.list, ranks: perRank,
      positions: plan.scan.count, selected: plan.selection.count, scanWidth: plan.scan.x,
      groups: Set(places.groups.map(\.path)))
  }

  private func progressReport(_ pass: FramePass) -> (PassStatistics) -> Void {
    let total = plan.selection.count
    let began = ContinuousClock.now
    let share = ranks.count
    return { [console, frameBytes = plan.description.frameBytes] mine in
      // Ranks work at the same pace but for the last leaves: this rank's count stands for all.
      console.progress(
        ProgressState(
          done: min(total, mine.frames * share), total: total, frameBytes: frameBytes,
          seconds: (ContinuousClock.now - began).seconds))
    }
  }
}

/// Rows into the shared output.
private struct ResultSink: RowSink {
  let writer: ResultWriter
  let outputs: [[OutputDescription]]
  let path: String

  func write(_ kernels: [any FrameKernel], positions: Range<Int>, leafStart: Int) throws {
    for (group, kernel) in kernels.enumerated() {
      for rows in kernel.rows {
        guard let index = outputs[group].firstIndex(where: { $0.name == rows.output }) else { continue }
        let all = rows.bytes(rows: positions.upperBound - leafStart)
        let part = UnsafeRawBufferPointer(rebasing: all[((positions.lowerBound - leafStart) * rows.rowBytes)...])
        try writer.writeRows(group: group, output: index, positions: positions, part)
      }
    }
  }

  func markCompleted(_ positions: Range<Int>) throws { try writer.markCompleted(positions) }
  func markBad(_ positions: Range<Int>) throws { try writer.markBad(positions) }
  func sync() throws { try OutputFile.sync(path) }
}
