import STEM
import Testing

@testable import Kernels

@Suite struct PixelStatisticsTests {
  private func kernel(_ frames: some Sequence<FrameMemory>, _ pixels: Int, _ type: PixelType) -> PixelStatistics {
    let kernel = PixelStatistics(pixels: pixels, type: type)
    for frame in frames { kernel.add(frame.view) }
    kernel.flush()
    return kernel
  }

  @Test("patterns agree with NumPy's definitions", arguments: cases)
  func naive(type: PixelType, shape: Shape) {
    var random = Random(shape.count + 4)
    let frames = (0..<11).map { _ in FrameMemory.random(type, shape.count, &random) }
    let found = kernel(frames, shape.count, type).patterns()
    // One expectation for all pixels: there are many.
    let wrong = (0..<shape.count).filter { pixel in
      let values = frames.map { $0.values[pixel] }
      let sum = values.reduce(0, +), mean = sum / 11
      let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 11).squareRoot()
      return !agrees(found.sum[pixel], sum, type, scale: 11) || !agrees(found.mean[pixel], mean, type, scale: 11)
        || found.smallest[pixel] != values.min() || found.largest[pixel] != values.max()
        || abs(found.deviation[pixel] - deviation) > 1e-12 * deviation
    }
    #expect(wrong.isEmpty)
  }

  @Test("combined leaves give the bits of one pass", arguments: PixelType.inMemory)
  func leaves(type: PixelType) {
    var random = Random(5)
    // Small whole numbers, whose floating sums are exact too.
    let frames = (0..<23).map { _ in
      FrameMemory(type, (0..<77).map { _ in Double(Int.random(in: 0...100, using: &random)) })
    }
    let whole = kernel(frames, 77, type)
    let first = kernel(frames[..<9], 77, type), second = kernel(frames[9...], 77, type)
    for (a, b) in zip(first.accumulators, second.accumulators) { a.combine(UnsafeRawBufferPointer(b.bytes)) }
    #expect(first.patterns().sum == whole.patterns().sum)
    #expect(first.patterns().deviation == whole.patterns().deviation)
    #expect(first.patterns().largest == whole.patterns().largest)
    #expect(first.patterns().smallest == whole.patterns().smallest)
  }

  @Test("the deviation of large values that hardly differ is right", arguments: [PixelType.u32, .i32, .f64])
  func cancellation(type: PixelType) {
    let frames = (0..<1000).map { FrameMemory(type, Array(repeating: 1e9 + Double($0 % 2), count: 3)) }
    #expect(kernel(frames, 3, type).patterns().deviation.allSatisfy { abs($0 - 0.5) < 1e-9 })
  }

  @Test("the deviation of single-precision values with a large mean is right")
  func singlePrecision() {
    let frames = (0..<1000).map { FrameMemory(.f32, Array(repeating: 1e6 + Double($0 % 2), count: 20)) }
    #expect(kernel(frames, 20, .f32).patterns().deviation.allSatisfy { abs($0 - 0.5) < 1e-9 })
  }

  @Test("values that are not whole numbers too")
  func fractions() {
    let frames = (0..<1000).map { FrameMemory(.f64, [1e9 + 0.1 + 0.3 * Double($0 % 2)]) }
    // Near 1e9 a double resolves 1.2e-7.
    #expect(abs(kernel(frames, 1, .f64).patterns().deviation[0] - 0.15) < 2e-7)
  }

  @Test("NaN stays NaN and infinities stay infinite, as in NumPy", arguments: [PixelType.f32, .f64])
  func notFinite(type: PixelType) {
    for count in [1, 4, 6] {
      for place in 0..<count {
        let frames = (0..<count).map { FrameMemory(type, $0 == place ? [1, .nan, .infinity] : [1, 2, 3]) }
        let found = kernel(frames, 3, type).patterns()
        #expect(found.sum[0] == Double(count) && found.deviation[0] == 0)
        for pattern in [found.sum, found.mean, found.smallest, found.largest, found.deviation] {
          #expect(pattern[1].isNaN)
        }
        #expect(found.sum[2] == .infinity && found.largest[2] == .infinity && found.deviation[2].isNaN)
        #expect(found.smallest[2] == (count == 1 ? .infinity : 3))
      }
    }
  }

  @Test("no frame gives NaN")
  func nothing() {
    let patterns = PixelStatistics(pixels: 4, type: .u16).patterns()
    #expect(patterns.mean.allSatisfy(\.isNaN) && patterns.sum.allSatisfy(\.isNaN))
  }

  @Test("a frame too large to be kept is used at once")
  func largeFrames() throws {
    var random = Random(6)
    let pixels = 262_145
    let frames = (0..<2).map { _ in FrameMemory.random(.u16, pixels, &random) }
    let sums = try #require(kernel(frames, pixels, .u16).accumulators[0] as? PixelSum<Int64>)
    for pixel in [0, 2047, 2048, pixels - 1] {
      #expect(Double(sums.values[pixel]) == frames.reduce(0) { $0 + $1.values[pixel] })
    }
  }
}

@Suite struct RingSumsTests {
  @Test("means over rings agree with a plain loop", arguments: cases)
  func naive(type: PixelType, shape: Shape) {
    var random = Random(shape.count + 5)
    let bins = 9
    let ring = (0..<shape.count).map { _ in [nil, 0, 1, 2, 3, 4, 5, 6, 8].randomElement(using: &random)! }
    let kernel = RingSums(ring, bins: bins, shape: shape, type: type)
    let total = kernel.makeTotal()
    var sums = Array(repeating: 0.0, count: bins), scale = 0.0
    let frames = [FrameMemory.random(type, shape.count, &random), FrameMemory.full(type, shape.count)]
    for frame in frames {
      var means = Array(repeating: Float(-1), count: bins)
      kernel.add(frame.view, means: &means, total: total)
      for k in 0..<bins {
        let values = zip(frame.values, ring).filter { $0.1 == k }.map(\.0)
        let sum = values.reduce(0, +)
        sums[k] += sum
        scale += values.reduce(0) { $0 + abs($1) }
        #expect(kernel.pixels[k] == values.count)
        if values.isEmpty {
          #expect(means[k].isNaN)
        } else if type.isInteger {
          #expect(means[k] == Float(sum / Double(values.count)))
        } else {
          #expect(abs(Double(means[k]) - sum / Double(values.count)) <= 1e-6 * scale)
        }
      }
    }
    for (k, mean) in kernel.means(total, frames: 2).enumerated() where kernel.pixels[k] > 0 {
      #expect(agrees(mean, sums[k] / Double(2 * kernel.pixels[k]), type, scale: scale))
    }
    #expect(kernel.means(total, frames: 2)[7].isNaN)
  }

  @Test("a ring of more bright pixels than 32 bits can sum", arguments: [PixelType.u16, .i16])
  func overflow(type: PixelType) {
    let shape = Shape(600, 600)
    let kernel = RingSums(Array(repeating: 0, count: shape.count), bins: 1, shape: shape, type: type)
    var mean = [Float(0)]
    kernel.add(FrameMemory.full(type, shape.count).view, means: &mean, total: kernel.makeTotal())
    #expect(mean[0] == Float(type.largest!))
  }
}
