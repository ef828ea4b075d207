import Foundation
import Testing

@testable import Simulation

@Suite("Random numbers")
struct RandomStreamTests {
  @Test("Poisson numbers have the distribution's probabilities", arguments: [0.02, 0.7, 1.0, 3.5, 9.99, 10, 42.5, 900])
  func poisson(mean: Double) {
    var random = RandomStream(seed: 7, stream: 0)
    let samples = 200_000
    var histogram: [Int: Int] = [:]
    for _ in 0..<samples { histogram[random.poisson(mean: mean), default: 0] += 1 }
    var (chiSquare, bins, rest, restSeen) = (0.0, 0, Double(samples), samples)
    for count in 0..<Int(mean + 8 * mean.squareRoot() + 12) {
      let expected = Double(samples) * exp(Double(count) * log(mean) - mean - lgamma(Double(count) + 1))
      guard expected > 20 else { continue }
      let seen = histogram[count, default: 0]
      chiSquare += (Double(seen) - expected) * (Double(seen) - expected) / expected
      rest -= expected
      restSeen -= seen
      bins += 1
    }
    // Mean of χ² is the number of free bins, its variance twice that.
    let freedom = Double(max(1, bins - 1))
    #expect(chiSquare < freedom + 4.5 * (2 * freedom).squareRoot() + 6)
    #expect(abs(Double(restSeen) - rest) < 6 * max(rest, 10).squareRoot())
    let average = histogram.reduce(0.0) { $0 + Double($1.key * $1.value) } / Double(samples)
    let variance = histogram.reduce(0.0) { $0 + pow(Double($1.key) - average, 2) * Double($1.value) } / Double(samples)
    #expect(abs(average - mean) < 4.5 * (mean / Double(samples)).squareRoot())
    // Variance of the sample variance: (μ₄ − σ⁴)/n with μ₄ = m + 3m².
    #expect(abs(variance - mean) < 4.5 * ((mean + 2 * mean * mean) / Double(samples)).squareRoot())
  }

  @Test("A mean of zero gives zero")
  func dark() {
    var random = RandomStream(seed: 1, stream: 1)
    for _ in 0..<1000 { #expect(random.poisson(mean: 0) == 0) }
  }

  @Test("The logarithm of factorials agrees with their products")
  func factorials() {
    var logarithm = 0.0
    for k in 0..<400 {
      if k > 0 { logarithm += log(Double(k)) }
      #expect(abs(logFactorial(Double(k)) - logarithm) < 1e-11 * max(1, logarithm))
    }
  }

  @Test("Streams of neighboring positions and seeds are uncorrelated and even")
  func streams() {
    var means: [Double] = []
    for seed in 0..<4 {
      for stream in 0..<500 {
        var random = RandomStream(seed: seed, stream: stream)
        means.append(random.uniform() - 0.5)
      }
    }
    let mean = means.reduce(0, +) / 2000
    let product = zip(means, means.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / 1999
    #expect(abs(mean) < 4.5 / (12.0 * 2000).squareRoot())
    #expect(abs(product) < 4.5 / 12 / 1999.0.squareRoot())
  }
}
