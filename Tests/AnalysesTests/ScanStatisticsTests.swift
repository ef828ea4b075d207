import Foundation
import STEM
import TestSupport
import Testing

@testable import Analyses

@Suite struct FrameStatisticsTests {
  @Test("patterns and maps are NumPy's", arguments: PixelType.inMemory)
  func naive(type: PixelType) throws {
    let shape = Shape(13, 11)
    let frames = (0..<7).map { counts(shape, seed: $0) }
    let analysis = try decode(FrameStatistics.self, [("saturation", .integer(60))])
    let results = try run(analysis, context(shape, type), frames)
    for pixel in 0..<shape.count {
      let values = frames.map { $0[pixel] }, mean = values.reduce(0, +) / 7
      #expect(results.whole["sum"]![pixel] == values.reduce(0, +) && results.whole["mean"]![pixel] == mean)
      #expect(results.whole["max"]![pixel] == values.max() && results.whole["min"]![pixel] == values.min())
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 7
      #expect(abs(results.whole["std"]![pixel] - variance.squareRoot()) < 1e-12)
    }
    #expect(results.map("total") == frames.map { $0.reduce(0, +) })
    #expect(results.map("peak") == frames.map { $0.max()! })
    #expect(results.map("bad_pixels") == frames.map { Double($0.count { $0 >= 60 }) })
  }

  @Test("what is wanted is what one gets of all", arguments: [["sum", "max", "mean"], ["peak"], ["std", "total"]])
  func wanted(names: [String]) throws {
    let scene = context(Shape(13, 11), .u16), frames = (0..<7).map { counts(Shape(13, 11), seed: $0) }
    let analysis = try decode(FrameStatistics.self, [("outputs", .list(names.map { .text($0) }))])
    #expect(try Set(analysis.outputs(scene).map(\.name)) == Set(names))
    let all = try run(FrameStatistics(), scene, frames), found = try run(analysis, scene, frames)
    for name in names {
      if let pattern = all.whole[name] { #expect(found.whole[name] == pattern) }
      if all.rows[name] != nil { #expect(found.map(name) == all.map(name)) }
    }
    let bound = try BoundKernel(analysis, scene)
    #expect(bound.rows.isEmpty == (names[0] == "sum") && bound.kernel.accumulators.isEmpty == (names == ["peak"]))
  }

  @Test("at least one output is needed, of those there are")
  func unwanted() throws {
    let nothing = try decode(FrameStatistics.self, [("outputs", .list([]))])
    #expect(throws: Problem.self) { try nothing.outputs(context(Shape(2, 2), .u8)) }
    #expect(throws: (any Error).self) { try decode(FrameStatistics.self, [("outputs", .list([.text("median")]))]) }
    let word = problems { _ = try decode(FrameStatistics.self, [("outputs", .text("sum"))]) }
    #expect(word.contains("for example [sum, mean]"))
  }

  @Test("dead pixels are NaN in patterns and left out of maps; without frames all is NaN")
  func dead() throws {
    var scene = context(Shape(4, 5), .u16)
    scene.deadPixels = (0..<20).map { $0 == 7 }
    var frame = Array(repeating: 2.0, count: 20)
    frame[7] = 65_535
    let results = try run(FrameStatistics(), scene, [frame, frame])
    #expect(results.map("total") == [38, 38] && results.map("peak") == [2, 2] && results.map("bad_pixels") == [0, 0])
    for name in ["sum", "mean", "max", "min", "std"] {
      #expect(results.whole[name]![7].isNaN && !results.whole[name]![6].isNaN)
    }
    #expect(try run(FrameStatistics(), scene, []).whole["mean"]!.allSatisfy(\.isNaN))
  }

  @Test("a saturated pixel is one with the type's largest value by default")
  func saturation() throws {
    let results = try run(FrameStatistics(), context(Shape(1, 3), .u8), [[255, 254, 255]])
    #expect(results.map("bad_pixels") == [2])
  }
}

@Suite struct RadialProfileTests {
  @Test("without bins, ring k holds the pixels with floor(r) = k", arguments: PixelType.inMemory)
  func wholePixels(type: PixelType) throws {
    let shape = Shape(31, 40), center = Pair(14.3, 20.0)
    let frames = (0..<4).map { counts(shape, seed: $0) }
    let scene = context(shape, type, center: center)
    let results = try run(RadialProfile(), scene, frames)
    let ring = (0..<shape.count).map { Int(hypot(Double($0 / 40) - center.y, Double($0 % 40) - center.x)) }
    let pixels = (0...ring.max()!).map { k in ring.count { $0 == k } }
    #expect(results.whole["pixels_per_bin"] == pixels.map(Double.init))
    for (row, frame) in frames.enumerated() {
      var sums = Array(repeating: 0.0, count: pixels.count)
      for (value, k) in zip(frame, ring) { sums[k] += value }
      for k in pixels.indices {
        #expect(results.rows["profile"]![row][k] == Double(Float(sums[k] / Double(pixels[k]))))
      }
    }
    for k in pixels.indices {
      var sum = 0.0
      for frame in frames { for (value, ring) in zip(frame, ring) where ring == k { sum += value } }
      #expect(abs(results.whole["mean_profile"]![k] - sum / Double(4 * pixels[k])) < 1e-12)
    }
    let axis = try RadialProfile().outputs(scene)[0].axis!
    #expect(axis.unit == "mrad" && axis.values.count == pixels.count && abs(axis.values[2] - 2.5) < 1e-12)
  }

  @Test("bins take in every pixel, the farthest too; an outer radius does not", arguments: [1, 2, 7, 64, 300])
  func bins(count: Int) throws {
    let shape = Shape(33, 33), scene = context(shape, center: Pair(16, 16))
    let all = try decode(RadialProfile.self, [("bins", .integer(count))])
    let pixels = try run(all, scene, [counts(shape, seed: 1)]).whole["pixels_per_bin"]!
    #expect(pixels.count == count && pixels.reduce(0, +) == Double(shape.count))
    let inner = try decode(RadialProfile.self, [("bins", .integer(count)), ("outer_radius", .text("5 px"))])
    let results = try run(inner, scene, [counts(shape, seed: 1)])
    // 81 - 12 pixels have y² + x² < 25.
    #expect(results.whole["pixels_per_bin"]!.reduce(0, +) == 69)
    for (mean, number) in zip(results.whole["mean_profile"]!, results.whole["pixels_per_bin"]!) {
      #expect(mean.isNaN == (number == 0))
    }
  }

  @Test("dead pixels do not dilute a ring's mean")
  func dead() throws {
    var scene = context(Shape(9, 9), .f32, center: Pair(4, 4))
    scene.deadPixels = (0..<81).map { $0 % 5 == 0 }
    let frame = (0..<81).map { $0 % 5 == 0 ? Double.nan : 7 }
    let results = try run(RadialProfile(), scene, [frame])
    let pixels = results.whole["pixels_per_bin"]!
    #expect(zip(results.rows["profile"]![0], pixels).allSatisfy { $0 == 7 || $1 == 0 })
    #expect(pixels.reduce(0, +) == 64)
  }

  @Test("no bins, too many bins and a radius of zero are refused")
  func errors() throws {
    let scene = context(Shape(9, 9), center: Pair(4, 4))
    #expect(problems { _ = try decode(RadialProfile.self, [("bins", .integer(0))]) }.contains("bins: '0' given"))
    let zero = try decode(RadialProfile.self, [("outer_radius", .text("0 px"))])
    #expect(problems { _ = try zero.outputs(scene) }.contains("outer_radius: 0 px given"))
    #expect(
      problems { _ = try decode(RadialProfile.self, [("bin", .integer(3))]) }.contains("did you mean 'bins'?"))
  }
}
