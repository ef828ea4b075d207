import Foundation
import HDF5
import Jobs
import STEM
import USID

public struct RunOptions: Sendable {
  public enum Existing: Sendable { case refuse, overwrite, append }
  public var existing = Existing.refuse
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

  public init(_ plan: Plan, options: RunOptions, ranks: MPIRanks, console: Console) {
    self.plan = plan
    self.options = options
    self.ranks = ranks
    self.console = console
    output = OutputFile(path: plan.outputPath, existing: options.existing)
  }

  /// Collective. Throws `RunFailure`, the same on all ranks.
  public func run() throws -> RunSummary {
    try ranks.onFirst {
      try output.check(input: plan.description.path)
      output.removePartial()
    }
    do { return try execute() } catch {
      if ranks.rank == 0 { output.removePartial() }
      throw error
    }
  }

  private func execute() throws -> RunSummary {
    let reader = try ranks.together { try plan.source.makeReader() }
    let context = try measuredContext(reader)
    let analyses = plan.analyses
    let outputs = try ranks.together { try collect(analyses) { try $0.outputs(context) } }
    let kernels = try ranks.together { try collect(analyses) { try $0.makeKernel(context) } }
    let pass = FramePass(plan.description, selection: plan.selection, kernels: kernels)
    announce(pass, context)

    let places = try layOut(outputs, context)
    let writer = try ResultWriter(output.partial, places: places, access: .parallel(ranks))
    pass.sink = ResultSink(writer: writer, outputs: outputs)
    pass.progress = progressReport(pass)
    try pass.run(reader, ranks: ranks, storePath: output.leaves)
    console.clearBar()
    let began = ContinuousClock.now
    try ranks.onFirst { try writeSums(kernels, outputs, writer) }
    try writer.close()
    return try finish(pass, places, reducing: (ContinuousClock.now - began).seconds)
  }

  private func measuredContext(_ reader: any FrameReader) throws -> FrameContext {
    guard !plan.toMeasure.isEmpty else { return plan.context }
    let measurement = try Measurement(plan, reader, ranks: ranks, storePath: output.leaves)
    let center = measurement.center
    let text = String(
      format: "center %.2f, %.2f px and disk radius %.2f px measured in the mean of %d patterns", center.y, center.x,
      measurement.radius, measurement.positions)
    console.info(text)
    if measurement.isClipped {
      console.warning("the bright disk is cut by the detector's edge; its center may be off")
    }
    return plan.measured(center: center, diskRadius: measurement.radius)
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

  private func announce(_ pass: FramePass, _ context: FrameContext) {
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

  private func layOut(_ outputs: [[OutputDescription]], _ context: FrameContext) throws -> ResultPlaces {
    let hosts = try ranks.gather(Array(ProcessInfo.processInfo.hostName.utf8)).map {
      String(decoding: $0, as: UTF8.self)
    }
    var encoded: [UInt8] = []
    try ranks.onFirst {
      let provenance = try Provenance(
        plan: plan, commandLine: options.commandLine, hosts: hosts, rankCount: ranks.count, start: start)
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
        filePath: absolute(source.path), datasetPath: source.dataset ?? "/Raw_Data", digest: provenance.fingerprint.digest),
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
  private func finish(
    _ pass: FramePass, _ places: ResultPlaces, reducing: Double
  ) throws -> RunSummary {
    try ranks.onFirst {
      try ResultFile.finish(
        output.partial, places, [("end_time", .text(timestamp(Date()))), ("status", .text("complete"))])
      try output.publish()
    }
    let encoded = Array(try JSONEncoder().encode(pass.statistics))
    let perRank = try ranks.gather(encoded).map { try JSONDecoder().decode(PassStatistics.self, from: Data($0)) }
    return RunSummary(
      outputPath: output.path, wall: (ContinuousClock.now - clock).seconds, reducing: reducing, ranks: perRank,
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
}
