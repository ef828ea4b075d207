import STEM
import Testing

@testable import Analyses

@Suite struct RegistryTests {
  /// Every analysis with parameters that work on `context(Shape(24, 27))`.
  private func analyses() throws -> [any FrameAnalysis] {
    let detectors = try decode(
      VirtualDetectors.self,
      [
        (
          "detectors",
          .map([
            ("bf", .map([("preset", .text("bf"))])),
            ("ramp", .map([("shape", .text("mask")), ("path", .text("ramp.npy"))])),
          ])
        )
      ])
    let ring = Setting.map([("inner_radius", .text("4 px")), ("outer_radius", .text("9 px"))])
    let symmetry = try decode(
      AngularSymmetry.self,
      [("rings", .map([("first", ring)])), ("azimuth", .bool(true)), ("maps", .list([.integer(2)]))])
    let regions = try decode(
      RegionPatterns.self,
      [
        (
          "regions",
          .map([
            ("even", .map([("mask", .text("labels.npy")), ("label", .integer(1))])),
            ("late", .map([("map", .text("index.npy")), ("above", .number(1))])),
          ])
        )
      ])
    return [
      detectors, CenterOfMass(), FrameStatistics(), RadialProfile(), FluctuationMicroscopy(), symmetry, regions,
      LogRatio(), PixelNoise(),
    ]
  }

  private func scene(_ type: PixelType) -> FrameContext {
    var scene = context(Shape(24, 27), type, center: Pair(11.6, 13.2), semiangle: 0.008)
    scene.arrays["ramp.npy"] = DenseArray(shape: [24, 27], values: (0..<648).map(Double.init))
    scene.scan = Shape(4, 5)
    scene.arrays["labels.npy"] = DenseArray(shape: [4, 5], values: (0..<20).map { Double(1 + $0 % 2) })
    scene.arrays["index.npy"] = DenseArray(shape: [20, 1], values: (0..<20).map(Double.init))
    scene.calibration.countsPerElectron = Sourced(2, .job)
    return scene
  }

  private func describe<Analysis: FrameAnalysis>(_: Analysis.Type) -> (String, String, String, Int) {
    let declaration = Analysis.declaration
    return (declaration.name, declaration.example, declaration.source, declaration.outputs.count)
  }

  @Test("every analysis has its own name, an example, a source and outputs")
  func declarations() {
    let all = analysisRegistry.map { describe($0) }
    #expect(
      Set(all.map(\.0)) == [
        "virtual_detectors", "center_of_mass", "frame_statistics", "radial_profile", "fem", "angular_symmetry",
        "region_patterns", "log_ratio", "pixel_noise",
      ])
    for (name, example, source, outputs) in all {
      #expect(example.hasPrefix("- \(name):") && !source.isEmpty && outputs > 0)
    }
  }

  @Test("a kernel delivers exactly the outputs it announces", arguments: PixelType.inMemory)
  func deliveries(type: PixelType) throws {
    let scene = scene(type)
    for analysis in try analyses() {
      let outputs = try analysis.outputs(scene), kernel = try analysis.makeKernel(scene)
      feed(kernel, scene, [counts(scene.detector, seed: 1)])
      let rows = outputs.filter { $0.kind == .map || $0.kind == .perPositionProfile }
      #expect(kernel.rows.map(\.output) == rows.map(\.name))
      #expect(kernel.rows.map(\.element) == rows.map(\.element))
      #expect(kernel.rows.map(\.width) == rows.map { $0.axis?.values.count ?? 1 })
      let whole = outputs.filter { $0.kind == .pattern || $0.kind == .profile }
      let found = kernel.finish()
      #expect(Set(found.keys) == Set(whole.map(\.name)))
      for output in whole {
        #expect(found[output.name]?.count == output.axis?.values.count ?? scene.detector.count)
      }
    }
  }

  @Test("leaves of any length, combined in order, give what one pass gives", arguments: PixelType.inMemory, [1, 4, 5])
  func leaves(type: PixelType, length: Int) throws {
    let scene = scene(type)
    let frames = (0..<11).map { counts(scene.detector, seed: $0) }
    for analysis in try analyses() {
      let whole = try analysis.makeKernel(scene), result = try analysis.makeKernel(scene)
      feed(whole, scene, frames)
      for accumulator in result.accumulators { accumulator.reset() }
      for start in stride(from: 0, to: frames.count, by: length) {
        let leaf = try analysis.makeKernel(scene)
        feed(leaf, scene, Array(frames[start..<min(start + length, frames.count)]), block: 2, from: start)
        for (sum, part) in zip(result.accumulators, leaf.accumulators) {
          sum.combine(UnsafeRawBufferPointer(part.bytes))
        }
      }
      // Whole numbers: floating sums are exact too.
      #expect(result.finish() == whole.finish())
    }
  }

  @Test("blocks of any length give the same rows", arguments: [PixelType.u16, .f32])
  func blocks(type: PixelType) throws {
    let scene = scene(type)
    let frames = (0..<19).map { counts(scene.detector, seed: $0) }
    func rows(_ analysis: some FrameAnalysis, _ block: Int) throws -> [String: [[Double]]] {
      try run(analysis, scene, frames, block: block).rows
    }
    for analysis in try analyses() {
      let expected = try rows(analysis, 1)
      for block in [2, 7, 100] { #expect(try rows(analysis, block) == expected) }
    }
  }

  @Test("the same kernel serves one leaf after the other")
  func reuse() throws {
    let scene = scene(.u16)
    let frames = (0..<5).map { counts(scene.detector, seed: $0) }
    for analysis in try analyses() {
      let fresh = try analysis.makeKernel(scene), used = try analysis.makeKernel(scene)
      feed(used, scene, frames)
      for accumulator in used.accumulators { accumulator.reset() }
      feed(used, scene, Array(frames[2...]))
      feed(fresh, scene, Array(frames[2...]))
      #expect(used.finish() == fresh.finish())
    }
  }

  @Test("arrays may have the shapes that results have")
  func resultShapes() throws {
    let base = scene(.u16)
    let frames = (0..<20).map { counts(base.detector, seed: $0) }
    var masked = CenterOfMass()
    masked.mask = "half.npy"
    for analysis in try analyses() + [masked] where !analysis.files.isEmpty {
      var found: [Results] = []
      for form in 0..<4 {
        var scene = base
        scene.arrays["half.npy"] = DenseArray(shape: [24, 27], values: (0..<648).map { Double($0 / 3 % 2) })
        for (name, array) in scene.arrays {
          let count = array.values.count, grid = count == 20 ? [4, 5] : [24, 27]
          scene.arrays[name]?.shape = [grid, [count], [count, 1], [1, count]][form]
        }
        _ = try analysis.outputs(scene)
        found.append(try run(analysis, scene, frames))
      }
      for other in found { #expect(other.bits == found[0].bits) }
    }
  }

  @Test("an output that the ellipse changes says so")
  func ellipse() throws {
    let frames = (0..<4).map { counts(Shape(24, 27), seed: $0) }
    let round = scene(.u16)
    var distorted = round
    distorted.calibration.ellipse = Sourced(Ellipse(ratio: 1.3, angle: .pi / 4), .job)
    for analysis in try analyses() {
      let (before, after) = (try run(analysis, round, frames).bits, try run(analysis, distorted, frames).bits)
      for output in try analysis.outputs(distorted) {
        let said = Set(output.attributes.map(\.key)).intersection(["ellipse_ratio", "ellipse_angle_deg"])
        if before[output.name] != after[output.name] { #expect(said.count == 2, "\(output.name)") }
        if before == after { #expect(said.isEmpty, "\(output.name)") }
      }
    }
  }

  @Test("an output that follows the origin says so, and no other")
  func followsOrigin() throws {
    let frames = (0..<4).map { counts(Shape(24, 27), seed: $0) }
    let still = scene(.u16)
    var moving = still
    moving.followsOrigin = true
    for analysis in try analyses() {
      let kernel = try analysis.makeKernel(moving)
      kernel.begin(at: 0)
      for rows in kernel.rows { rows.prepare(rows: frames.count) }
      for (row, frame) in frames.enumerated() {
        kernel.follow(Pair(9.3 + Double(row), 15.1 - Double(row)))
        withPixels(frame, .u16) { kernel.add($0, row: row) }
      }
      kernel.flush()
      let after = Results(kernel, rows: frames.count).bits, before = try run(analysis, still, frames).bits
      for output in try analysis.outputs(moving) {
        let says = output.attributes.contains { $0.key == "follows_origin" && $0.value == .bool(true) }
        #expect(says == (before[output.name] != after[output.name]), "\(output.name)")
      }
    }
  }
}
