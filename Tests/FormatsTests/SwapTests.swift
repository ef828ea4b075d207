import Testing

@testable import Formats

@Suite struct SwapTests {
  @Test("bytes of every pixel are reversed, also in place and wherever pixels lie", arguments: [1, 2, 4, 8])
  func reversed(size: Int) {
    for pixels in [0, 1, 3, 31, 32, 33, 127, 128, 129, 257, 600] {
      let stored = (0..<pixels * size + 1).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
      var expected = stored
      for pixel in 0..<pixels {
        for byte in 0..<size { expected[1 + pixel * size + byte] = stored[1 + pixel * size + size - 1 - byte] }
      }
      var (inPlace, other) = (stored, stored)
      inPlace.withUnsafeMutableBytes { bytes in
        // Not where the type may lie.
        let start = bytes.baseAddress! + 1
        swapBytes(UnsafeRawPointer(start), start, pixels: pixels, size: size)
      }
      other.withUnsafeMutableBytes { target in
        stored.withUnsafeBytes { bytes in
          swapBytes(bytes.baseAddress! + 1, target.baseAddress! + 1, pixels: pixels, size: size)
        }
      }
      #expect(inPlace == expected)
      #expect(other == expected)
    }
  }
}
