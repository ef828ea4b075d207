import STEM
import TestSupport

@testable import Kernels

typealias Random = TestSupport.Random

/// A frame in memory of its own, never freed: tests hand out views of it.
final class FrameMemory {
  let type: PixelType
  let values: [Double]
  let bytes: UnsafeMutableRawBufferPointer
  var view: Frame { Frame(FrameLayout(Shape(1, values.count), type), bytes.baseAddress!) }

  init(_ type: PixelType, _ values: [Double]) {
    self.type = type
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: values.count * type.size, alignment: 1)
    func store<Stored: StoredPixel>(_: Stored.Type) -> [Double] {
      values.enumerated().map { index, value in
        let pixel = Stored.Number(truncating: value)
        bytes.storeBytes(of: Stored(storing: pixel), toByteOffset: index * type.size, as: Stored.self)
        return pixel.double
      }
    }
    self.bytes = bytes
    self.values = store(type.stored)
  }

  /// Over the whole range of the type.
  static func random(_ type: PixelType, _ count: Int, _ random: inout Random) -> FrameMemory {
    let low: Double
    switch type {
    case .u8, .u16, .u16Swapped, .u32: low = 0
    case .f32, .f64: low = -1
    default: low = -type.largest! - 1
    }
    let high = type.largest ?? 1
    return FrameMemory(
      type,
      (0..<count).map { _ in
        let value = Double.random(in: low...high, using: &random)
        return type.isInteger ? value.rounded(.down) : value
      })
  }

  /// Every pixel the largest value: where partial sums overflow first.
  static func full(_ type: PixelType, _ count: Int) -> FrameMemory {
    FrameMemory(type, Array(repeating: type.largest ?? 0x1p100, count: count))
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
