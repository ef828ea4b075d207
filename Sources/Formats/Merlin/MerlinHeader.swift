import STEM

/// The header before every frame of a Merlin `.mib` file:
/// `MQ1,000001,00384,01,0256,0256,U08,   1x1,01,2021-05-07 18:51:10.905800,0.100000,0,0,0,…,MQ1A,…,100000000ns,6,`.
struct MerlinHeader: Sendable, Equatable, Codable {
  enum Pixels: String, CaseIterable, Codable { case u08 = "U08", u16 = "U16", u32 = "U32", raw = "R64" }

  var bytes: Int
  var chips: Int
  /// As stored: RAW files of four chips say 1024 × 256.
  var width: Int
  var height: Int
  var pixels: Pixels
  /// `1x1`, `2x2`, `2x2G` (with gap pixels).
  var layout: String
  var time: String?
  /// Exposure [s], as written.
  var exposure: String?
  var counter: String?
  var colorMode: String?
  /// 1, 6, 12 or 24; nil where the header ends before it (firmware without the MQ1A part).
  var depth: Int?

  static let magic = Array("MQ1,".utf8)

  /// What makes frames alike: everything that decides where pixels lie.
  func matches(_ other: MerlinHeader) -> Bool {
    bytes == other.bytes && width == other.width && height == other.height && pixels == other.pixels
      && layout == other.layout && (depth == nil || other.depth == nil || depth == other.depth)
  }

  var text: String { "\(bytes)-byte header, \(width) × \(height) \(pixels.rawValue), \(layout)" }

  /// Throws `MerlinHeaderError`. `text` may be longer than the header.
  init(_ text: some Collection<UInt8>) throws(MerlinHeaderError) {
    let fields = Self.fields(text)
    guard fields.first == "MQ1" else { throw MerlinHeaderError("does not start with MQ1") }
    guard fields.count > 7 else { throw MerlinHeaderError("has \(fields.count) fields, needs at least 8") }
    func number(_ index: Int, _ name: String, _ range: ClosedRange<Int>) throws(MerlinHeaderError) -> Int {
      guard let value = Int(fields[index]), range.contains(value) else {
        throw MerlinHeaderError(
          "\(name) is '\(fields[index].prefix(20))'; expected \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
    bytes = try number(2, "the header size", 64...65_536)
    chips = try number(3, "the number of chips", 1...256)
    width = try number(4, "the width", 1...65_536)
    height = try number(5, "the height", 1...65_536)
    guard let pixels = Pixels(rawValue: fields[6].uppercased()) else {
      let known = Pixels.allCases.map(\.rawValue).joined(separator: ", ")
      throw MerlinHeaderError("the pixel type is '\(fields[6].prefix(20))'; known are \(known)")
    }
    self.pixels = pixels
    layout = fields[7].uppercased().replacing("X", with: "x")
    let more = fields.prefix { $0 != "MQ1A" }
    time = more.count > 9 ? more[9] : nil
    exposure = more.count > 10 ? more[10] : nil
    counter = more.count > 11 ? more[11] : nil
    colorMode = more.count > 12 ? more[12] : nil
    if let extended = fields.firstIndex(of: "MQ1A"), extended + 3 < fields.count { depth = Int(fields[extended + 3]) }
    if let depth, ![1, 6, 12, 24].contains(depth) {
      throw MerlinHeaderError("the counter depth is \(depth); known are 1, 6, 12 and 24 bit")
    }
  }

  private static func fields(_ text: some Collection<UInt8>) -> [String] {
    text.prefix { $0 != 0 }.split(separator: UInt8(ascii: ","), maxSplits: 400, omittingEmptySubsequences: false).map {
      field in
      var field = field
      while field.first == 0x20 { field = field.dropFirst() }
      while field.last == 0x20 { field = field.dropLast() }
      return String(decoding: field, as: UTF8.self)
    }
  }
}

struct MerlinHeaderError: Error {
  var text: String

  init(_ text: String) { self.text = text }
}
