import Foundation
import Jobs
import Kernels
import STEM

/// Center and radius of the bright disk in the mean pattern of the scan.
struct Measurement {
  /// At most this many positions go into the mean pattern: the disk of a larger scan is known well enough from a
  /// sample of whole blocks spread evenly over it.
  static let mostPositions = 4096

  /// [px]
  let center: Pair<Double>
  let radius: Double
  let isClipped: Bool
  let positions: Int

  /// Collective.
  init(_ plan: Plan, _ reader: any FrameReader, ranks: any Ranks, path: String) throws {
    let kernel = MeanPattern(plan.context)
    let pass = FramePass(plan.description, selection: plan.selection, kernels: [kernel])
    let sample = Self.sample(pass.blocks, plan.selection)
    pass.includes = sample.contains
    pass.isInterrupted = { StopSignals.isRequested }
    pass.masksBadFrames = plan.masksBadFrames
    let checkpoint = pass.checkpoint(at: path)
    try ranks.onFirst { try checkpoint.create(head: []) }
    defer { if ranks.rank == 0 { checkpoint.remove() } }
    try pass.run(reader, ranks: ranks, checkpoint: checkpoint)
    var result: [Double] = []
    try ranks.onFirst {
      let pattern = kernel.mean
      let shape = plan.description.detectorShape
      let found = try BrightDisk.find(pattern, shape: shape, dead: plan.context.deadPixels)
      result = [found.center.y, found.center.x, found.radius, found.clipped ? 1 : 0]
    }
    result = try ranks.broadcast(result)
    center = Pair(result[0], result[1])
    radius = result[2]
    isClipped = result[3] == 1
    positions = try ranks.sum([pass.statistics.frames])[0]
  }

  /// Blocks spread evenly over those that hold a selected position.
  static func sample(_ blocks: BlockPlan, _ selection: PositionSelection) -> Set<Int> {
    let eligible = (0..<blocks.blockCount).filter { !selection.runs(in: blocks.positions(ofBlock: $0)).isEmpty }
    let wanted = max(1, mostPositions / blocks.blockPositions)
    guard eligible.count > wanted else { return Set(eligible) }
    return Set((0..<wanted).map { eligible[$0 * eligible.count / wanted] })
  }
}

extension Ranks {
  func broadcast(_ values: [Double]) throws -> [Double] {
    let bytes = values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian) { Array($0) } }
    let received = try broadcast(bytes)
    return stride(from: 0, to: received.count, by: 8).map { start in
      Double(bitPattern: received[start..<(start + 8)].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) })
    }
  }
}

/// The mean pattern, without what is not a number: one damaged frame must not hide the disk of all others.
private final class MeanPattern: FrameKernel {
  private let type: PixelType
  private let sums: PixelSum<Double>
  private let counts: PixelSum<UInt64>
  private let statistics: PixelStatistics
  let rows: [Rows] = []

  init(_ context: FrameContext) {
    type = context.pixelType
    // Integers have no NaN: their fast exact sums will do.
    let pixels = context.detector.count
    statistics = PixelStatistics(pixels: type.isInteger ? pixels : 0, type: type)
    sums = PixelSum(type.isInteger ? 0 : pixels)
    counts = PixelSum(type.isInteger ? 0 : pixels)
  }

  var accumulators: [any Accumulator] { type.isInteger ? statistics.accumulators : [sums, counts] }

  func add(_ frame: UnsafeRawPointer, row: Int) {
    switch type {
    case .f32: add(frame.assumingMemoryBound(to: Float.self))
    case .f64: add(frame.assumingMemoryBound(to: Double.self))
    default: statistics.add(frame)
    }
  }

  private func add<Pixel: BinaryFloatingPoint>(_ frame: UnsafePointer<Pixel>) {
    for i in sums.values.indices where frame[i].isFinite {
      sums.values[i] += Double(frame[i])
      counts.values[i] += 1
    }
  }

  func endBlock() { if type.isInteger { statistics.flush() } }

  /// NaN where no frame has a finite value.
  var mean: [Double] {
    type.isInteger ? statistics.patterns().mean : zip(sums.values, counts.values).map { $0 / Double($1) }
  }
}
