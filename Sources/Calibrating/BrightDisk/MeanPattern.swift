import Kernels
import STEM

/// The mean pattern, without what is not a number: one damaged frame must not hide the disk of all others.
final class MeanPattern: FrameKernel, PixelVisitor {
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

  func add(_ frame: Frame, row: Int) {
    if type.isInteger { statistics.add(frame) } else { frame.visit(self) }
  }

  func visit<Stored: StoredPixel>(_ pixels: Pixels<Stored>) {
    precondition(pixels.count == sums.values.count)
    for i in pixels.indices where pixels[i].double.isFinite {
      sums.values[i] += pixels[i].double
      counts.values[i] += 1
    }
  }

  func flush() { if type.isInteger { statistics.flush() } }

  /// NaN where no frame has a finite value.
  var mean: [Double] {
    type.isInteger ? statistics.patterns().mean : zip(sums.values, counts.values).map { $0 / Double($1) }
  }
}
