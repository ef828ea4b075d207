import Kernels
import STEM

/// The mean pattern, without what is not a number: one damaged frame must not hide the disk of all others.
final class MeanPattern: FrameKernel {
  /// At most this many positions go into it: the disk of a larger scan is known well enough from a sample.
  static let mostPositions = 4096

  private let type: PixelType
  private let sums: PixelSum<Double>
  private let counts: PixelSum<UInt64>
  private let statistics: PixelStatistics

  init(_ context: FrameContext) {
    type = context.pixelType
    // Integers have no NaN: their fast exact sums will do.
    let pixels = context.detector.count
    statistics = PixelStatistics(pixels: type.isInteger ? pixels : 0, type: type)
    sums = PixelSum(type.isInteger ? 0 : pixels)
    counts = PixelSum(type.isInteger ? 0 : pixels)
  }

  /// Over a sample of the scan, on rank 0. Collective.
  static func measure(_ context: any StageContext) throws -> (pattern: MeanPattern, positions: Int) {
    let kernel = MeanPattern(context.frame)
    let positions = try context.pass([BoundKernel(measuring: kernel)], over: .sample(atMost: mostPositions))
    return (kernel, positions)
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

  func flush() { if type.isInteger { statistics.flush() } }

  /// NaN where no frame has a finite value.
  var mean: [Double] {
    type.isInteger ? statistics.patterns().mean : zip(sums.values, counts.values).map { $0 / Double($1) }
  }
}
