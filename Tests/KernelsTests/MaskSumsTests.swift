import STEM
import Testing

@testable import Kernels

@Suite struct MaskSumsTests {
  private func sums(_ masks: [PixelWeights], _ frames: [FrameMemory], _ shape: Shape) -> [[Double]] {
    let kernel = MaskSums(masks, shape: shape, type: frames[0].type)
    var result = Array(repeating: Array(repeating: Double.nan, count: masks.count), count: frames.count)
    for (row, frame) in frames.enumerated() { kernel.add(frame.view, row: row) { result[$1][$0] = $2 } }
    kernel.flush { result[$1][$0] = $2 }
    return result
  }

  @Test("any mask gives the plain sum over its pixels", arguments: cases)
  func plainSums(type: PixelType, shape: Shape) {
    var random = Random(shape.count)
    let geometry = DetectorGeometry(shape, center: Pair(Double(shape.y) * 0.4, Double(shape.x) * 0.6))
    let masks = [
      PixelSelection(shape) { _, _ in true },
      PixelSelection(shape) { _, _ in Bool.random(using: &random) },
      PixelSelection(shape) { _, _ in false },
      geometry.annulus(inner: 0, outer: 3), geometry.annulus(inner: 2, outer: Double(shape.x) / 3),
      geometry.annulus(inner: Double(shape.x) / 3, outer: .infinity),
    ]
    let frames =
      (0..<3).map { _ in FrameMemory.random(type, shape.count, &random) } + [FrameMemory.full(type, shape.count)]
    let found = sums(masks.map(PixelWeights.selection), frames, shape)
    for (frame, row) in zip(frames, found) {
      for (mask, value) in zip(masks, row) {
        var expected = 0.0, scale = 0.0
        for (pixel, included) in zip(frame.values, mask.included) where included {
          expected += pixel
          scale += abs(pixel)
        }
        #expect(agrees(value, expected, type, scale: scale))
      }
    }
  }

  @Test("weighted masks, few-valued and dense, agree with a plain loop", arguments: cases)
  func weightedSums(type: PixelType, shape: Shape) {
    var random = Random(shape.count + 1)
    var masks = (0..<5).map { _ in (0..<shape.count).map { _ in Double.random(in: -1...1, using: &random) } }
    masks.append((0..<shape.count).map { _ in [-1.5, 0, 2].randomElement(using: &random)! })
    masks.append((0..<shape.count).map { $0 % shape.x < shape.x / 2 ? 1 : -1 })
    let frames = (0..<19).map { _ in FrameMemory.random(type, shape.count, &random) }
    let found = sums(masks.map(PixelWeights.weights), frames, shape)
    for (frame, row) in zip(frames, found) {
      for (mask, value) in zip(masks, row) {
        let products = zip(frame.values, mask).map { $0 * $1 }
        let scale = products.reduce(0) { $0 + abs($1) }
        #expect(abs(value - products.reduce(0, +)) <= 1e-12 * scale)
      }
    }
  }

  @Test("single precision weights: 10⁻⁷ of what is summed, NaN and overflow as in double precision", arguments: cases)
  func singlePrecision(type: PixelType, shape: Shape) {
    var random = Random(shape.count + 2)
    let masks = (0..<5).map { _ in (0..<shape.count).map { _ in Double(Float.random(in: -1...1, using: &random)) } }
    let frames =
      (0..<9).map { _ in FrameMemory.random(type, shape.count, &random) } + [FrameMemory.full(type, shape.count)]
    let found = sums(masks.map(PixelWeights.weights), frames, shape)
    for (frame, row) in zip(frames, found) {
      for (mask, value) in zip(masks, row) {
        let products = zip(frame.values, mask).map { $0 * $1 }
        #expect(abs(value - products.reduce(0, +)) <= 1e-7 * products.reduce(0) { $0 + abs($1) })
      }
    }
    guard type == .f32 else { return }
    let large = FrameMemory(type, Array(repeating: 1e38, count: shape.count))
    let expected = masks[0].reduce(0) { $0 + $1 * Double(Float(1e38)) }
    let weights = masks[0].map { $0 * 16 }
    #expect(abs(sums([.weights(weights)], [large], shape)[0][0] - 16 * expected) <= 1e-7 * 16e38 * Double(shape.count))
  }

  @Test("integer weights on integer pixels are exact", arguments: PixelType.inMemory.filter(\.isInteger))
  func integerWeights(type: PixelType) {
    var random = Random(type.size)
    let shape = Shape(16, 40)
    let mask = (0..<shape.count).map { Double($0 % 61 - 30) }
    let frames =
      (0..<5).map { _ in FrameMemory.random(type, shape.count, &random) } + [FrameMemory.full(type, shape.count)]
    for (frame, row) in zip(frames, sums([.weights(mask)], frames, shape)) {
      #expect(row[0] == zip(frame.values, mask).reduce(0) { $0 + $1.0 * $1.1 })
    }
  }

  @Test("a dense mask gives the same bits alone and beside masks of other precision", arguments: PixelType.inMemory)
  func denseIndependence(type: PixelType) {
    var random = Random(type.size + 40)
    let shape = Shape(16, 40)
    let real = (0..<shape.count).map { _ in Double.random(in: -1...1, using: &random) }
    let masks = [real.map { Double(Float($0)) }, real, (0..<shape.count).map { Double($0 % 61 - 30) }]
    let frames =
      (0..<5).map { _ in FrameMemory.random(type, shape.count, &random) } + [FrameMemory.full(type, shape.count)]
    let together = sums(masks.map(PixelWeights.weights), frames, shape)
    for (mask, weights) in masks.enumerated() {
      #expect(sums([.weights(weights)], frames, shape).map { $0[0] } == together.map { $0[mask] })
    }
  }

  @Test("NaN inside of a mask gives NaN, outside it does nothing", arguments: [PixelType.f32, .f64])
  func nan(type: PixelType) {
    let shape = Shape(9, 41)
    for place in [0, 40, 150, shape.count - 1] {
      var values = Array(repeating: 1.0, count: shape.count)
      values[place] = .nan
      let frame = FrameMemory(type, values)
      let inside = (0..<shape.count).map { $0 % 3 == place % 3 }
      let outside = inside.map(!)
      var dense = (0..<shape.count).map { Double($0 + 1) }
      dense[place] = 0
      let found = sums(
        [
          .selection(PixelSelection(shape, inside)), .selection(PixelSelection(shape, outside)), .weights(dense),
          .weights(dense.map { $0 + 1 }),
        ], [frame], shape)[0]
      #expect(found[0].isNaN && found[3].isNaN)
      #expect(found[1] == Double(outside.count { $0 }))
      #expect(found[2] == dense.reduce(0, +))
    }
  }

  @Test("the same masks in another order, or alone, give the same bits")
  func independence() {
    var random = Random(7)
    let shape = Shape(64, 96)
    let geometry = DetectorGeometry(shape, center: Pair(30.3, 50.2))
    let masks = [5.0, 12, 25, 80].map { PixelWeights.selection(geometry.annulus(inner: $0 / 2, outer: $0)) }
    let frame = FrameMemory.random(.f32, shape.count, &random)
    let together = sums(masks, [frame], shape)[0]
    #expect(sums(masks.reversed(), [frame], shape)[0] == together.reversed())
    for (mask, value) in zip(masks, together) { #expect(sums([mask], [frame], shape)[0][0] == value) }
  }
}

@Suite struct GeometryTests {
  @Test("half-open rings: a pixel at exactly the radius belongs to the outer one")
  func halfOpen() {
    let geometry = DetectorGeometry(Shape(11, 11), center: Pair(5, 5))
    let inner = geometry.annulus(inner: 0, outer: 5), outer = geometry.annulus(inner: 5, outer: 6)
    // (8, 9) is 3 down and 4 to the right of the center.
    #expect(!inner.included[8 * 11 + 9] && outer.included[8 * 11 + 9])
    #expect(inner.included[5 * 11 + 5])
  }

  @Test("segments of any start partition an annulus without r = 0", arguments: [0.0, 10, 45, 200, -30])
  func segments(start: Double) {
    for center in [Pair(8.0, 9.0), Pair(7.4, 8.7)] {
      let geometry = DetectorGeometry(Shape(17, 19), center: center)
      for parts in [1, 2, 3, 4, 8] {
        let width = 360 / Double(parts)
        let segments = (0..<parts).map {
          geometry.segment(
            inner: 0, outer: 7, start: start + Double($0) * width, end: start + Double($0 + 1) * width)
        }
        let annulus = geometry.annulus(inner: 0, outer: 7)
        for pixel in 0..<17 * 19 {
          let isCenter = center.y == 8 && pixel == 8 * 19 + 9
          #expect(segments.count { $0.included[pixel] } == (annulus.included[pixel] && !isCenter ? 1 : 0))
        }
      }
    }
  }

  @Test("0 to 90 degrees is the upper right, start included, end not")
  func quadrant() {
    let geometry = DetectorGeometry(Shape(5, 5), center: Pair(2, 2))
    let quadrant = geometry.segment(inner: 0, outer: 10, start: 0, end: 90).included
    #expect(quadrant[1 * 5 + 3])
    #expect(quadrant[2 * 5 + 3])  // φ = 0
    #expect(!quadrant[1 * 5 + 2])  // φ = 90
    #expect(!quadrant[3 * 5 + 3] && !quadrant[2 * 5 + 2])
    #expect(quadrant.count { $0 } == 6)
  }

  @Test("a rectangle of whole pixels has height × width of them")
  func rectangle() {
    let geometry = DetectorGeometry(Shape(20, 30), center: Pair(9.5, 14))
    #expect(geometry.rectangle(height: 4, width: 7).count == 28)
    #expect(geometry.rectangle(height: 4, width: 8).count == 32)
  }

  @Test("the edge is the distance of the farthest pixel")
  func edge() {
    let geometry = DetectorGeometry(Shape(4, 5), center: Pair(0, 1))
    #expect(geometry.edge == (9.0 + 9).squareRoot())
    #expect(geometry.pixel().included.firstIndex(of: true) == 1)
    #expect(DetectorGeometry(Shape(4, 5), center: Pair(-1, 1)).pixel().isEmpty)
  }
}
