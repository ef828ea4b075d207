import STEM

/// Mean, variance and largest value of every pixel over frames, without values that are not finite.
public final class PixelMoments {
  /// All are combined elementwise.
  public let accumulators: [any Accumulator]
  private let type: PixelType
  private let pixels: Int
  /// Integers have no NaN: their exact sums will do.
  private let integers: PixelStatistics?
  private let counts: PixelSum<UInt64>
  private let sums: PixelSum<DoubleDouble>
  private let squares: PixelSum<DoubleDouble>
  private let largest: PixelMax<Double>

  public init(pixels: Int, type: PixelType) {
    self.type = type
    self.pixels = pixels
    integers = type.isInteger ? PixelStatistics(pixels: pixels, type: type) : nil
    let own = type.isInteger ? 0 : pixels
    (counts, sums, squares) = (PixelSum(own), PixelSum(own), PixelSum(own))
    largest = PixelMax(own, neutral: -.infinity)
    accumulators = integers?.accumulators ?? [counts, sums, squares, largest]
  }

  public func add(_ frame: UnsafeRawPointer) {
    switch type {
    case .f32: addFinite(frame.assumingMemoryBound(to: Float.self))
    case .f64: addFinite(frame.assumingMemoryBound(to: Double.self))
    default: integers?.add(frame)
    }
  }

  private func addFinite<Pixel: BinaryFloatingPoint>(_ frame: UnsafePointer<Pixel>) {
    for i in 0..<pixels where frame[i].isFinite {
      counts.values[i] += 1
      sums.values[i].add(Double(frame[i]))
      squares.values[i].addSquare(Double(frame[i]))
      largest.values[i] = max(largest.values[i], Double(frame[i]))
    }
  }

  /// Must be called before the accumulators are read.
  public func flush() { integers?.flush() }

  /// The variance divided by the number of values (ddof 0); NaN where there is none. `frames` is the largest number of
  /// values that a pixel has.
  public func sample() -> BadPixels.Sample {
    if let integers {
      let patterns = integers.patterns()
      return BadPixels.Sample(
        mean: patterns.mean, variance: patterns.variance, largest: patterns.largest, frames: Int(integers.count))
    }
    var mean: [Double] = [], variance: [Double] = []
    for i in 0..<pixels {
      let count = Double(counts.values[i])
      let (sum, square) = (sums.values[i], squares.values[i])
      mean.append(sum.rounded / count)
      variance.append(max(0, (square * DoubleDouble(count)).minus(sum * sum) / count / count))
    }
    return BadPixels.Sample(
      mean: mean, variance: variance, largest: Array(largest.values), frames: Int(counts.values.max() ?? 0))
  }
}
