import Engine
import Foundation
import HDF5
import STEM
import Simulation
import USID

/// Writes a synthetic scan with its truth, all ranks together.
public final class SimulationRun {
  private let parameters: SimulationParameters
  private let output: OutputFile
  private let ranks: MPIRanks
  private let events: any RunEvents
  private let commandLine: [String]

  public init(
    _ parameters: SimulationParameters, path: String, overwrite: Bool, commandLine: [String], ranks: MPIRanks,
    events: any RunEvents
  ) {
    self.parameters = parameters
    self.ranks = ranks
    self.events = events
    self.commandLine = commandLine
    output = OutputFile(path: path, existing: overwrite ? .overwrite : .refuse, canAppend: false)
  }

  /// Collective. Throws `RunFailure`, the same on all ranks. Returns seconds.
  public func run() throws -> Double {
    let start = ContinuousClock.now
    try ranks.onFirst {
      try parameters.check()
      try output.check(input: "")
      output.removePartial()
    }
    do {
      let writer = try ResultWriter(output.partial, places: layOut(), access: try .parallel(ranks))
      try simulate(writer)
      try writer.close()
      events.endProgress()
      try ranks.onFirst { try output.publish() }
    } catch {
      if ranks.rank == 0 { output.removePartial() }
      throw error
    }
    return (ContinuousClock.now - start).seconds
  }

  private func layOut() throws -> ResultPlaces {
    var encoded: [UInt8] = []
    try ranks.onFirst {
      let layout = ScanFileLayout(
        scan: parameters.scanShape, detector: parameters.detectorShape, pixelType: parameters.pixelType,
        calibration: parameters.calibration, quantity: parameters.dose == nil ? "Intensity" : "Electron counts",
        unit: parameters.dose == nil ? "a.u." : "counts", groups: [Self.truthGroup(parameters)],
        provenance: [
          ("ronchi_version", .text(ronchiVersion)), ("command_line", .text(shellText(commandLine))),
          ("simulation", .text("\(parameters.object.rawValue), seed \(parameters.seed)")),
        ])
      encoded = Array(try JSONEncoder().encode(ScanFile.create(output.partial, layout)))
    }
    return try JSONDecoder().decode(ResultPlaces.self, from: Data(ranks.broadcast(encoded)))
  }

  private static func truthGroup(_ parameters: SimulationParameters) -> ResultGroupLayout {
    func map(_ name: String, _ quantity: String, _ unit: String, _ summary: String) -> OutputDescription {
      OutputDescription(name, .map, quantity: quantity, unit: unit, signed: true, summary)
    }
    return ResultGroupLayout(
      analysis: "simulation_truth",
      algorithm:
        "What a perfect measurement of the simulated object finds: its phase convolved with the probe's intensity",
      attributes: [
        ("peak_phase_rad", .number(parameters.peakPhase)), ("object", .text(parameters.object.rawValue)),
        ("dose_electrons_per_pattern", .number(parameters.dose ?? 0)), ("seed", .integer(parameters.seed)),
      ],
      outputs: [
        map("phase", "Phase", "rad", "Phase convolved with the probe's intensity, up to a constant"),
        map("deflection_scan_y", "Deflection", "Å⁻¹", "Gradient of the phase along scan y / 2π"),
        map("deflection_scan_x", "Deflection", "Å⁻¹", "Gradient of the phase along scan x / 2π"),
        map("deflection_y", "Displacement", "px", "Expected center of mass minus center, detector y"),
        map("deflection_x", "Displacement", "px", "Expected center of mass minus center, detector x"),
      ])
  }

  /// Frames are independent of each other, so any rank may make any block of them. Collective.
  private func simulate(_ writer: ResultWriter) throws {
    let simulator = try ranks.together { try Simulator(parameters) }
    let positions = parameters.scanShape.count
    let frameBytes = parameters.detectorShape.count * parameters.pixelType.size
    let blocks = BlockPlan(positions: positions, frameBytes: frameBytes, chunkPositions: 1, accumulatorBytes: 0)
    let queue = try TaskQueue(ranks, count: blocks.blockCount) { false }
    let outcome = Result { try takeBlocks(of: blocks, frameBytes, queue, simulator, writer) }
    try queue.finish()
    try ranks.together { try outcome.get() }
  }

  private func takeBlocks(
    of blocks: BlockPlan, _ frameBytes: Int, _ queue: TaskQueue, _ simulator: Simulator, _ writer: ResultWriter
  ) throws {
    let positions = parameters.scanShape.count
    let frames = UnsafeMutableRawBufferPointer.allocate(byteCount: blocks.blockPositions * frameBytes, alignment: 64)
    defer { frames.deallocate() }
    let start = ContinuousClock.now
    var made = 0
    do {
      while let block = try queue.next() {
        try queue.expectNext()
        let range = blocks.positions(ofBlock: block)
        fill(frames, range, simulator)
        try writer.writeFrames(range, UnsafeRawBufferPointer(rebasing: frames[..<(range.count * frameBytes)]))
        try writeTruth(range, simulator, writer)
        made += range.count
        events.progress(
          ProgressState(
            done: min(positions, made * ranks.count), total: positions, frameBytes: frameBytes,
            seconds: (ContinuousClock.now - start).seconds))
      }
    } catch {
      try queue.stop()
      throw error
    }
  }

  private func fill(_ frames: UnsafeMutableRawBufferPointer, _ range: Range<Int>, _ simulator: Simulator) {
    let pixels = parameters.detectorShape.count
    for position in range {
      let first = (position - range.lowerBound) * pixels
      if parameters.dose == nil {
        let all = frames.bindMemory(to: Float.self)
        simulator.simulate(
          position: position, into: UnsafeMutableBufferPointer(rebasing: all[first..<(first + pixels)]))
      } else {
        let all = frames.bindMemory(to: UInt16.self)
        simulator.simulate(
          position: position, into: UnsafeMutableBufferPointer(rebasing: all[first..<(first + pixels)]))
      }
    }
  }

  private func writeTruth(_ range: Range<Int>, _ simulator: Simulator, _ writer: ResultWriter) throws {
    let truths = range.map { simulator.truth(position: $0) }
    let columns: [[Double]] = [
      truths.map(\.phase), truths.map(\.deflection.y), truths.map(\.deflection.x), truths.map(\.detectorDeflection.y),
      truths.map(\.detectorDeflection.x),
    ]
    for (output, values) in columns.enumerated() {
      try values.withUnsafeBytes { try writer.writeRows(group: 0, output: output, positions: range, $0) }
    }
  }
}

extension FileAccess {
  /// Collective. What is written goes to the operating system at once; that of another machine may keep it from the one
  /// that publishes the file.
  package static func parallel(_ ranks: MPIRanks) throws -> FileAccess {
    let machines = Set(try ranks.boots()).count
    return FileAccess(flushesAtEnd: machines > 1) { [communicator = ranks.communicator] in
      try File($0, .readWrite, ranks: communicator)
    }
  }
}
