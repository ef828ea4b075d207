import Foundation
import STEM
import TestSupport
import Testing

@testable import Analyses

/// Analyses that follow the origin, frame by frame, against static ones with that center.
@Suite struct FollowingAnalysesTests {
  private let shape = Shape(37, 45)
  private let centers = [Pair(18.2, 22.9), Pair(15.0, 25.5), Pair(20.7, 19.1), Pair(17.31, 24.0)]

  private func followed(_ analysis: some FrameAnalysis, _ context: FrameContext, _ frames: [[Double]]) throws -> Results
  {
    var context = context
    context.followsOrigin = true
    let bound = try BoundKernel(analysis, context), kernel = bound.kernel
    bound.outputs.prepare(rows: frames.count)
    for (row, frame) in frames.enumerated() {
      kernel.follow(centers[row])
      withPixels(frame, context.pixelType) { kernel.add($0, row: row) }
    }
    kernel.flush()
    return try Results(bound, rows: frames.count)
  }

  private func expectSame(
    _ analysis: some FrameAnalysis, _ type: PixelType, _ change: (inout FrameContext) -> Void = { _ in }
  ) throws {
    let frames = centers.indices.map { counts(shape, seed: $0) }
    var scene = context(shape, type, center: Pair(18, 22), semiangle: 0.008)
    change(&scene)
    let results = try followed(analysis, scene, frames)
    for (row, center) in centers.enumerated() {
      scene.calibration.center = Sourced(center, .job)
      let still = try run(analysis, scene, [frames[row]])
      #expect(still.rows.keys.sorted() == results.rows.keys.sorted())
      for (name, values) in still.rows {
        let found = try #require(results.rows[name])[row]
        #expect(found.count == values[0].count)
        for (a, b) in zip(found, values[0]) {
          #expect(type.isInteger ? a == b || a.isNaN && b.isNaN : abs(a - b) <= 1e-9 * max(1, abs(b)), "\(name)")
        }
      }
    }
  }

  @Test(
    "virtual detectors; those with a center of their own and masks stay", arguments: [PixelType.u8, .u16, .i32, .f32])
  func detectors(type: PixelType) throws {
    let own = Setting.list([.integer(9), .number(11.5)])
    let items: [(String, [(key: String, value: Setting)])] = [
      ("bf", [("preset", .text("bf"))]), ("haadf", [("preset", .text("haadf"))]),
      (
        "part",
        [
          ("shape", .text("segment")), ("outer_radius", .text("11 px")), ("start_angle", .text("-40 deg")),
          ("end_angle", .text("77 deg")),
        ]
      ),
      ("fixed", [("shape", .text("disk")), ("radius", .text("4 px")), ("center", own)]),
      ("box", [("shape", .text("rectangle")), ("height", .text("5 px")), ("width", .text("8.4 px"))]),
      ("spot", [("shape", .text("point"))]), ("mask", [("shape", .text("mask")), ("path", .text("m.npy"))]),
    ]
    let analysis = try decode(VirtualDetectors.self, [("detectors", .map(items.map { ($0.0, .map($0.1)) }))])
    try expectSame(analysis, type) { context in
      context.arrays["m.npy"] = DenseArray(
        shape: [37, 45], values: (0..<context.detector.count).map { $0 % 3 == 0 ? 1 : 0 })
      context.deadPixels = (0..<context.detector.count).map { $0 % 17 == 5 }
    }
  }

  @Test("center of mass: whole, within a radius that moves, with an ellipse", arguments: [PixelType.u16, .f64])
  func centerOfMass(type: PixelType) throws {
    var analysis = CenterOfMass()
    try expectSame(analysis, type)
    analysis.outerRadius = Quantity(9, .milliradian)
    try expectSame(analysis, type) { $0.calibration.ellipse = Sourced(Ellipse(ratio: 1.1, angle: 0.5), .job) }
    try expectSame(analysis, type) { context in
      context.deadPixels = (0..<context.detector.count).map { $0 % 13 == 2 }
    }
  }

  @Test("radial profiles, with an ellipse and dead pixels", arguments: [PixelType.u16, .i8, .f32])
  func radial(type: PixelType) throws {
    var analysis = RadialProfile()
    analysis.outerRadius = Quantity(14.5, .pixel)
    try expectSame(analysis, type)
    analysis.bins = 9
    try expectSame(analysis, type) { context in
      context.calibration.ellipse = Sourced(Ellipse(ratio: 1.06, angle: 2), .job)
      context.deadPixels = (0..<context.detector.count).map { $0 % 19 == 1 }
    }
  }

  @Test("the deflection of an elliptically distorted pattern is that of the round one")
  func ellipse() throws {
    let ellipse = Ellipse(ratio: 1.2, angle: 0)
    var scene = context(shape, .f64, center: Pair(18, 22))
    scene.calibration.ellipse = Sourced(ellipse, .job)
    // One bright pixel 6 px to the right, along the long axis; and one 6 px up.
    var right = Array(repeating: 0.0, count: shape.count), up = right
    right[18 * 45 + 28] = 7
    up[12 * 45 + 22] = 7
    let results = try run(CenterOfMass(), scene, [right, up])
    #expect(abs(results.map("deflection_x")[0] - 6 / 1.2.squareRoot()) < 1e-12)
    #expect(abs(results.map("deflection_y")[1] + 6 * 1.2.squareRoot()) < 1e-12)
    let attributes = try CenterOfMass().outputs(scene)[0].attributes
    #expect(attributes.contains { $0.key == "ellipse_ratio" && $0.value == .number(1.2) })
  }
}
