import STEM

/// Mean, variance and largest value of every pixel over frames, without values that are not finite.
public final class PixelMoments {
  /// All are combined elementwise.
  public let accumulators: [any Accumulator]
  private let pixels: Int
  /// Integers have no NaN: their exact sums will do.
  private let integers: PixelStatistics?
  private let counts: PixelSum<UInt64>
  private let sums: PixelSum<DoubleDouble>
  private let squares: PixelSum<DoubleDouble>
  private let largest: PixelMax<Double>

  public init(pixels: Int, type: PixelType) {
    self.pixels = pixels
    integers = type.isInteger ? PixelStatistics(pixels: pixels, type: type) : nil
    let own = type.isInteger ? 0 : pixels
    (counts, sums, squares) = (PixelSum(own), PixelSum(own), PixelSum(own))
    largest = PixelMax(own, neutral: -.infinity)
    accumulators = integers?.accumulators ?? [counts, sums, squares, largest]
  }

  public func add(_ frame: Frame) {
    if let integers { integers.add(frame) } else { frame.visit(FiniteSums(moments: self)) }
  }

  private struct FiniteSums: PixelVisitor {
    let moments: PixelMoments

    func visit<Stored: StoredPixel>(_ pixels: Pixels<Stored>) {
      precondition(pixels.count == moments.pixels)
      for i in pixels.indices {
        let value = pixels[i].double
        guard value.isFinite else { continue }
        moments.counts.values[i] += 1
        moments.sums.values[i].add(value)
        moments.squares.values[i].addSquare(value)
        moments.largest.values[i] = max(moments.largest.values[i], value)
      }
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
