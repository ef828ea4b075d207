import STEM
import Testing

@testable import Analyses

@Suite struct CenterOfMassTests {
  private func disk(_ shape: Shape, _ center: Pair<Int>, _ radius: Int) -> [Double] {
    (0..<shape.count).map {
      let y = $0 / shape.x - center.y, x = $0 % shape.x - center.x
      return y * y + x * x < radius * radius ? 3 : 0
    }
  }

  @Test(
    "a disk moved by whole pixels moves the result by as many; down and right count up", arguments: PixelType.inMemory)
  func shift(type: PixelType) throws {
    let shape = Shape(50, 61), center = Pair(24, 30)
    let shifts = [Pair(0, 0), Pair(3, -5), Pair(-7, 2)]
    let frames = shifts.map { disk(shape, Pair(center.y + $0.y, center.x + $0.x), 9) }
    var scene = context(shape, type, center: Pair(24.25, 29.5))
    scene.calibration.detectorPixel?.value = Pair(Quantity(2, .milliradian), Quantity(1, .milliradian))
    let results = try run(CenterOfMass(), scene, frames + [Array(repeating: 0, count: shape.count)])
    for (row, shift) in shifts.enumerated() {
      #expect(abs(results.map("deflection_y")[row] - (Double(shift.y) - 0.25)) < 1e-12)
      #expect(abs(results.map("deflection_x")[row] - (Double(shift.x) + 0.5)) < 1e-12)
      #expect(abs(results.map("deflection_angle_y")[row] - (Double(shift.y) - 0.25) * 2) < 1e-12)
      let reciprocal = (Double(shift.x) + 0.5) * 1e-3 / electronWavelength(energy: 200e3)
      #expect(abs(results.map("deflection_reciprocal_x")[row] - reciprocal) < 1e-12)
    }
    for (_, rows) in results.rows { #expect(rows[3][0].isNaN, "an empty frame has no center of mass") }
  }

  @Test("outer_radius, mask and dead pixels leave pixels out")
  func parts() throws {
    let shape = Shape(21, 21)
    var scene = context(shape, .f32, center: Pair(10, 10))
    scene.deadPixels = (0..<441).map { $0 == 10 * 21 + 12 }
    scene.arrays["half.npy"] = DenseArray(shape: [21, 21], values: (0..<441).map { $0 % 21 >= 10 ? 1 : 0 })
    var frame = Array(repeating: 0.0, count: 441)
    frame[10 * 21 + 12] = .nan  // dead
    frame[20 * 21 + 20] = 1000  // beyond outer_radius
    frame[10 * 21 + 5] = 50  // not in the mask
    frame[8 * 21 + 11] = 2
    frame[10 * 21 + 14] = 2
    let analysis = try decode(
      CenterOfMass.self, [("outer_radius", .text("6 mrad")), ("mask", .text("half.npy"))])
    let results = try run(analysis, scene, [frame])
    #expect(results.map("deflection_y") == [-1] && results.map("deflection_x") == [2.5])
  }

  @Test("outputs follow the calibration")
  func outputs() throws {
    var scene = context(Shape(8, 8), center: Pair(4, 4))
    #expect(try CenterOfMass().outputs(scene).count == 6)
    scene.calibration.energy = nil
    #expect(try CenterOfMass().outputs(scene).map(\.name).last == "deflection_angle_x")
    scene.calibration.detectorPixel = nil
    #expect(try CenterOfMass().outputs(scene).map(\.name) == ["deflection_y", "deflection_x"])
    #expect(try CenterOfMass().outputs(scene).allSatisfy { $0.signed && $0.kind == .map })
  }

  @Test("a radius beyond the detector and a mask with other weights are refused")
  func errors() throws {
    var scene = context(Shape(257, 257), center: Pair(128, 128))
    scene.arrays["m"] = DenseArray(shape: [257, 257], values: Array(repeating: 0.5, count: 257 * 257))
    let far = try decode(CenterOfMass.self, [("outer_radius", .text("250 mrad")), ("mask", .text("m"))])
    let found = problems { _ = try far.outputs(scene) }
    #expect(found.contains("outer_radius: 250 mrad lies outside the detector (edge at 181 mrad = 181 px); use at most"))
    #expect(found.contains("mask: m has the weight 0.5; only 0 and 1 are allowed"))
    let unknown = problems { _ = try decode(CenterOfMass.self, [("outer_angle", .text("30 mrad"))]) }
    #expect(unknown.contains("outer_angle: unknown key"))
  }
}
