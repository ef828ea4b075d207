import Foundation
import STEM
import TestSupport
import Testing

@testable import Analyses

@Suite struct LogRatioTests {
  private let shape = Shape(33, 33), center = Pair(16.0, 16.0)

  /// `bright` spread over r < 8 px, the rest of `total` beyond.
  private func frame(bright: Double, total: Double) -> [Double] {
    let inside = (0..<shape.count).map { hypot(Double($0 / 33) - 16, Double($0 % 33) - 16) < 8 }
    let pixels = Double(inside.count { $0 })
    return inside.map { $0 ? bright / pixels : (total - bright) / (Double(shape.count) - pixels) }
  }

  @Test("with 1/e of the counts in the bright field the ratio is 1, whatever the counts")
  func thickness() throws {
    let scene = context(shape, .f64, center: center, semiangle: 0.008)
    let frames = [
      frame(bright: 1000, total: 1000 * exp(1)), frame(bright: 3, total: 3 * exp(2)), frame(bright: 5, total: 5),
    ]
    let found = try run(LogRatio(), scene, frames).map("log_ratio")
    for (value, expected) in zip(found, [1.0, 2, 0]) { #expect(abs(value - expected) < 1e-12) }
    let given = try decode(LogRatio.self, [("radius", .text("8 px"))])
    #expect(try run(given, scene, frames).map("log_ratio") == found)
    #expect(LogRatio().needs == [.center, .disk] && given.needs == [.center])
  }

  @Test("empty frames and frames without bright field are NaN", arguments: [PixelType.u16, .f32])
  func empty(type: PixelType) throws {
    let scene = context(shape, type, center: center, semiangle: 0.008)
    var dark = Array(repeating: 0.0, count: shape.count)
    dark[0] = 100
    let found = try run(LogRatio(), scene, [dark, Array(repeating: 0, count: shape.count)]).map("log_ratio")
    #expect(found.allSatisfy { $0.isNaN })
  }

  @Test("dead pixels count on neither side")
  func dead() throws {
    var scene = context(shape, .f64, center: center, semiangle: 0.008)
    scene.deadPixels = (0..<shape.count).map { $0 == 0 || $0 == 16 * 33 + 16 }
    var values = Array(repeating: 1.0, count: shape.count)
    (values[0], values[16 * 33 + 16]) = (1e6, 1e6)
    let inside = (0..<shape.count).count { hypot(Double($0 / 33) - 16, Double($0 % 33) - 16) < 8 } - 1
    let found = try run(LogRatio(), scene, [values]).map("log_ratio")[0]
    #expect(abs(found - log(Double(shape.count - 2) / Double(inside))) < 1e-12)
  }

  @Test("an aperture that holds the whole detector, or nothing, is refused")
  func errors() throws {
    let scene = context(shape, center: center, semiangle: 0.05)
    #expect(problems { _ = try LogRatio().outputs(scene) }.contains("radius: every pixel lies inside of 50 mrad"))
    let none = try decode(LogRatio.self, [("radius", .text("0 px"))])
    #expect(problems { _ = try none.outputs(scene) }.contains("radius: no pixel lies inside"))
  }

  @Test("where the origin is followed, a frame moved with its origin keeps its ratio")
  func follows() throws {
    var scene = context(shape, .f64, center: center, semiangle: 0.008)
    // No counts outside of 11 px, so that nothing falls off the detector when it moves by up to 5.
    let still = (0..<shape.count).map { index -> Double in
      let r = hypot(Double(index / 33) - 16, Double(index % 33) - 16)
      return r < 8 ? 5 : r < 11 ? 2 : 0
    }
    let expected = try run(LogRatio(), scene, [still]).map("log_ratio")[0]
    scene.followsOrigin = true
    let bound = try BoundKernel(LogRatio(), scene), kernel = bound.kernel
    bound.outputs.prepare(rows: 1)
    for (down, right) in [(0, 0), (5, -3), (-4, 5)] {
      var moved = still
      for index in still.indices {
        moved[index] = still[((index / 33 - down + 33) % 33) * 33 + (index % 33 - right + 33) % 33]
      }
      kernel.follow(Pair(16 + Double(down), 16 + Double(right)))
      withPixels(moved, .f64) { kernel.add($0, row: 0) }
      #expect(bound.rows[0].doubles(0)[0] == expected)
    }
  }
}
