import STEM
import TestSupport
import Testing

@testable import Analyses

@Suite struct RegionPatternsTests {
  private let shape = Shape(9, 12)

  private func scene(_ type: PixelType = .u16) -> FrameContext {
    var scene = context(shape, type)
    scene.scan = Shape(3, 4)
    scene.arrays["labels.npy"] = DenseArray(shape: [3, 4], values: [0, 1, 1, 2, 0, 2, 2, 1, 0, 0, 3, 1])
    scene.arrays["bf.h5:/bf"] = DenseArray(shape: [12, 1], values: (0..<12).map { $0 == 5 ? .nan : Double($0) * 10 })
    return scene
  }

  private func regions(_ list: [(key: String, value: Setting)]) throws -> RegionPatterns {
    try decode(RegionPatterns.self, [("regions", .map(list))])
  }

  private func mask(_ label: Int? = nil) -> Setting {
    .map([("mask", .text("labels.npy"))] + (label.map { [("label", .integer($0))] } ?? []))
  }

  @Test("a region's pattern is the mean of its frames, exactly", arguments: PixelType.inMemory, [0, 4])
  func means(type: PixelType, start: Int) throws {
    let scene = scene(type)
    let analysis = try regions([
      ("one", mask(1)), ("any", mask()),
      ("middle", .map([("map", .text("bf.h5:/bf")), ("above", .number(30)), ("below", .number(80))])),
    ])
    #expect(analysis.files == ["labels.npy", "labels.npy", "bf.h5:/bf"])
    let members: [(String, Set<Int>)] = [
      ("one", [1, 2, 7, 11]), ("any", [1, 2, 3, 5, 6, 7, 10, 11]), ("middle", [3, 4, 6, 7]),
    ]
    let frames = (0..<12).map { counts(shape, seed: $0) }
    let kernel = try BoundKernel(analysis, scene)
    feed(kernel, scene, Array(frames[start...]), block: 5, from: start)
    let found = try kernel.finish()
    for (index, (name, positions)) in members.enumerated() {
      let seen = positions.filter { $0 >= start }.sorted()
      #expect(found["positions"]![index] == Double(seen.count))
      for pixel in 0..<shape.count {
        let sum = seen.reduce(0) { $0 + frames[$1][pixel] }
        #expect(found["\(name)_sum"]![pixel] == sum && found["\(name)_mean"]![pixel] == sum / Double(seen.count))
      }
    }
    let map = (start..<12).map { position in
      Double((members.firstIndex { $0.1.contains(position) } ?? -1) + 1)
    }
    #expect(map.indices.map { kernel.rows[0].doubles($0)[0] } == map)
  }

  @Test("dead pixels are NaN; a region whose frames are left out is NaN and counts 0")
  func missing() throws {
    var scene = scene()
    scene.deadPixels = (0..<shape.count).map { $0 == 4 }
    let results = try run(
      regions([("one", mask(1)), ("three", mask(3))]), scene, [counts(shape, seed: 1), counts(shape, seed: 2)])
    #expect(results.whole["one_mean"]![4].isNaN && results.whole["one_mean"]![5] == counts(shape, seed: 2)[5])
    #expect(results.whole["positions"] == [1, 0] && results.whole["three_mean"]!.allSatisfy(\.isNaN))
  }

  @Test("what is wrong with a region is named")
  func errors() throws {
    var scene = scene()
    scene.arrays["wrong.npy"] = DenseArray(shape: [4, 3], values: Array(repeating: 1, count: 12))
    scene.arrays["nan.npy"] = DenseArray(shape: [12], values: Array(repeating: .nan, count: 12))
    func refusal(_ region: [(key: String, value: Setting)]) -> String {
      problems { _ = try regions([("r", .map(region))]).outputs(scene) }
    }
    #expect(refusal([]).contains("regions.r.mask: missing"))
    #expect(refusal([("map", .text("bf.h5:/bf"))]).contains("regions.r: neither above nor below given"))
    #expect(refusal([("mask", .text("labels.npy")), ("above", .integer(1))]).contains("regions.r.above: unknown key"))
    #expect(
      refusal([("mask", .text("labels.npy")), ("label", .integer(7))])
        .contains("regions.r: no position belongs to it (labels.npy holds 0 to 3)"))
    #expect(
      refusal([("mask", .text("wrong.npy"))])
        .contains("regions.r: wrong.npy has the shape 4 × 3, the scan 3 × 4; give an array of"))
    #expect(refusal([("mask", .text("nan.npy"))]).contains("regions.r: nan.npy is NaN at [0, 0]"))
    #expect(refusal([("map", .text("nan.npy")), ("above", .integer(1))]).contains("(nan.npy holds no number)"))
    #expect(
      problems { _ = try regions([("a", mask(1)), ("a_b", .text("x"))]) }.contains("regions.a_b: 'x' given; a region"))
  }
}
