package import CKernels
@_spi(StoredPixels) import STEM

extension PixelType {
  package var c: ck_type {
    switch self {
    case .u8: ck_u8
    case .u16: ck_u16
    case .u16Swapped: ck_u16_swapped
    case .u32: ck_u32
    case .i8: ck_i8
    case .i16: ck_i16
    case .i32: ck_i32
    case .f32: ck_f32
    case .f64: ck_f64
    }
  }

  /// The value of a sum over pixels of this type.
  @inline(__always) func value(_ sum: ck_sum) -> Double { isInteger ? Double(sum.integer) : sum.real }
}

// The only place where the memory of frames leaves its type: a loop in C is given both.

extension Frame {
  /// Where the pixels lie, for a loop that is made for `count` pixels of `type`. Traps where the frame has others.
  @inline(__always) package func pixels(_ type: PixelType, _ count: Int) -> UnsafeRawPointer {
    precondition(
      layout.type == type && layout.shape.count == count, "a kernel is given another frame than it is made for")
    return memory
  }
}

extension FrameGroup {
  /// Where the pixels of the first frame lie, as for `Frame`.
  @inline(__always) package func pixels(_ type: PixelType, _ count: Int) -> UnsafeRawPointer {
    self[positions.lowerBound].pixels(type, count)
  }
}

/// A copy of plain values at a fixed address, on a cache line's boundary, for the C loops.
final class Fixed<Element> {
  let values: UnsafeMutableBufferPointer<Element>

  init(_ elements: some Collection<Element>) {
    let bytes = UnsafeMutableRawBufferPointer.allocateLarge(byteCount: elements.count * MemoryLayout<Element>.stride)
    values = bytes.bindMemory(to: Element.self)
    _ = values.initialize(from: elements)
  }

  deinit { values.deallocate() }

  var pointer: UnsafeMutablePointer<Element>? { values.baseAddress }
}
