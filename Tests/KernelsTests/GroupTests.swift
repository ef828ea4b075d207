import STEM
import Testing

@testable import Kernels

/// Frames at equal distances in memory, as readers bring them.
private final class Pack {
  private let bytes: UnsafeMutableRawBufferPointer
  private let layout: FrameLayout
  private let strideBytes: Int
  let count: Int

  /// - Parameter gap: pixels between two frames
  init(_ frames: [FrameMemory], gap: Int = 3) {
    let type = frames[0].type
    layout = frames[0].view.layout
    strideBytes = frames[0].bytes.count + gap * type.size
    count = frames.count
    bytes = .allocate(byteCount: frames.count * strideBytes, alignment: 8)
    bytes.initializeMemory(as: UInt8.self, repeating: 0xaa)
    for (index, frame) in frames.enumerated() {
      (bytes.baseAddress! + index * strideBytes).copyMemory(
        from: frame.bytes.baseAddress!, byteCount: frame.bytes.count)
    }
  }

  deinit { bytes.deallocate() }

  subscript(frames: Range<Int>) -> FrameGroup {
    FrameGroup(
      layout, frames, first: bytes.baseAddress! + frames.lowerBound * strideBytes, strideBytes: strideBytes)
  }

  /// Groups of any size, one after the other.
  func groups(_ random: inout Random) -> [FrameGroup] {
    var groups: [FrameGroup] = []
    var next = 0
    while next < count {
      let end = min(count, next + Int.random(in: 1...11, using: &random))
      groups.append(self[next..<end])
      next = end
    }
    return groups
  }
}

@Suite("frames in groups give the bits of frames one by one") struct GroupTests {
  /// Dark, faint and blinding ones in any order.
  private func frames(_ type: PixelType, _ pixels: Int, _ count: Int, _ random: inout Random) -> [FrameMemory] {
    (0..<count).map { _ in
      switch Int.random(in: 0..<4, using: &random) {
      case 0: FrameMemory.full(type, pixels)
      case 1: FrameMemory.random(type, pixels, &random)
      case 2: FrameMemory(type, Array(repeating: 0, count: pixels))
      default: FrameMemory(type, (0..<pixels).map { _ in Double(Int.random(in: 0...20, using: &random)) })
      }
    }
  }

  @Test(arguments: PixelType.inMemory, [1, 77, 2053])
  func statistics(type: PixelType, pixels: Int) {
    var random = Random(pixels + type.size)
    let frames = frames(type, pixels, 50, &random), pack = Pack(frames)
    let single = PixelStatistics(pixels: pixels, type: type), grouped = PixelStatistics(pixels: pixels, type: type)
    for frame in frames { single.add(frame.view) }
    for group in pack.groups(&random) {
      grouped.add(group)
      if Int.random(in: 0..<5, using: &random) == 0 { grouped.flush() }
    }
    single.flush()
    grouped.flush()
    for (a, b) in zip(single.accumulators, grouped.accumulators) { #expect(a.bytes.elementsEqual(b.bytes)) }
  }

  @Test("summaries on the way into the statistics", arguments: PixelType.inMemory, [1, 77, 2053])
  func summaries(type: PixelType, pixels: Int) {
    var random = Random(pixels + type.size)
    var frames = frames(type, pixels, 50, &random)
    if !type.isInteger {
      for (place, value) in [(7, Double.nan), (20, .infinity), (21, -.infinity)] {
        frames[place] = FrameMemory(type, frames[place].values.enumerated().map { $0 == pixels / 2 ? value : $1 })
      }
    }
    let pack = Pack(frames), shape = Shape(1, pixels)
    let plain = PixelStatistics(pixels: pixels, type: type), both = PixelStatistics(pixels: pixels, type: type)
    for selection in [PixelSelection(shape) { _, _ in true }, PixelSelection(shape) { _, x in pixels == 1 || x != 0 }] {
      let kernel = FrameSummaries(selection, type: type, saturation: 15)
      var found: [Int: FrameSummary] = [:]
      for group in pack.groups(&random) {
        plain.add(group)
        both.add(group, kernel) { found[group.positions.lowerBound + $0] = $1 }
      }
      for (index, frame) in frames.enumerated() {
        let alone = kernel.summarize(frame.view)
        #expect(found[index]?.sum.bitPattern == alone.sum.bitPattern)
        #expect(found[index]?.largest.bitPattern == alone.largest.bitPattern && found[index]?.bad == alone.bad)
      }
    }
    plain.flush()
    both.flush()
    for (a, b) in zip(plain.accumulators, both.accumulators) { #expect(a.bytes.elementsEqual(b.bytes)) }
  }

  @Test("sums and largest values alone are those of all", arguments: PixelType.inMemory, [1, 77, 2053])
  func sumsAndLargest(type: PixelType, pixels: Int) {
    var random = Random(pixels + type.size)
    let frames = frames(type, pixels, 50, &random), pack = Pack(frames)
    let all = PixelStatistics(pixels: pixels, type: type)
    let single = PixelStatistics(pixels: pixels, type: type, .sumsAndLargest)
    let grouped = PixelStatistics(pixels: pixels, type: type, .sumsAndLargest)
    for frame in frames {
      all.add(frame.view)
      single.add(frame.view)
    }
    for group in pack.groups(&random) {
      grouped.add(group)
      if Int.random(in: 0..<5, using: &random) == 0 { grouped.flush() }
    }
    for statistics in [all, single, grouped] { statistics.flush() }
    for (a, b) in zip(single.accumulators, grouped.accumulators) { #expect(a.bytes.elementsEqual(b.bytes)) }
    for kernel in [single, grouped] {
      let found = kernel.patterns(), expected = all.patterns()
      #expect(found.largest == expected.largest)
      // Plain doubles over 50 frames.
      let isRight = zip(found.sum, expected.sum).allSatisfy {
        type.isInteger ? $0 == $1 : abs($0 - $1) <= 1e-11 * max(1, abs($1))
      }
      #expect(isRight)
      #expect(found.deviation.isEmpty && found.smallest.isEmpty && found.mean.count == pixels)
    }
  }

  @Test("zeros with signs and NaN too", arguments: [PixelType.f32, .f64])
  func specialValues(type: PixelType) {
    var random = Random(type.size)
    for _ in 0..<50 {
      let frames = (0..<23).map { _ in
        FrameMemory(type, (0..<9).map { _ in [0.0, -0.0, 1, .nan, -.nan, .infinity].randomElement(using: &random)! })
      }
      let single = PixelStatistics(pixels: 9, type: type), grouped = PixelStatistics(pixels: 9, type: type)
      for frame in frames {
        single.add(frame.view)
        single.flush()
      }
      for group in Pack(frames).groups(&random) { grouped.add(group) }
      grouped.flush()
      for (a, b) in zip(single.accumulators.suffix(2), grouped.accumulators.suffix(2)) {
        #expect(a.bytes.elementsEqual(b.bytes))
      }
    }
  }

  /// Σv² of one pixel value over many frames.
  private func square(_ type: PixelType, _ value: Double, _ count: Int) throws -> UInt64 {
    let pack = Pack(Array(repeating: FrameMemory(type, [value, 0]), count: count))
    let kernel = PixelStatistics(pixels: 2, type: type)
    kernel.add(pack[0..<count])
    kernel.flush()
    #expect(try #require(kernel.accumulators[0] as? PixelSum<Int64>).values[0] == Int64(value) * Int64(count))
    return try #require(kernel.accumulators[1] as? PixelSum<UInt64>).values[0]
  }

  @Test("more frames than 32-bit sums hold", arguments: [(PixelType.u16, 65_535.0), (.i16, -32_768), (.u8, 255)])
  func manyFrames(type: PixelType, value: Double) throws {
    let count = 70_001, frame = FrameMemory(type, [value, 0]), pack = Pack(Array(repeating: frame, count: count))
    let kernel = PixelStatistics(pixels: 2, type: type, .sumsAndLargest)
    kernel.add(pack[0..<count])
    for _ in 0..<3 { kernel.add(frame.view) }
    kernel.flush()
    #expect(try #require(kernel.accumulators[0] as? PixelSum<Int64>).values[0] == Int64(value) * Int64(count + 3))
    #expect(kernel.patterns().largest == [value, 0])
  }

  @Test("more counts than 32-bit sums hold")
  func overflow() throws {
    #expect(try square(.u8, 255, 70_000) == 70_000 * 65_025)
    #expect(try square(.i8, -128, 300_000) == 300_000 * 16_384)
    #expect(try square(.u16, 65_535, 9) == 9 * 65_535 * 65_535)
    #expect(try square(.u16, 32_767, 40) == 40 * 32_767 * 32_767)
    #expect(try square(.i16, -32_768, 9) == 9 << 30)
    #expect(try square(.i16, 32_767, 9) == 9 * 32_767 * 32_767)
    #expect(try square(.i16, -16_384, 4_001) == 4_001 << 28)
  }

  @Test(arguments: PixelType.inMemory, [Shape(1, 1), Shape(5, 7), Shape(33, 65), Shape(300, 300)])
  func rings(type: PixelType, shape: Shape) {
    guard shape.count < 10_000 || type == .u16 || type == .f32 else { return }
    var random = Random(shape.count + type.size)
    let frames = frames(type, shape.count, 14, &random), pack = Pack(frames)
    let ring = (0..<shape.count).map { _ in [nil, 0, 1, 2, 4].randomElement(using: &random)! }
    let kernel = RingSums(ring, bins: 5, shape: shape, type: type)
    let single = kernel.makeTotal(), grouped = kernel.makeTotal()
    var one = Array(repeating: Float(0), count: 14 * 5), several = one
    one.withUnsafeMutableBufferPointer { means in
      for (index, frame) in frames.enumerated() {
        kernel.add(frame.view, means: means.baseAddress! + 5 * index, total: single)
      }
    }
    several.withUnsafeMutableBufferPointer { means in
      for group in pack.groups(&random) {
        kernel.add(group, total: grouped) { means.baseAddress! + 5 * (group.positions.lowerBound + $0) }
      }
    }
    #expect(one.map(\.bitPattern) == several.map(\.bitPattern))
    #expect(single.bytes.elementsEqual(grouped.bytes))
  }

  @Test("masks", arguments: PixelType.inMemory)
  func masks(type: PixelType) {
    var random = Random(type.size + 60)
    let shape = Shape(16, 40)
    let real = (0..<shape.count).map { _ in Double.random(in: -1...1, using: &random) }
    let masks: [PixelWeights] = [
      .weights(real), .weights(real.map { Double(Float($0)) }),
      .selection(PixelSelection(shape) { _, _ in Bool.random(using: &random) }),
    ]
    let frames = frames(type, shape.count, 61, &random), pack = Pack(frames)
    func sums(_ add: (MaskSums, (Int, Int, Double) -> Void) -> Void) -> [[Double]] {
      let kernel = MaskSums(masks, shape: shape, type: type)
      var found = Array(repeating: Array(repeating: Double.nan, count: masks.count), count: frames.count)
      add(kernel) { found[$1][$0] = $2 }
      kernel.flush { found[$1][$0] = $2 }
      return found
    }
    let alone = sums { kernel, output in
      for (row, frame) in frames.enumerated() { kernel.add(frame.view, row: row, output) }
    }
    let groups = pack.groups(&random)
    let together = sums { kernel, output in
      for group in groups { kernel.add(group, firstRow: group.positions.lowerBound, output) }
    }
    #expect(together == alone)
    let whole = sums { kernel, output in kernel.add(pack[0..<61], firstRow: 0, output) }
    #expect(whole == alone)
  }
}
