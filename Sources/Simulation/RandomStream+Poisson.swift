import Foundation

extension RandomStream {
  /// A number from the Poisson distribution; `mean` ≥ 0. Exact but for the rounding of doubles.
  @inline(__always) mutating func poisson(mean: Double) -> Int {
    guard mean < 1 else { return mean < 10 ? inversion(uniform(), mean) : rejection(mean) }
    let u = uniform()
    // exp(−mean) ≥ 1 − mean: most pixels are dark and need no exponential.
    return u < 1 - mean ? 0 : inversion(u, mean)
  }

  /// The smallest n with P(count ≤ n) > u.
  private func inversion(_ u: Double, _ mean: Double) -> Int {
    var count = 0
    var probability = exp(-mean)
    var cumulated = probability
    // Past 100 the terms no longer change the sum for means below 10.
    while u >= cumulated, count < 100 {
      count += 1
      probability *= mean / Double(count)
      cumulated += probability
    }
    return count
  }

  /// Transformed rejection with squeeze for means of at least 10: Hörmann, Insurance: Mathematics and Economics 12
  /// (1993) 39, algorithm PTRS.
  private mutating func rejection(_ mean: Double) -> Int {
    let logarithm = log(mean)
    let b = 0.931 + 2.53 * mean.squareRoot()
    let a = -0.059 + 0.02483 * b
    let inverseAlpha = 1.1239 + 1.1328 / (b - 3.4)
    let vr = 0.9277 - 3.6224 / (b - 2)
    while true {
      let u = uniform() - 0.5
      let v = uniform()
      let us = 0.5 - abs(u)
      let k = ((2 * a / us + b) * u + mean + 0.43).rounded(.down)
      if us >= 0.07, v <= vr { return Int(k) }
      if k < 0 || (us < 0.013 && v > us) { continue }
      let bound = k * logarithm - mean - logFactorial(k)
      if log(v * inverseAlpha / (a / (us * us) + b)) <= bound { return Int(k) }
    }
  }
}

/// ln k! by Stirling's series, Abramowitz and Stegun 6.1.41; the error is below 1e-12 for every k ≥ 0.
func logFactorial(_ k: Double) -> Double {
  var x = k + 1
  var product = 1.0
  // Γ(x) = Γ(x + n) / (x (x + 1) …): the series needs a large argument.
  while x < 10 {
    product *= x
    x += 1
  }
  let inverse = 1 / (x * x)
  let series = (1 / 12.0 - inverse * (1 / 360.0 - inverse * (1 / 1260.0 - inverse * (1 / 1680.0 - inverse / 1188)))) / x
  return (x - 0.5) * log(x) - x + 0.5 * log(2 * Double.pi) + series - log(product)
}
