import STEM
import Testing

@testable import Analyses

@Suite struct VirtualDetectorsTests {
  private func detectors(_ list: [(String, [(key: String, value: Setting)])]) throws -> VirtualDetectors {
    try decode(VirtualDetectors.self, [("detectors", .map(list.map { ($0.0, .map($0.1)) }))])
  }

  private func problem(_ list: [(String, [(key: String, value: Setting)])]) -> String {
    problems { _ = try detectors(list) }
  }

  @Test("bf, adf and haadf partition the detector, abf is the outer part of bf", arguments: PixelType.inMemory)
  func presets(type: PixelType) throws {
    let shape = Shape(97, 128), context = context(shape, type, center: Pair(50.2, 61.7))
    let analysis = try detectors(["bf", "abf", "adf", "haadf"].map { ($0, [("preset", .text($0))]) })
    #expect(analysis.needs == [.center, .disk])
    let frame = counts(shape, seed: 1)
    let results = try run(analysis, context, [frame])
    let parts = ["bf", "adf", "haadf"].map { results.map($0)[0] }
    #expect(parts.reduce(0, +) == frame.reduce(0, +))
    #expect(results.map("abf")[0] < parts[0] && results.map("abf")[0] > parts[0] / 2)
  }

  @Test("a disk has π·R² pixels and is the sum over r < R")
  func disk() throws {
    let shape = Shape(64, 64), context = context(shape, center: Pair(30, 33))
    let analysis = try detectors([("disk", [("shape", .text("disk")), ("radius", .text("10 mrad"))])])
    #expect(analysis.needs == [.center])
    let frame = counts(shape, seed: 2)
    var expected = 0.0
    for y in 0..<64 {
      for x in 0..<64 where (y - 30) * (y - 30) + (x - 33) * (x - 33) < 100 { expected += frame[y * 64 + x] }
    }
    #expect(try run(analysis, context, [frame]).map("disk") == [expected])
    let output = try analysis.outputs(context)[0]
    #expect(output.name == "disk" && output.kind == .map && output.unit == "counts")
    let attributes = Dictionary(uniqueKeysWithValues: output.attributes.map { ($0.key, $0.value) })
    #expect(attributes["pixels"] == .integer(305) && attributes["radius_px"] == .number(10))
    #expect(abs(attributes["radius_mrad"]!.double! - 10) < 1e-12)
  }

  @Test("pixels at the radius are outside, whatever decimals give it", arguments: [(0.3, 0.9), (0.7, 2.1), (1.4, 4.2)])
  func halfOpen(pixel: Double, radius: Double) throws {
    let shape = Shape(21, 21)
    var scene = context(shape, center: Pair(10, 10))
    scene.calibration.detectorPixel = Sourced(Pair(Quantity(pixel, .milliradian), Quantity(pixel, .milliradian)), .job)
    let analysis = try detectors([("disk", [("shape", .text("disk")), ("radius", .text("\(radius) mrad"))])])
    #expect(try run(analysis, scene, [[Double](repeating: 1, count: 441)]).map("disk") == [25])
  }

  @Test("height and width of a rectangle are in pixels of their own axis")
  func notSquare() throws {
    let shape = Shape(21, 21)
    var scene = context(shape, center: Pair(10, 10))
    scene.calibration.detectorPixel = Sourced(Pair(Quantity(1, .milliradian), Quantity(2, .milliradian)), .job)
    let analysis = try detectors([
      ("box", [("shape", .text("rectangle")), ("height", .text("5 mrad")), ("width", .text("6 mrad"))])
    ])
    #expect(try run(analysis, scene, [[Double](repeating: 1, count: 441)]).map("box") == [5 * 3])
    let output = try analysis.outputs(scene)[0]
    let attributes = Dictionary(uniqueKeysWithValues: output.attributes.map { ($0.key, $0.value) })
    #expect(attributes["height_px"] == .number(5) && attributes["width_px"] == .number(3))
    #expect(abs(attributes["width_mrad"]!.double! - 6) < 1e-12)
  }

  @Test("a shape with its own center, a rectangle and a point")
  func placed() throws {
    let shape = Shape(20, 30), center = Setting.list([.integer(5), .number(7.5)])
    let analysis = try detectors([
      (
        "box", [("shape", .text("rectangle")), ("height", .text("3 px")), ("width", .text("4 px")), ("center", center)]
      ),
      ("spot", [("shape", .text("point")), ("center", .list([.integer(2), .integer(3)]))]),
    ])
    #expect(analysis.needs.isEmpty)
    let frame = counts(shape, seed: 3)
    var box = 0.0
    for y in 4...6 { for x in 6...9 { box += frame[y * 30 + x] } }
    // 7.5 − 2 = 5.5 ≤ x < 9.5
    let results = try run(analysis, context(shape), [frame])
    #expect(results.map("box") == [box])
    #expect(results.map("spot") == [frame[2 * 30 + 3]])
  }

  @Test("masks from files: binary, weighted; dead pixels are left out")
  func masks() throws {
    let shape = Shape(8, 9)
    var context = context(shape, .f64)
    let weights = (0..<72).map { Double($0) - 20.5 }
    context.arrays = [
      "binary.npy": DenseArray(shape: [8, 9], values: (0..<72).map { $0 % 3 == 0 ? 1 : 0 }),
      "ramp.npy": DenseArray(shape: [8, 9], values: weights),
    ]
    context.deadPixels = (0..<72).map { $0 == 6 }
    let analysis = try detectors([
      ("binary", [("shape", .text("mask")), ("path", .text("binary.npy"))]),
      ("ramp", [("shape", .text("mask")), ("path", .text("ramp.npy"))]),
    ])
    #expect(analysis.files == ["binary.npy", "ramp.npy"] && analysis.needs.isEmpty)
    var frame = counts(shape, seed: 4)
    frame[6] = .nan
    let results = try run(analysis, context, [frame, frame, frame, frame], block: 3)
    let binary = (0..<72).reduce(0) { $0 + ($1 % 3 == 0 && $1 != 6 ? frame[$1] : 0) }
    let ramp = (0..<72).reduce(0) { $0 + ($1 != 6 ? frame[$1] * weights[$1] : 0) }
    #expect(results.map("binary") == Array(repeating: binary, count: 4))
    #expect(results.map("ramp").allSatisfy { abs($0 - ramp) < 1e-9 })
  }

  @Test("what is wrong in a job is named with its place and what is allowed")
  func decoding() throws {
    #expect(problem([("bf", [("preset", .text("bff"))])]).contains("detectors.bf.preset: 'bff' given; one of bf, abf"))
    #expect(
      problem([("d", [("shape", .text("disk")), ("radius", .integer(10))])])
        .contains("detectors.d.radius: '10' given; a value with its unit"))
    let typo = problem([("d", [("shape", .text("disk")), ("raduis", .text("3 px"))])])
    #expect(typo.contains("detectors.d.raduis: unknown key; did you mean 'radius'?"))
    #expect(typo.contains("detectors.d.radius: missing"))
    #expect(problem([("d", [("shape", .text("ring"))])]).contains("detectors.d.shape"))
    #expect(problem([("d", [])]).contains("detectors.d.shape: missing"))
    #expect(problem([("b-f", [("preset", .text("bf"))])]).contains("detectors.b-f: not a name"))
    #expect(problem([("bf", [("preset", .text("bf")), ("radius", .text("3 px"))])]).contains("detectors.bf.radius"))
    #expect(problem([]).contains("at least one name"))
    #expect(problems { _ = try decode(VirtualDetectors.self, []) }.contains("detectors: missing"))
    #expect(
      problems { _ = try decode(VirtualDetectors.self, [("detectors", .map([("a", .text("bf"))]))]) }
        .contains("detectors.a: 'bf' given; a detector is a map"))
  }

  @Test("what does not fit the detector is named with the detector's edge")
  func placing() throws {
    let shape = Shape(64, 64)
    var scene = context(shape, center: Pair(31.5, 31.5), semiangle: 0.03)
    scene.arrays["wrong.npy"] = DenseArray(shape: [64, 63], values: Array(repeating: 1, count: 64 * 63))
    scene.arrays["zero.npy"] = DenseArray(shape: [64, 64], values: Array(repeating: 0, count: 4096))
    var values = Array(repeating: 1.0, count: 4096)
    values[65] = .nan
    scene.arrays["nan.npy"] = DenseArray(shape: [64, 64], values: values)
    let found = problems {
      _ = try detectors([
        ("haadf", [("preset", .text("haadf"))]),
        ("far", [("shape", .text("disk")), ("radius", .text("250 mrad"))]),
        (
          "turned",
          [
            ("shape", .text("annulus")), ("inner_radius", .text("9 mrad")), ("outer_radius", .text("5 mrad")),
          ]
        ),
        ("a", [("shape", .text("mask")), ("path", .text("wrong.npy"))]),
        ("b", [("shape", .text("mask")), ("path", .text("zero.npy"))]),
        ("c", [("shape", .text("mask")), ("path", .text("nan.npy"))]),
      ]).outputs(scene)
    }
    #expect(found.contains("detectors.haadf: from 60 mrad on: no pixel belongs to it (edge at 44.5 mrad = 44.5 px)"))
    #expect(found.contains("detectors.far.radius: 250 mrad lies outside the detector (edge at 44.5 mrad = 44.5 px)"))
    #expect(found.contains("detectors.turned.inner_radius: 9 mrad is not smaller than outer_radius 5 mrad"))
    #expect(found.contains("detectors.a.path: wrong.npy has the shape 64 × 63, the detector 64 × 64"))
    #expect(found.contains("detectors.b.path: zero.npy has no weight but 0"))
    #expect(found.contains("detectors.c.path: nan.npy has the weight nan at row 1, column 1"))
  }

  @Test("an angle without a known pixel size is refused")
  func uncalibrated() throws {
    var scene = context(Shape(8, 8), center: Pair(4, 4))
    scene.calibration.detectorPixel = nil
    let analysis = try detectors([("d", [("shape", .text("disk")), ("radius", .text("2 mrad"))])])
    #expect(problems { _ = try analysis.outputs(scene) }.contains("detectors.d.radius: 2 mrad given, but"))
  }

  @Test("parameters survive encoding and decoding")
  func roundTrip() throws {
    let analysis = try detectors([
      ("bf", [("preset", .text("bf"))]),
      (
        "s",
        [
          ("shape", .text("segment")), ("inner_radius", .text("1 mrad")), ("outer_radius", .text("20 mrad")),
          ("start_angle", .text("-30 deg")), ("end_angle", .text("1.5 rad")),
          ("center", .list([.integer(3), .integer(4)])),
        ]
      ),
      ("m", [("shape", .text("mask")), ("path", .text("mask.npy"))]),
    ])
    let encoded = VirtualDetectors.declaration.encode(analysis)
    #expect(try decode(VirtualDetectors.self, encoded).detectors == analysis.detectors)
  }
}
