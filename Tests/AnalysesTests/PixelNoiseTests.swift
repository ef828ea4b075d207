import Foundation
import STEM
import TestSupport
import Testing

@testable import Analyses

@Suite struct PixelNoiseTests {
  @Test(
    "counted electrons have a Fano factor of 1, and of the gain where each gives several counts", arguments: [1.0, 4])
  func fano(gain: Double) throws {
    let shape = Shape(16, 18)
    var random = Random(7)
    let frames = (0..<300).map { _ in (0..<shape.count).map { _ in gain * random.poisson(3) } }
    let results = try run(PixelNoise(), context(shape), frames)
    let fano = results.whole["fano"]!
    #expect(abs(fano.reduce(0, +) / Double(shape.count) / gain - 1) < 0.02)
    // Each of 300 values: 8 %.
    #expect(fano.allSatisfy { abs($0 / gain - 1) < 0.45 })
    #expect(results.whole["suspect"]!.allSatisfy { $0 == 0 })
  }

  @Test("hot, noisy and stuck pixels are suspect and no others; known dead ones stay in the mask")
  func suspects() throws {
    let shape = Shape(20, 22)
    var random = Random(7)
    let (hot, noisy, stuck, dead) = (5 * 22 + 6, 12 * 22 + 3, 8 * 22 + 15, 3)
    var scene = context(shape)
    scene.deadPixels = (0..<shape.count).map { $0 == dead }
    let frames = (0..<200).map { index in
      (0..<shape.count).map { pixel -> Double in
        switch pixel {
        case hot: 5000
        case noisy: index % 10 == 0 ? 900 : 0
        case stuck: 0
        case dead: 60_000
        default: random.poisson(20)
        }
      }
    }
    let results = try run(PixelNoise(), scene, frames)
    let suspect = results.whole["suspect"]!
    #expect(suspect.indices.filter { suspect[$0] == 1 } == [dead, hot, stuck, noisy])
    for name in ["mean", "variance", "fano", "min", "max"] { #expect(results.whole[name]![dead].isNaN) }
    #expect(results.whole["fano"]![stuck].isNaN && results.whole["variance"]![hot] == 0)
  }

  @Test("mean, variance and extremes are NumPy's", arguments: PixelType.inMemory)
  func naive(type: PixelType) throws {
    let shape = Shape(7, 9)
    let frames = (0..<6).map { counts(shape, seed: $0) }
    let results = try run(PixelNoise(), context(shape, type), frames).whole
    for pixel in 0..<shape.count {
      let values = frames.map { $0[pixel] }, mean = values.reduce(0, +) / 6
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 6
      #expect(results["mean"]![pixel] == mean && abs(results["variance"]![pixel] - variance) < 1e-10)
      #expect(results["min"]![pixel] == values.min() && results["max"]![pixel] == values.max())
      #expect(abs(results["fano"]![pixel] - variance / mean) < 1e-10)
    }
  }

  @Test("without frames all is NaN")
  func nothing() throws {
    let results = try run(PixelNoise(), context(Shape(5, 6)), [])
    #expect(results.whole.values.allSatisfy { $0.allSatisfy(\.isNaN) })
  }
}

extension Random {
  fileprivate mutating func poisson(_ mean: Double) -> Double {
    var product = 1.0, count = -1.0
    repeat {
      product *= Double.random(in: 0..<1, using: &self)
      count += 1
    } while product > exp(-mean)
    return count
  }
}
