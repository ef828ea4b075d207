import STEM

/// Made-up frames in memory: mostly small counts, as detectors give them.
final class Frames {
  let bytes: UnsafeMutableRawBufferPointer
  let layout: FrameLayout
  var frameBytes: Int { layout.bytes }

  init(_ bytes: Int, width: Int, type: PixelType) {
    layout = FrameLayout(Shape(width, width), type)
    self.bytes = .allocate(byteCount: max(1, bytes / layout.bytes) * layout.bytes, alignment: 4096)
    fill(type.number)
  }

  deinit { bytes.deallocate() }

  var count: Int { bytes.count / frameBytes }

  func frame(_ index: Int) -> UnsafeRawPointer { UnsafeRawPointer(bytes.baseAddress! + index * frameBytes) }

  func view(_ index: Int) -> Frame { Frame(layout, frame(index)) }

  private func fill<Pixel: FramePixel>(_: Pixel.Type) {
    // Linear congruential, Knuth's multiplier for MMIX; the high bits are good.
    var state: UInt64 = 1
    let pixels = bytes.bindMemory(to: Pixel.self)
    for index in pixels.indices {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      pixels[index] = Pixel(truncating: Double(state >> 58))
    }
  }

  /// Sum of all bytes as 64-bit words: what a program reaches that only reads memory.
  /// It changes the first byte, so that every call has to read again.
  @inline(never) func sum() -> UInt64 {
    bytes[0] &+= 1
    let words = UnsafeRawBufferPointer(bytes).bindMemory(to: SIMD8<UInt64>.self)
    var (a, b) = (SIMD8<UInt64>.zero, SIMD8<UInt64>.zero)
    var index = 0
    while index + 1 < words.count {
      a &+= words[index]
      b &+= words[index + 1]
      index += 2
    }
    return (a &+ b).wrappedSum()
  }
}
