import STEM

/// A few sums over all frames: in integers, whose order cannot show, for integer pixels.
final class ExactSums {
  private let integers: PixelSum<Int64>?
  private let reals: PixelSum<Double>?

  init(_ count: Int, type: PixelType) {
    integers = type.isInteger ? PixelSum(count) : nil
    reals = type.isInteger ? nil : PixelSum(count)
  }

  var accumulator: any Accumulator { integers ?? reals! }

  func add(_ index: Int, _ value: Double) {
    if let integers {
      integers.values[index] &+= Int64(value)
    } else if value.isFinite {
      reals!.values[index] += value
    }
  }

  var values: [Double] { integers.map { $0.values.map(Double.init) } ?? reals!.values.map { $0 } }
}
