import Foundation

/// A PNG file read the slow way, from the specification alone: chunks with their checksums, inflate, filters.
struct PNGReader {
  struct Damaged: Error { var reason: String }

  private(set) var width = 0
  private(set) var height = 0
  private(set) var texts: [String: String] = [:]
  /// RGB, row-major.
  private(set) var pixels: [UInt8] = []

  init(_ path: String) throws {
    let file = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    guard Array(file.prefix(8)) == [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10] else { throw Damaged(reason: "signature") }
    var (place, stream, ended) = (8, [UInt8](), false)
    while place + 12 <= file.count, !ended {
      let size = number(file, place)
      let body = Array(file[place + 8..<place + 8 + size])
      guard checksum(Array(file[place + 4..<place + 8 + size])) == number(file, place + 8 + size) else {
        throw Damaged(reason: "checksum")
      }
      switch String(decoding: file[place + 4..<place + 8], as: UTF8.self) {
      case "IHDR":
        (width, height) = (number(body, 0), number(body, 4))
        guard Array(body[8...]) == [8, 2, 0, 0, 0] else { throw Damaged(reason: "not 8-bit RGB") }
      case "IDAT": stream += body
      case "iTXt":
        let key = body.prefix { $0 != 0 }
        // Key, 0, two flags, empty language, 0, empty translation, 0, text.
        texts[String(decoding: key, as: UTF8.self)] = String(decoding: body[(key.count + 5)...], as: UTF8.self)
      case "IEND": ended = true
      default: break
      }
      place += 12 + size
    }
    guard ended else { throw Damaged(reason: "no end") }
    var inflater = Inflater(Array(stream.dropFirst(2)))
    try unfilter(inflater.inflate())
  }

  func color(_ x: Int, _ y: Int) -> [UInt8] { Array(pixels[(y * width + x) * 3..<(y * width + x) * 3 + 3]) }

  private mutating func unfilter(_ raw: [UInt8]) throws {
    let row = width * 3
    guard raw.count == height * (row + 1) else { throw Damaged(reason: "\(raw.count) bytes of pixels") }
    pixels = [UInt8](repeating: 0, count: height * row)
    for y in 0..<height {
      for x in 0..<row {
        let left = x >= 3 ? Int(pixels[y * row + x - 3]) : 0
        let up = y > 0 ? Int(pixels[(y - 1) * row + x]) : 0
        let corner = x >= 3 && y > 0 ? Int(pixels[(y - 1) * row + x - 3]) : 0
        let estimate = left + up - corner
        let (a, b, c) = (abs(estimate - left), abs(estimate - up), abs(estimate - corner))
        let paeth = a <= b && a <= c ? left : b <= c ? up : corner
        let prediction = [0, left, up, (left + up) / 2, paeth][Int(raw[y * (row + 1)])]
        pixels[y * row + x] = raw[y * (row + 1) + 1 + x] &+ UInt8(prediction)
      }
    }
  }
}

private func number(_ bytes: [UInt8], _ place: Int) -> Int { bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }

/// CRC-32, bit by bit.
private func checksum(_ bytes: [UInt8]) -> Int {
  var rest: UInt32 = 0xFFFF_FFFF
  for byte in bytes {
    rest ^= UInt32(byte)
    for _ in 0..<8 { rest = rest & 1 == 1 ? rest >> 1 ^ 0xEDB8_8320 : rest >> 1 }
  }
  return Int(~rest)
}

/// RFC 1951.
private struct Inflater {
  private let input: [UInt8]
  private var bit = 0
  private var output: [UInt8] = []

  init(_ input: [UInt8]) { self.input = input }

  private mutating func bits(_ count: Int) -> Int {
    var value = 0
    for place in 0..<count {
      value |= Int(input[bit >> 3] >> (bit & 7) & 1) << place
      bit += 1
    }
    return value
  }

  mutating func inflate() throws -> [UInt8] {
    var isLast = false
    while !isLast {
      isLast = bits(1) == 1
      switch bits(2) {
      case 0: copyStored()
      case 1: try decode(fixedLengths, Array(repeating: 5, count: 30))
      case 2:
        let (literals, distances) = try readTables()
        try decode(literals, distances)
      default: throw PNGReader.Damaged(reason: "block type")
      }
    }
    return output
  }

  private var fixedLengths: [Int] {
    (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }
  }

  private mutating func copyStored() {
    bit = (bit + 7) / 8 * 8
    let count = bits(16)
    _ = bits(16)
    for _ in 0..<count { output.append(UInt8(bits(8))) }
  }

  private mutating func readTables() throws -> ([Int], [Int]) {
    let (literals, distances, codes) = (bits(5) + 257, bits(5) + 1, bits(4) + 4)
    var lengths = [Int](repeating: 0, count: 19)
    for place in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15].prefix(codes) {
      lengths[place] = bits(3)
    }
    let table = codeTable(lengths)
    var all: [Int] = []
    while all.count < literals + distances {
      let symbol = try symbol(table)
      switch symbol {
      case 16: all += Array(repeating: all.last!, count: 3 + bits(2))
      case 17: all += Array(repeating: 0, count: 3 + bits(3))
      case 18: all += Array(repeating: 0, count: 11 + bits(7))
      default: all.append(symbol)
      }
    }
    return (Array(all[..<literals]), Array(all[literals...]))
  }

  /// (length, code) → symbol
  private func codeTable(_ lengths: [Int]) -> [Int: Int] {
    var (table, code) = ([Int: Int](), 0)
    for length in 1...15 {
      code <<= 1
      for (symbol, own) in lengths.enumerated() where own == length {
        table[length << 16 | code] = symbol
        code += 1
      }
    }
    return table
  }

  private mutating func symbol(_ table: [Int: Int]) throws -> Int {
    var code = 0
    for length in 1...15 {
      code = code << 1 | bits(1)
      if let symbol = table[length << 16 | code] { return symbol }
    }
    throw PNGReader.Damaged(reason: "code")
  }

  private mutating func decode(_ literalLengths: [Int], _ distanceLengths: [Int]) throws {
    let (literals, distances) = (codeTable(literalLengths), codeTable(distanceLengths))
    while true {
      let symbol = try symbol(literals)
      if symbol < 256 {
        output.append(UInt8(symbol))
      } else if symbol == 256 {
        return
      } else {
        let length = extended(symbol - 257, step: 4, first: 3, exception: 28)
        let distance = extended(try self.symbol(distances), step: 2, first: 1, exception: nil)
        for _ in 0..<length { output.append(output[output.count - distance]) }
      }
    }
  }

  /// The base values of RFC 1951, 3.2.5: `step` symbols for each count of extra bits, twice as many without.
  private mutating func extended(_ symbol: Int, step: Int, first: Int, exception: Int?) -> Int {
    if symbol == exception { return 258 }
    if symbol < 2 * step { return first + symbol }
    let extra = symbol / step - 1
    return first + (step + symbol % step) * (1 << extra) + bits(extra)
  }
}
