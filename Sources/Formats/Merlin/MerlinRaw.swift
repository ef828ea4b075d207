import STEM

/// RAW (`R64`) frames of Merlin detectors: pixels as the chips send them, in big-endian 64-bit words whose lowest bits
/// are the leftmost pixel: 64 one-bit pixels, 8 pixels of 6 bit (in 8) or 4 of 12 bit (in 16). 24 bit are two 12-bit
/// images, the upper bits first.
///
/// A row of a four-chip file holds one row of each chip. The orientation of non-RAW files is reached by putting the
/// chips 3, 2 in the upper half and, turned by 180°, 1, 0 in the lower half.
struct MerlinRaw: Sendable, Codable {
  static let chipWidth = 256

  /// Rows of a chip, 1 or 4 chips.
  var chipHeight: Int
  var chips: Int
  /// 1, 6, 12 or 24.
  var depth: Int

  var pixelType: PixelType { depth == 24 ? .u32 : depth == 12 ? .u16 : .u8 }
  var shape: Shape { chips == 4 ? Shape(2 * chipHeight, 2 * Self.chipWidth) : Shape(chipHeight, Self.chipWidth) }
  private var passBytes: Int { chipHeight * chips * rowBytes }
  private var rowBytes: Int { depth == 1 ? Self.chipWidth / 8 : depth == 6 ? Self.chipWidth : 2 * Self.chipWidth }
  /// Bytes of a frame in the file.
  var storedBytes: Int { passBytes * (depth == 24 ? 2 : 1) }

  /// Where chip `chip`'s row lands: first pixel in the frame, and whether it is turned by 180°.
  private func place(chip: Int, row: Int) -> (pixel: Int, turned: Bool) {
    guard chips == 4 else { return (row * Self.chipWidth, false) }
    let column = chip == 0 || chip == 2 ? Self.chipWidth : 0
    let turned = chip < 2
    return ((turned ? 2 * chipHeight - 1 - row : row) * 2 * Self.chipWidth + column, turned)
  }

  func decode(_ stored: UnsafeRawPointer, _ pixels: UnsafeMutableRawPointer) {
    for row in 0..<chipHeight {
      for chip in 0..<chips {
        let source = stored + (row * chips + chip) * rowBytes
        let (pixel, turned) = place(chip: chip, row: row)
        let target = pixels + pixel * pixelType.size
        switch depth {
        case 1: Self.unpackBits(source, target, turned: turned)
        case 6: Self.reorder(source, target, words: Self.chipWidth / 8, turned: turned, lane: UInt8.self)
        case 12: Self.reorder(source, target, words: Self.chipWidth / 4, turned: turned, lane: UInt16.self)
        default: Self.join(upper: source, lower: source + passBytes, target, turned: turned)
        }
      }
    }
  }

  /// The words of a row with their lanes from low to high, in the native byte order. Turned rows run backwards.
  private static func reorder<Lane: FixedWidthInteger>(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, words: Int, turned: Bool, lane: Lane.Type
  ) {
    for i in 0..<words {
      let word = UInt64(littleEndian: source.loadUnaligned(fromByteOffset: 8 * i, as: UInt64.self))
      // All bytes reversed: lanes in pixel order, each in little endian.
      guard turned else {
        target.storeBytes(of: word.byteSwapped.littleEndian, toByteOffset: 8 * i, as: UInt64.self)
        continue
      }
      let mask: UInt64 = 0x00ff_00ff_00ff_00ff
      let lanes = Lane.bitWidth == 8 ? word : (word & mask) << 8 | (word >> 8) & mask
      target.storeBytes(of: lanes.littleEndian, toByteOffset: 8 * (words - 1 - i), as: UInt64.self)
    }
  }

  /// Bit b of the index becomes byte b.
  private static let bytesOfBits: [UInt64] = (0..<256 as Range<UInt64>).map { bits in
    var bytes: UInt64 = 0
    for b in 0..<8 as Range<UInt64> { bytes |= (bits >> b & 1) << (8 * b) }
    return bytes
  }

  private static func unpackBits(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, turned: Bool) {
    bytesOfBits.withUnsafeBufferPointer { table in
      for i in 0..<chipWidth / 8 {
        // Within a word the last byte holds the first eight pixels.
        let byte = source.load(fromByteOffset: i ^ 7, as: UInt8.self)
        let pixels = table[Int(byte)]
        if turned {
          target.storeBytes(
            of: pixels.byteSwapped.littleEndian, toByteOffset: chipWidth - 8 - 8 * i, as: UInt64.self)
        } else {
          target.storeBytes(of: pixels.littleEndian, toByteOffset: 8 * i, as: UInt64.self)
        }
      }
    }
  }

  private static func join(
    upper: UnsafeRawPointer, lower: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, turned: Bool
  ) {
    for x in 0..<chipWidth {
      let lane = 2 * (x ^ 3)
      let high = UInt32(UInt16(bigEndian: upper.loadUnaligned(fromByteOffset: lane, as: UInt16.self)))
      let low = UInt32(UInt16(bigEndian: lower.loadUnaligned(fromByteOffset: lane, as: UInt16.self)))
      target.storeBytes(
        of: high << 12 | low, toByteOffset: 4 * (turned ? chipWidth - 1 - x : x), as: UInt32.self)
    }
  }
}
