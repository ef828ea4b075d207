import STEM

extension DoubleDouble {
  /// The nearest double; infinities and NaN as a plain sum would have them.
  var rounded: Double { high.isFinite ? high + low : high }

  static func * (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
    let product = a.high * b.high
    let error = (-product).addingProduct(a.high, b.high)
    return DoubleDouble(product, error + (a.high * b.low + a.low * b.high))
  }

  func minus(_ other: DoubleDouble) -> Double { (high - other.high) + (low - other.low) }
}
