import Foundation
import STEM
import Testing

@testable import Kernels

@Suite struct ShiftedSumsTests {
  private func statistics(_ values: [[Double]], _ type: PixelType = .f32) -> PixelStatistics {
    let kernel = PixelStatistics(pixels: values[0].count, type: type)
    for frame in values { kernel.add(FrameMemory(type, frame).view) }
    kernel.flush()
    return kernel
  }

  private func combined(_ parts: [PixelStatistics]) -> PixelStatistics.Patterns {
    for part in parts[1...] {
      for (a, b) in zip(parts[0].accumulators, part.accumulators) { a.combine(UnsafeRawBufferPointer(b.bytes)) }
    }
    return parts[0].patterns()
  }

  @Test("leaves whose first frames differ much give the deviation of all frames", arguments: [PixelType.f32, .f64])
  func parts(type: PixelType) {
    var random = Random(8)
    // A pixel that is bright in the first frame of a leaf alone, one with an offset of each leaf, one without.
    let frames = (0..<60).map { number -> [Double] in
      let noise = (0..<3).map { _ in Double(Float(Double.random(in: -1...1, using: &random))) }
      return [number % 20 == 0 ? 1e6 : noise[0], Double(number / 20 * 4096) + noise[1], noise[2]]
        .map { type == .f32 ? Double(Float($0)) : $0 }
    }
    let found = combined(stride(from: 0, to: 60, by: 20).map { statistics(Array(frames[$0..<$0 + 20]), type) })
    for pixel in 0..<3 {
      let values = frames.map { $0[pixel] }, mean = values.reduce(0, +) / 60
      let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 60).squareRoot()
      #expect(abs(found.mean[pixel] - mean) < 1e-13 * max(1, abs(mean)))
      #expect(abs(found.deviation[pixel] / deviation - 1) < 1e-12, "pixel \(pixel)")
    }
  }

  @Test("a part without frames changes nothing, before or behind others")
  func empty() {
    let frames: [[Double]] = [[1, 5], [2, 5], [4, 8]]
    let whole = statistics(frames).patterns()
    for place in 0...1 {
      var parts = [statistics(frames)]
      parts.insert(PixelStatistics(pixels: 2, type: .f32), at: place)
      let found = combined(parts)
      #expect(found.sum == whole.sum && found.deviation == whole.deviation && found.largest == whole.largest)
    }
  }

  @Test("what is not finite in one part shows in the whole", arguments: [0, 1], [Double.nan, .infinity, -.infinity])
  func notFinite(part: Int, value: Double) {
    let parts = (0...1).map { statistics([[$0 == part ? value : 3], [2]]) }
    let found = combined(parts)
    #expect(found.sum[0] == value || value.isNaN && found.sum[0].isNaN)
    #expect(found.deviation[0].isNaN)
  }

  @Test("sums are the same bits with and without squares", arguments: [PixelType.f32, .f64])
  func sumsAlone(type: PixelType) {
    var random = Random(9)
    let frames = (0..<23).map { _ in FrameMemory.random(type, 40, &random) }
    let found = [PixelStatistics.Extent.all, .sumsAndLargest].map { extent in
      let kernel = PixelStatistics(pixels: 40, type: type, extent)
      for frame in frames { kernel.add(frame.view) }
      kernel.flush()
      return kernel.patterns()
    }
    #expect(found[0].sum.map(\.bitPattern) == found[1].sum.map(\.bitPattern))
  }
}
