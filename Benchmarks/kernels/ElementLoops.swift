import CCodecs
import CKernels
import STEM

/// The elementwise loops of `Correction.c` and `CCodecs` once more in Swift, on four frames of 256 × 256 16-bit pixels.
/// Both kinds must give the same bytes.
final class ElementLoops {
  private static let width = 256
  private let pixels = width * width
  private let frames = Frames(4 * width * width * 2, width: width, type: .u16)
  /// As large as frames of floats.
  private let outs = (0..<2).map { _ in
    UnsafeMutableRawBufferPointer.allocate(byteCount: 4 * width * width, alignment: 64)
  }
  private let dark: [Float]
  private let factor: [Float]

  init() {
    dark = (0..<pixels).map { Float($0 % 7) }
    factor = (0..<pixels).map { 1 + Float($0 % 11) / 16 }
    for out in outs { out.initializeMemory(as: UInt8.self, repeating: 0) }
  }

  deinit { for out in outs { out.deallocate() } }

  func rows() -> [(name: String, swift: Double, c: Double)] {
    [
      correction(), transposition(), bins(), swap(UInt16.self), swap(UInt32.self), byteTranspose(2), byteTranspose(4),
      bitTranspose(),
    ]
  }

  private func time(
    _ name: String, bytes: Int, swift: (UnsafeRawPointer, UnsafeMutableRawPointer) -> Void,
    c: (UnsafeRawPointer, UnsafeMutableRawPointer) -> Void
  ) -> (String, Double, Double) {
    func seconds(_ out: Int, _ body: (UnsafeRawPointer, UnsafeMutableRawPointer) -> Void) -> Double {
      Benchmarks.seconds(9) {
        for index in 0..<80 { body(frames.frame(index % 4), outs[out].baseAddress!) }
      } / 20
    }
    let times = (seconds(0, swift), seconds(1, c))
    precondition(outs[0].prefix(bytes).elementsEqual(outs[1].prefix(bytes)), "\(name): both give the same bytes")
    return (name, times.0, times.1)
  }

  private var view: ck_view {
    let width = Int64(Self.width)
    return ck_view(start: 0, down: width, right: 1, height: width, width: width)
  }

  private func correction() -> (String, Double, Double) {
    time("dark and gain of every pixel", bytes: 4 * pixels) { frame, out in
      let values = frame.assumingMemoryBound(to: UInt16.self), out = out.assumingMemoryBound(to: Float.self)
      dark.withUnsafeBufferPointer { dark in
        factor.withUnsafeBufferPointer { factor in
          for i in 0..<pixels {
            out[i] = values[i] >= 65_535 ? .nan : (Float(values[i]) - dark[i]) * factor[i]
          }
        }
      }
    } c: { frame, out in
      withUnsafePointer(to: view) { ck_correct(ck_u16, frame, $0, dark, factor, 65_535, out) }
    }
  }

  private func transposition() -> (String, Double, Double) {
    let width = Self.width
    return time("a frame transposed", bytes: 2 * pixels) { frame, out in
      let values = frame.assumingMemoryBound(to: UInt16.self), out = out.assumingMemoryBound(to: UInt16.self)
      // Tiles, whose rows and columns fit the cache.
      for top in stride(from: 0, to: width, by: 16) {
        for left in stride(from: 0, to: width, by: 16) {
          for y in top..<top + 16 {
            for x in left..<left + 16 { out[y * width + x] = values[x * width + y] }
          }
        }
      }
    } c: { frame, out in
      let transposed = ck_view(start: 0, down: 1, right: Int64(width), height: Int64(width), width: Int64(width))
      withUnsafePointer(to: transposed) { ck_copy_view(2, frame, $0, out) }
    }
  }

  private func bins() -> (String, Double, Double) {
    let half = Self.width / 2
    return time("sums of 2 × 2 pixels", bytes: 4 * half * half) { frame, out in
      let out = out.assumingMemoryBound(to: UInt32.self)
      for y in 0..<half {
        let upper = frame.assumingMemoryBound(to: UInt16.self) + 2 * y * Self.width, lower = upper + Self.width
        for x in 0..<half {
          out[y * half + x] =
            (UInt32(upper[2 * x]) &+ UInt32(upper[2 * x + 1])) &+ (UInt32(lower[2 * x]) &+ UInt32(lower[2 * x + 1]))
        }
      }
    } c: { frame, out in
      out.initializeMemory(as: UInt32.self, repeating: 0, count: half * half)
      let width = Int64(Self.width)
      let bins = ck_bins(stride: width, height: width, width: width, bin_height: 2, bin_width: 2)
      withUnsafePointer(to: bins) { ck_add_bins(ck_u16, frame, $0, ck_u32, out) }
    }
  }

  private func swap<Pixel: FixedWidthInteger>(_: Pixel.Type) -> (String, Double, Double) {
    let size = Pixel.bitWidth / 8, count = 2 * pixels / size
    return time("bytes of \(Pixel.bitWidth)-bit pixels swapped", bytes: 2 * pixels) { frame, out in
      let values = frame.assumingMemoryBound(to: Pixel.self), out = out.assumingMemoryBound(to: Pixel.self)
      for i in 0..<count { out[i] = values[i].byteSwapped }
    } c: { frame, out in
      ronchi_swap_bytes(bytes(frame), bytes(out), count, Int32(size))
    }
  }

  private func byteTranspose(_ size: Int) -> (String, Double, Double) {
    let count = 2 * pixels / size
    return time("shuffle of \(8 * size)-bit pixels undone", bytes: 2 * pixels) { frame, out in
      let a = bytes(frame), b = a + count, out = bytes(out)
      guard size == 4 else {
        for i in 0..<count {
          out[2 * i] = a[i]
          out[2 * i + 1] = b[i]
        }
        return
      }
      let c = b + count, d = c + count
      for i in 0..<count {
        out[4 * i] = a[i]
        out[4 * i + 1] = b[i]
        out[4 * i + 2] = c[i]
        out[4 * i + 3] = d[i]
      }
    } c: { frame, out in
      ronchi_byte_untranspose(bytes(frame), bytes(out), count, Int32(size))
    }
  }

  private func bitTranspose() -> (String, Double, Double) {
    // In blocks, as the filter stores them.
    let block = 4096
    return time("bitshuffle undone", bytes: 2 * pixels) { frame, out in
      for start in stride(from: 0, to: 2 * pixels, by: 2 * block) {
        Self.bitUntranspose(bytes(frame) + start, bytes(out) + start, block)
      }
    } c: { frame, out in
      for start in stride(from: 0, to: 2 * pixels, by: 2 * block) {
        ronchi_bit_untranspose(bytes(frame) + start, bytes(out) + start, block, 2)
      }
    }
  }

  /// Eight matrices of 8 × 8 bits at a time, halves exchanged three times (Warren, Hacker's Delight, 7-3).
  private static func bitUntranspose(_ input: UnsafePointer<UInt8>, _ out: UnsafeMutablePointer<UInt8>, _ count: Int) {
    let groups = count / 8
    for byte in 0..<2 {
      for group in stride(from: 0, to: groups, by: 8) {
        var x = SIMD8<UInt64>.zero
        for bit in 0..<8 {
          let row = UnsafeRawPointer(input + (8 * byte + bit) * groups + group).loadUnaligned(as: SIMD8<UInt8>.self)
          x |= SIMD8<UInt64>(truncatingIfNeeded: row) &<< UInt64(8 * bit)
        }
        for (shift, mask) in [
          (7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0),
        ] as [(UInt64, UInt64)] {
          let changed = (x ^ (x &>> shift)) & SIMD8(repeating: mask)
          x ^= changed ^ (changed &<< shift)
        }
        for lane in 0..<8 {
          for element in 0..<8 {
            out[2 * (8 * (group + lane) + element) + byte] = UInt8(truncatingIfNeeded: x[lane] &>> UInt64(8 * element))
          }
        }
      }
    }
  }

  private func bytes(_ pointer: UnsafeRawPointer) -> UnsafePointer<UInt8> {
    pointer.assumingMemoryBound(to: UInt8.self)
  }
  private func bytes(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt8> {
    pointer.assumingMemoryBound(to: UInt8.self)
  }
}
