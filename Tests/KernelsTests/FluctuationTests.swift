import STEM
import Testing

@testable import Kernels

@Suite struct FluctuationTests {
  /// Curves after NumPy: mean and var (ddof 0) of arrays made of the ring's values.
  private struct Reference {
    var omega, ring, ensemble, image: [Double]

    init(_ frames: [[Double]], _ ring: [Int?], bins: Int) {
      (omega, self.ring, ensemble, image) = ([], [], [], [])
      for k in 0..<bins {
        let pixels = ring.indices.filter { ring[$0] == k }
        let inRing = frames.map { frame in pixels.map { frame[$0] } }
        let means = inRing.map(mean)
        omega.append(ratio(means))
        self.ring.append(mean(inRing.map(ratio).filter(\.isFinite)))
        ensemble.append(ratio(inRing.flatMap { $0 }))
        image.append(mean(pixels.map { pixel in ratio(frames.map { $0[pixel] }) }.filter(\.isFinite)))
      }
    }
  }

  private func run(_ frames: [FrameMemory], _ ring: [Int?], bins: Int, _ shape: Shape, _ type: PixelType)
    -> (curves: Fluctuation.Curves, rows: [[Float]])
  {
    let kernel = Fluctuation(ring, bins: bins, shape: shape, type: type)
    let rows = frames.map { frame in
      var row = Array(repeating: Float(-1), count: bins)
      kernel.add(frame.view, variances: &row)
      return row
    }
    kernel.flush()
    return (kernel.curves(), rows)
  }

  @Test("the four curves are those of the definitions", arguments: PixelType.inMemory)
  func naive(type: PixelType) {
    let shape = Shape(13, 37), bins = 6
    var random = Random(11)
    let ring = (0..<shape.count).map { _ in [nil, 0, 1, 2, 3, 5].randomElement(using: &random)! }
    // Ring 3 has counts in some frames only.
    let frames = (0..<9).map { index in
      FrameMemory(
        type,
        ring.map { $0 == 3 && index % 2 == 0 ? 0 : Double(Int.random(in: 0...120, using: &random)) })
    }
    let found = run(frames, ring, bins: bins, shape, type)
    let expected = Reference(frames.map(\.values), ring, bins: bins)
    func agree(_ a: [Double], _ b: [Double]) -> Bool {
      zip(a, b).enumerated().allSatisfy { k, pair in
        k == 4 ? pair.0.isNaN : abs(pair.0 - pair.1) <= 1e-12 * abs(pair.1)
      }
    }
    #expect(agree(found.curves.omega.values, expected.omega))
    #expect(agree(found.curves.ring.values, expected.ring))
    #expect(agree(found.curves.ensemble.values, expected.ensemble))
    #expect(agree(found.curves.image.values, expected.image))
    for (row, frame) in zip(found.rows, frames) {
      for k in [0, 1, 2, 3, 5] {
        let reference = ratio(ring.indices.filter { ring[$0] == k }.map { frame.values[$0] })
        #expect(row[k].isNaN == reference.isNaN && (reference.isNaN || abs(Double(row[k]) / reference - 1) < 1e-6))
      }
    }
  }

  @Test("identical frames do not vary from place to place", arguments: PixelType.inMemory)
  func identical(type: PixelType) {
    let shape = Shape(20, 20)
    var random = Random(12)
    let ring = (0..<400).map { $0 / 100 as Int? }
    let frame = FrameMemory(type, (0..<400).map { _ in Double(Int.random(in: 1...100, using: &random)) })
    let curves = run(Array(repeating: frame, count: 50), ring, bins: 4, shape, type).curves
    #expect(curves.omega.values == [0, 0, 0, 0] && curves.image.values == [0, 0, 0, 0])
    for k in 0..<4 {
      // Over one frame and over all of them, the ring holds the same values.
      #expect(abs(curves.ensemble.values[k] - curves.ring.values[k]) < 1e-12 && curves.ring.values[k] > 0.1)
    }
    let flat = run([FrameMemory(type, Array(repeating: 7, count: 400))], ring, bins: 4, shape, type).curves
    #expect(flat.ring.values == [0, 0, 0, 0] && flat.ensemble.values == [0, 0, 0, 0])
  }

  @Test(
    "shot noise alone: every curve is 0 once its share is taken off, and that share is most of it", arguments: [1, 3])
  func shotNoise(gain: Int) {
    let shape = Shape(32, 32), frames = 400
    var random = Random(13)
    let ring = (0..<1024).map { $0 / 256 as Int? }
    let counts = (0..<frames).map { _ in
      FrameMemory(.u16, (0..<1024).map { Double(gain * poisson(Double(2 + 3 * ($0 / 256)), &random)) })
    }
    let curves = run(counts, ring, bins: 4, shape, .u16).curves
    for curve in [curves.omega, curves.ring, curves.ensemble, curves.image] {
      for (value, rest) in zip(curve.values, curve.corrected(countsPerElectron: Double(gain))) {
        // 400 values of a variance: its own error is 7 %; V_r sums 1/mean of noisy means, V_Ω has the fewest values.
        #expect(abs(rest) < 0.3 * value, "\(rest) of \(value)")
      }
    }
    for (value, rest) in zip(curves.ensemble.values, curves.ensemble.corrected(countsPerElectron: Double(gain))) {
      #expect(abs(rest) < 0.01 * value)
    }
    for (value, rest) in zip(curves.image.values, curves.image.corrected(countsPerElectron: Double(gain))) {
      #expect(abs(rest) < 0.02 * value)
    }
    #expect(abs(curves.ensemble.values[0] - 0.5) < 0.01)
  }

  @Test("what varies under the shot noise is left by the correction")
  func signal() {
    let shape = Shape(16, 16)
    var random = Random(14)
    // Half of the frames are twice as bright: V = (1 - 1.5)² / 1.5² = 1/9.
    let frames = (0..<600).map { index in
      FrameMemory(.u16, (0..<256).map { _ in Double(poisson(index % 2 == 0 ? 4 : 8, &random)) })
    }
    let curves = run(frames, Array(repeating: 0, count: 256), bins: 1, shape, .u16).curves
    for curve in [curves.omega, curves.ensemble, curves.image] {
      #expect(abs(curve.corrected(countsPerElectron: 1)[0] - 1.0 / 9) < 0.003)
    }
    #expect(abs(curves.ring.corrected(countsPerElectron: 1)[0]) < 0.003)
  }
}

private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

/// Var / mean²; NaN for a mean of 0.
private func ratio(_ values: [Double]) -> Double {
  let middle = mean(values)
  return mean(values.map { ($0 - middle) * ($0 - middle) }) / (middle * middle)
}

/// Knuth's algorithm: the product of uniform numbers until it falls below exp(−mean).
func poisson(_ mean: Double, _ random: inout Random) -> Int {
  var product = 1.0, count = -1
  let limit = exponential(-mean)
  repeat {
    product *= Double.random(in: 0..<1, using: &random)
    count += 1
  } while product > limit
  return count
}
