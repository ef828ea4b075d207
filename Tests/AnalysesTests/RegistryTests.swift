import Reconstruction
import STEM
import TestSupport
import Testing

@testable import Analyses

/// What holds for every analysis in the registries.
@Suite struct RegistryTests {
  private static let cases = Registered.all

  private func frames(_ count: Int, _ scene: FrameContext) -> [[Double]] {
    (0..<count).map { counts(scene.detector, seed: $0) }
  }

  private func describe<Analysis: Stage>(_: Analysis.Type) -> (String, String, String, Int) {
    let declaration = Analysis.declaration
    return (declaration.name, declaration.example, declaration.source, declaration.outputs.count)
  }

  @Test("every analysis has its own name, an example, a source and outputs")
  func declarations() {
    let all = (analysisRegistry as [any Stage.Type] + reconstructionRegistry).map { describe($0) }
    #expect(Set(all.map(\.0)).count == all.count)
    let frameAnalyses = analysisRegistry + reconstructionRegistry.compactMap { $0 as? any FrameAnalysis.Type }
    #expect(Set(Registered.all.map(\.name)) == Set(frameAnalyses.map { describe($0).0 }))
    for (name, example, source, outputs) in all {
      #expect(example.hasPrefix("- \(name):") && !source.isEmpty && outputs > 0)
    }
  }

  @Test("a kernel fills exactly the outputs it announces, of any pixel type", arguments: cases, PixelType.inMemory)
  func deliveries(case item: Registered, type: PixelType) throws {
    let scene = item.context(type), bound = try BoundKernel(item.analysis, scene)
    feed(bound, scene, frames(1, scene))
    let found = try Results(bound, rows: 1)
    let solved = item.analysis is any Reconstruction
    for output in bound.outputs.outputs {
      let count = found.rows[output.name]?[0].count ?? found.whole[output.name]?.count
      let isOfDetector = output.kind == .pattern
      if count == nil { #expect(solved, "\(output.name)") }
      #expect(count == nil || count == output.axis?.values.count ?? (isOfDetector ? scene.detector.count : 1))
    }
  }

  @Test("whole numbers give the same result in every type that holds them", arguments: cases)
  func types(case item: Registered) throws {
    func bits(_ type: PixelType) throws -> [String: [UInt64]] {
      let scene = item.context(type)
      return try run(item.analysis, scene, frames(7, scene)).bits
    }
    let native = try bits(.u16)
    #expect(try bits(.u16Swapped) == native, "the byte order shows")
    for type in [PixelType.u8, .i8, .i16, .u32, .i32] { #expect(try bits(type).keys.sorted() == native.keys.sorted()) }
    let (narrow, wide) = (try bits(.u8), try bits(.i16))
    for (name, values) in native where !name.contains("saturat") && name != "bad_pixels" {
      #expect(narrow[name] == values && wide[name] == values, "\(name)")
    }
  }

  @Test("empty frames, and none at all, give numbers or NaN, and no infinity", arguments: cases, [PixelType.u16, .f32])
  func empty(case item: Registered, type: PixelType) throws {
    let scene = item.context(type), empty = Array(repeating: 0.0, count: scene.detector.count)
    for frames in [[empty, empty, empty], []] {
      let found = try run(item.analysis, scene, frames)
      for (name, values) in found.whole { #expect(values.allSatisfy { !$0.isInfinite }, "\(name)") }
      for (name, rows) in found.rows { #expect(rows.joined().allSatisfy { !$0.isInfinite }, "\(name)") }
    }
  }

  @Test("a position without a frame is NaN in every row", arguments: cases)
  func missing(case item: Registered) throws {
    let scene = item.context(.u16), bound = try BoundKernel(item.analysis, scene)
    bound.outputs.prepare(rows: 2)
    bound.kernel.begin(at: 0)
    withPixels(counts(scene.detector, seed: 1), .u16) { bound.kernel.add($0, row: 1) }
    bound.kernel.flush()
    for (name, rows) in try Results(bound, rows: 2).rows {
      #expect(rows[0].allSatisfy { $0.isNaN }, "\(name)")
      #expect(!rows[1].allSatisfy { $0.isNaN }, "\(name)")
    }
  }

  @Test(
    "leaves of any length, combined in order, give what one pass gives", arguments: cases,
    [PixelType.u16, .u16Swapped, .f32])
  func leaves(case item: Registered, type: PixelType) throws {
    let scene = item.context(type), frames = frames(11, scene)
    let whole = try BoundKernel(item.analysis, scene)
    feed(whole, scene, frames)
    // Whole numbers: floating sums are exact too.
    let expected = try Results(whole, rows: 0).whole
    for length in [1, 4, 5] {
      let result = try BoundKernel(item.analysis, scene)
      for accumulator in result.kernel.accumulators { accumulator.reset() }
      for start in stride(from: 0, to: frames.count, by: length) {
        let leaf = try BoundKernel(item.analysis, scene)
        feed(leaf, scene, Array(frames[start..<min(start + length, frames.count)]), block: 2, from: start)
        for (sum, part) in zip(result.kernel.accumulators, leaf.kernel.accumulators) {
          sum.combine(UnsafeRawBufferPointer(part.bytes))
        }
      }
      #expect(
        try Results(result, rows: 0).whole.mapValues { $0.map(\.bitPattern) }
          == expected.mapValues { $0.map(\.bitPattern) })
    }
  }

  @Test("blocks of any length give the same rows", arguments: cases, [PixelType.u16, .f32])
  func blocks(case item: Registered, type: PixelType) throws {
    let scene = item.context(type), frames = frames(19, scene)
    func bits(_ block: Int) throws -> [String: [UInt64]] { try run(item.analysis, scene, frames, block: block).bits }
    let expected = try bits(1)
    for block in [2, 7, 100] { #expect(try bits(block) == expected) }
  }

  @Test("frames in groups give the bits of frames one by one", arguments: cases, [PixelType.u16, .u16Swapped, .f32])
  func groups(case item: Registered, type: PixelType) throws {
    let scene = item.context(type), frames = frames(19, scene)
    let expected = try run(item.analysis, scene, frames).bits
    for size in [2, 5, 8, 19] {
      let bound = try BoundKernel(item.analysis, scene)
      bound.outputs.prepare(rows: frames.count)
      bound.kernel.begin(at: 0)
      withGroups(frames, type, size) { group in
        if let kernel = bound.kernel as? any GroupKernel {
          kernel.add(group, firstRow: group.positions.lowerBound)
        } else {
          for position in group.positions { bound.kernel.add(group[position], row: position) }
        }
      }
      bound.kernel.flush()
      #expect(try Results(bound, rows: frames.count).bits == expected)
    }
  }

  @Test("the same kernel serves one leaf after the other", arguments: cases)
  func reuse(case item: Registered) throws {
    let scene = item.context(.u16), frames = frames(5, scene)
    let fresh = try BoundKernel(item.analysis, scene), used = try BoundKernel(item.analysis, scene)
    feed(used, scene, frames)
    for accumulator in used.kernel.accumulators { accumulator.reset() }
    feed(used, scene, Array(frames[2...]), from: 2)
    feed(fresh, scene, Array(frames[2...]), from: 2)
    #expect(try Results(used, rows: 3).bits == Results(fresh, rows: 3).bits)
  }

  @Test("arrays may have the shapes that results have", arguments: cases.filter { !$0.analysis.files.isEmpty })
  func resultShapes(case item: Registered) throws {
    var found: [Results] = []
    for form in 0..<4 {
      var scene = item.context
      for (name, array) in scene.arrays {
        let count = array.values.count, grid = count == 20 ? [4, 5] : [24, 27]
        scene.arrays[name]?.shape = [grid, [count], [count, 1], [1, count]][form]
      }
      found.append(try run(item.analysis, scene, frames(20, scene)))
    }
    for other in found { #expect(other.bits == found[0].bits) }
  }

  @Test("an output that the ellipse changes says so", arguments: Registered.perFrame)
  func ellipse(case item: Registered) throws {
    let round = item.context, frames = frames(4, round)
    var distorted = round
    distorted.calibration.ellipse = Sourced(Ellipse(ratio: 1.3, angle: .pi / 4), .job)
    let (before, after) = (
      try run(item.analysis, round, frames).bits, try run(item.analysis, distorted, frames).bits
    )
    for output in try item.analysis.outputs(distorted) {
      let said = Set(output.attributes.map(\.key)).intersection(["ellipse_ratio", "ellipse_angle_deg"])
      if before[output.name] != after[output.name] { #expect(said.count == 2, "\(output.name)") }
      if before == after { #expect(said.isEmpty, "\(output.name)") }
    }
  }

  @Test("an output that follows the origin says so, and no other", arguments: Registered.perFrame)
  func followsOrigin(case item: Registered) throws {
    let still = item.context, frames = frames(4, still)
    var moving = still
    moving.followsOrigin = true
    let bound = try BoundKernel(item.analysis, moving)
    bound.kernel.begin(at: 0)
    bound.outputs.prepare(rows: frames.count)
    for (row, frame) in frames.enumerated() {
      bound.kernel.follow(Pair(9.3 + Double(row), 15.1 - Double(row)))
      withPixels(frame, .u16) { bound.kernel.add($0, row: row) }
    }
    bound.kernel.flush()
    let after = try Results(bound, rows: frames.count).bits
    let before = try run(item.analysis, still, frames).bits
    for output in bound.outputs.outputs {
      let says = output.attributes.contains { $0.key == "follows_origin" && $0.value == .bool(true) }
      #expect(says == (before[output.name] != after[output.name]), "\(output.name)")
    }
  }
}
