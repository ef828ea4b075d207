import Foundation
import STEM

/// Element types of a `.npy` file that we read.
enum NpyElement: Equatable {
  case bool
  case pixel(PixelType)
  /// NumPy's usual integers: in arrays of labels and masks, never from a detector.
  case int64, uint64

  static let allowed = "u1 u2 u4 i1 i2 i4 f4 f8 b1, little or big endian"

  /// Booleans are read as u8: 0 and 1. nil for what frames do not have.
  var pixelType: PixelType? {
    switch self {
    case .bool: .u8
    case .pixel(let type): type
    case .int64, .uint64: nil
    }
  }

  var size: Int { pixelType?.size ?? 8 }
}

/// The header of a `.npy` file, after NEP 1 (format versions 1, 2 and 3). Nothing in it is trusted: sizes are computed
/// with overflow checks and compared with the file's.
struct NpyHeader: Equatable {
  var element: NpyElement
  var byteOrder: ByteOrder
  var fortranOrder: Bool
  var shape: [Int]
  /// First byte of the array.
  var dataOffset: Int

  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  static let mostHeaderBytes = 1 << 20

  var count: Int { shape.reduce(1, *) }
  var shapeText: String { "(" + shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? ",)" : ")") }

  /// Reads and checks the header of a file. Throws `Problem`.
  static func read(_ probe: FileProbe) throws -> NpyHeader {
    let path = probe.path
    let prefix = try prefix(probe)
    let end = prefix.bytes + prefix.header
    guard prefix.header <= mostHeaderBytes, end <= probe.size else {
      throw Problem(
        .badData, at: path,
        "the npy header announces \(prefix.header) bytes, the file has \(probe.size); copy the file again")
    }
    var bytes = Array(probe.head.prefix(end))
    if bytes.count < end {
      guard let file = FileHandle(forReadingAtPath: path), let data = try? file.read(upToCount: end), data.count == end
      else { throw Problem(.inputOutput, at: path, "the npy header (\(end) bytes) cannot be read") }
      bytes = Array(data)
    }
    do throws(NpyHeaderError) {
      var parser = NpyHeaderParser(bytes[prefix.bytes...])
      return try NpyHeader(parser.dictionary(), dataOffset: end)
    } catch {
      throw Problem(.badData, at: path, "npy header: \(error.text)")
    }
  }

  /// Bytes before the header, and those of the header.
  private static func prefix(_ probe: FileProbe) throws -> (bytes: Int, header: Int) {
    let head = probe.head
    guard head.starts(with: magic) else {
      throw Problem(.badData, at: probe.path, "is no npy file: it does not start with \\x93NUMPY")
    }
    guard head.count >= 12 else {
      throw Problem(.badData, at: probe.path, "the file ends inside the npy header (\(probe.size) bytes)")
    }
    switch head[6] {
    case 1: return (10, Int(head[8]) | Int(head[9]) << 8)
    case 2, 3: return (12, Int(head[8]) | Int(head[9]) << 8 | Int(head[10]) << 16 | Int(head[11]) << 24)
    default:
      throw Problem(
        .badData, at: probe.path, "npy version \(head[6]).\(head[7]) is unknown; known are 1.0, 2.0 and 3.0")
    }
  }

  init(_ values: [String: NpyHeaderValue], dataOffset: Int) throws(NpyHeaderError) {
    self.dataOffset = dataOffset
    guard case .text(let type) = values["descr"] else {
      let structured = values["descr"] == .list
      throw NpyHeaderError(
        structured
          ? "the array has fields (a structured dtype); allowed are \(NpyElement.allowed); save one field"
          : "'descr' is missing or no text")
    }
    guard case .flag(let fortran) = values["fortran_order"] else {
      throw NpyHeaderError("'fortran_order' is missing or neither True nor False")
    }
    guard case .numbers(let shape) = values["shape"] else { throw NpyHeaderError("'shape' is missing or no tuple") }
    fortranOrder = fortran
    self.shape = shape
    (element, byteOrder) = try Self.element(type)
  }

  private static func element(_ type: String) throws(NpyHeaderError) -> (NpyElement, ByteOrder) {
    var name = Substring(type)
    var order = ByteOrder.little
    if let first = name.first, "<>|=".contains(first) {
      if first == ">" { order = .big }
      name = name.dropFirst()
    }
    let known: [Substring: NpyElement] = [
      "b1": .bool, "?": .bool, "u1": .pixel(.u8), "u2": .pixel(.u16), "u4": .pixel(.u32), "i1": .pixel(.i8),
      "i2": .pixel(.i16), "i4": .pixel(.i32), "f4": .pixel(.f32), "f8": .pixel(.f64), "i8": .int64, "u8": .uint64,
    ]
    guard let element = known[name] else {
      let shown = String(type.prefix(40))
      throw NpyHeaderError(
        "elements of type '\(shown)' cannot be read; allowed are \(NpyElement.allowed); convert the array")
    }
    return (element, order)
  }

  /// The byte behind the array, or nil where the shape does not fit 64 bits.
  var end: Int? {
    var bytes = element.size
    for length in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: length)
      if overflow { return nil }
      bytes = product
    }
    let (end, overflow) = bytes.addingReportingOverflow(dataOffset)
    return overflow ? nil : end
  }
}
