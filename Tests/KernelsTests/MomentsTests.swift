import STEM
import Testing

@testable import Kernels

@Suite struct MomentsTests {
  @Test("the center of mass is Σ v·(y, x) / Σ v over any pixels", arguments: cases)
  func naive(type: PixelType, shape: Shape) {
    var random = Random(shape.count + 2)
    let selections = [
      PixelSelection(shape) { _, _ in true },
      PixelSelection(shape) { y, x in (x + y) % 5 != 0 },
      DetectorGeometry(shape, center: Pair(2, 3)).annulus(inner: 0, outer: Double(shape.x) / 2),
    ]
    let frames = [FrameMemory.random(type, shape.count, &random), FrameMemory.full(type, shape.count)]
    for selection in selections where !selection.isEmpty {
      let kernel = Moments(selection, type: type)
      for frame in frames {
        var sum = 0.0, down = 0.0, right = 0.0, scale = 0.0
        for (index, value) in frame.values.enumerated() where selection.included[index] {
          sum += value
          down += value * Double(index / shape.x)
          right += value * Double(index % shape.x)
          scale += abs(value)
        }
        let found = kernel.center(frame.view)
        if sum == 0 {
          #expect(found.y.isNaN && found.x.isNaN)
        } else if type.isInteger {
          #expect(found == exactCenter(frame, selection))
        } else {
          let tolerance = 1e-12 * scale / abs(sum) * Double(shape.x + shape.y)
          #expect(abs(found.y - down / sum) <= tolerance && abs(found.x - right / sum) <= tolerance)
        }
      }
    }
  }

  @Test("frames whose sums leave 32 bits", arguments: [PixelType.u16, .i16])
  func large(type: PixelType) {
    let shape = Shape(1501, 1500)
    let kernel = Moments(PixelSelection(shape) { _, _ in true }, type: type)
    #expect(kernel.center(FrameMemory.full(type, shape.count).view) == Pair(750, 749.5))
  }

  private func exactCenter(_ frame: FrameMemory, _ selection: PixelSelection) -> Pair<Double> {
    var sum = 0, down = 0, right = 0
    for (index, value) in frame.values.enumerated() where selection.included[index] {
      sum += Int(value)
      down += Int(value) * (index / selection.shape.x)
      right += Int(value) * (index % selection.shape.x)
    }
    return Pair(Double(down) / Double(sum), Double(right) / Double(sum))
  }

  @Test("an empty frame and one with NaN have none", arguments: [PixelType.u16, .f32, .f64])
  func empty(type: PixelType) {
    let shape = Shape(6, 40)
    let kernel = Moments(PixelSelection(shape) { _, _ in true }, type: type)
    #expect(kernel.center(FrameMemory(type, Array(repeating: 0, count: 240)).view).x.isNaN)
    guard !type.isInteger else { return }
    var values = Array(repeating: 1.0, count: 240)
    values[77] = .nan
    #expect(kernel.center(FrameMemory(type, values).view).y.isNaN)
  }
}

@Suite struct FrameSummaryTests {
  @Test("sum, largest value and bad pixels agree with a plain loop", arguments: cases)
  func naive(type: PixelType, shape: Shape) {
    var random = Random(shape.count + 3)
    let frame = FrameMemory.random(type, shape.count, &random)
    for selection in [PixelSelection(shape) { _, _ in true }, PixelSelection(shape) { _, x in x % 7 != 3 }] {
      let values = zip(frame.values, selection.included).filter(\.1).map(\.0)
      let found = FrameSummaries(selection, type: type, saturation: nil).summarize(frame.view)
      #expect(found.largest == values.max())
      #expect(agrees(found.sum, values.reduce(0, +), type, scale: values.reduce(0) { $0 + abs($1) }))
      // Below every pixel, between whole numbers, and beyond every pixel too.
      for saturation in [-1e300, -3.5, 0, 4.25, (type.largest ?? 1) * 0.75, 1e300] {
        let kernel = FrameSummaries(selection, type: type, saturation: saturation)
        #expect(kernel.summarize(frame.view).bad == values.count { $0 >= saturation })
      }
    }
  }

  @Test("NaN and infinities are bad, wherever they are; NaN is the largest value", arguments: [PixelType.f32, .f64])
  func notFinite(type: PixelType) {
    let shape = Shape(3, 50)
    for place in [0, 31, 32, 100, 149] {
      for (value, largest) in [(Double.nan, Double.nan), (.infinity, .infinity), (-.infinity, 1)] {
        var values = Array(repeating: 1.0, count: 150)
        values[place] = value
        let kernel = FrameSummaries(PixelSelection(shape) { _, _ in true }, type: type, saturation: nil)
        let found = kernel.summarize(FrameMemory(type, values).view)
        #expect(found.bad == 1)
        #expect(found.largest == largest || (found.largest.isNaN && largest.isNaN))
      }
    }
  }
}
