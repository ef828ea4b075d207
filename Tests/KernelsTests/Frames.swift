import STEM
import TestSupport

@testable import Kernels

typealias Random = TestSupport.Random

/// A frame in memory of its own, never freed: tests hand out its bare pointer.
final class Frame {
  let type: PixelType
  let values: [Double]
  let bytes: UnsafeMutableRawBufferPointer
  var pointer: UnsafeRawPointer { UnsafeRawPointer(bytes.baseAddress!) }

  init(_ type: PixelType, _ values: [Double]) {
    self.type = type
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: values.count * type.size, alignment: 1)
    func store<Pixel: FramePixel>(_: Pixel.Type) -> [Double] {
      values.enumerated().map { index, value in
        let pixel = Pixel(truncating: value)
        bytes.storeBytes(of: pixel, toByteOffset: index * type.size, as: Pixel.self)
        if type == .u16Swapped { bytes.swapAt(2 * index, 2 * index + 1) }
        return pixel.double
      }
    }
    self.bytes = bytes
    self.values = store(type.memory)
  }

  /// Over the whole range of the type.
  static func random(_ type: PixelType, _ count: Int, _ random: inout Random) -> Frame {
    let low: Double
    switch type {
    case .u8, .u16, .u16Swapped, .u32: low = 0
    case .f32, .f64: low = -1
    default: low = -type.largest! - 1
    }
    let high = type.largest ?? 1
    return Frame(
      type,
      (0..<count).map { _ in
        let value = Double.random(in: low...high, using: &random)
        return type.isInteger ? value.rounded(.down) : value
      })
  }

  /// Every pixel the largest value: where partial sums overflow first.
  static func full(_ type: PixelType, _ count: Int) -> Frame {
    Frame(type, Array(repeating: type.largest ?? 0x1p100, count: count))
  }
}

/// Every type with odd shapes; a full-sized frame for two of them, since plain loops are slow in debug builds.
let cases: [(PixelType, Shape)] =
  PixelType.inMemory.flatMap { type in
    [Shape(1, 1), Shape(5, 7), Shape(33, 65), Shape(3, 700)].map { (type, $0) }
  } + [(.u16, Shape(256, 256)), (.f32, Shape(256, 256))]

/// Equal for integers, to 10⁻¹² of the summed magnitudes for floating pixels.
func agrees(_ a: Double, _ b: Double, _ type: PixelType, scale: Double) -> Bool {
  type.isInteger ? a == b : abs(a - b) <= 1e-12 * max(scale, abs(b)) || (a.isNaN && b.isNaN)
}
