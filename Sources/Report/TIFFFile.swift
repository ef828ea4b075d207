import Foundation
import STEM

extension ResultArray {
  /// Uncompressed 32-bit floats in one strip, little endian (TIFF 6.0), rows × columns; ImageJ reads the scale.
  func writeTIFF(to path: String) throws(Problem) {
    let plane = plane
    let bytes = plane.values.count * 4
    guard bytes < 4_000_000_000 else {
      throw Problem(
        .usage, at: path, "\(bytes) bytes of pixels; TIFF holds less than 4 GB; export to .npy instead")
    }
    let text = "ImageJ=1.54f\nunit=\(imageJUnit)\n\0"
    let description = Array(text.utf8) + (text.utf8.count % 2 == 0 ? [] : [0])
    let scale = axes.suffix(2).map { $0.step.map { 1 / $0 } ?? 1 }
    let (perY, perX) = (scale.first ?? 1, scale.last ?? 1)
    var directory = TIFFDirectory(entryCount: 13)
    directory.add(256, long: plane.width)
    directory.add(257, long: plane.height)
    directory.add(258, short: 32)
    directory.add(259, short: 1)
    directory.add(262, short: 1)
    directory.add(270, ascii: description)
    // Two fractions follow the description.
    directory.add(273, long: directory.dataStart(after: description.count + 16))
    directory.add(277, short: 1)
    directory.add(278, long: plane.height)
    directory.add(279, long: bytes)
    directory.add(282, ratio: perX)
    directory.add(283, ratio: perY)
    directory.add(339, short: 3)
    try ByteSink.write(path) { sink in
      try sink.append(directory.bytes)
      try sink.append(plane.values, as: .float32)
    }
  }

  /// ASCII, as ImageJ spells units.
  private var imageJUnit: String {
    guard let axis = axes.last, axis.step != nil else { return "pixel" }
    switch axis.unit {
    case "", "px": return "pixel"
    case "Å": return "angstrom"
    case "Å⁻¹", "1/Å": return "1/angstrom"
    case "nm⁻¹": return "1/nm"
    case "µm": return "um"
    default: return axis.unit.filter(\.isASCII)
    }
  }
}

/// The head of a TIFF file: header, one directory, the values that do not fit its entries.
private struct TIFFDirectory {
  private let entryCount: Int
  private var entries: [UInt8] = []
  private var overflow: [UInt8] = []

  init(entryCount: Int) { self.entryCount = entryCount }

  private var overflowStart: Int { 8 + 2 + 12 * entryCount + 4 }

  /// Where pixels begin when so many bytes overflow.
  func dataStart(after overflowing: Int) -> Int { (overflowStart + overflowing + 15) / 16 * 16 }

  mutating func add(_ tag: UInt16, short value: Int) { add(tag, type: 3, count: 1, UInt32(value).littleEndianBytes) }
  mutating func add(_ tag: UInt16, long value: Int) { add(tag, type: 4, count: 1, UInt32(value).littleEndianBytes) }

  /// `text` ends with a zero byte and has an even count: values begin at even places.
  mutating func add(_ tag: UInt16, ascii text: [UInt8]) { addFar(tag, type: 2, count: text.count, text) }

  /// A positive number as a fraction of two 32-bit numbers.
  mutating func add(_ tag: UInt16, ratio value: Double) {
    let denominator = min(1_000_000, max(1, (4e9 / value).rounded(.down)))
    let numerator = max(0, min(4_294_967_295, (value * denominator).rounded()))
    addFar(tag, type: 5, count: 1, UInt32(numerator).littleEndianBytes + UInt32(denominator).littleEndianBytes)
  }

  private mutating func addFar(_ tag: UInt16, type: UInt16, count: Int, _ bytes: [UInt8]) {
    add(tag, type: type, count: count, UInt32(overflowStart + overflow.count).littleEndianBytes)
    overflow += bytes
  }

  private mutating func add(_ tag: UInt16, type: UInt16, count: Int, _ value: [UInt8]) {
    entries += tag.littleEndianBytes + type.littleEndianBytes + UInt32(count).littleEndianBytes + value
  }

  /// Everything before the pixels.
  var bytes: [UInt8] {
    let head = Array("II*\0".utf8) + UInt32(8).littleEndianBytes + UInt16(entryCount).littleEndianBytes + entries
    let all = head + UInt32(0).littleEndianBytes + overflow
    return all + [UInt8](repeating: 0, count: (all.count + 15) / 16 * 16 - all.count)
  }
}
