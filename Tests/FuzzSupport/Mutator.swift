/// Makes damaged files from good ones: mutant `index` of a seed is always the same.
public struct Mutator: Sendable {
  private let seeds: [[UInt8]]
  /// Places of each seed where headers begin: most changes fall near them.
  private let headers: [[Int]]
  private let keepsPlaces: Bool

  /// - Parameter keepsPlaces: seldom moves what lies behind a change: in a file full of addresses nothing would be
  ///   found any more
  public init(_ seeds: [[UInt8]], keepsPlaces: Bool = false) {
    precondition(!seeds.isEmpty)
    self.seeds = seeds
    self.keepsPlaces = keepsPlaces
    headers = seeds.map(Self.headers)
  }

  public func mutant(_ index: Int, seed: UInt64) -> [UInt8] {
    var random = FuzzRandom(seed: seed, index: index)
    let number = random.below(seeds.count)
    var bytes = seeds[number]
    // Mostly few changes: with many, nothing deep is reached.
    let changes = random.oneIn(4) ? 1 + random.below(16) : 1 + random.below(3)
    for _ in 0..<changes { change(&bytes, headers[number], &random) }
    return bytes
  }

  private static let signatures = [
    "TREE", "HEAP", "SNOD", "OHDR", "OCHK", "FRHP", "FHDB", "FHIB", "BTHD", "BTLF", "BTIN", "GCOL", "FAHD", "FADB",
    "EAHD", "EAIB", "EADB", "SMTB", "MQ1,", "{'de", "HDR,",
  ].map { Array($0.utf8) }

  private static func headers(_ bytes: [UInt8]) -> [Int] {
    var found = [0]
    let first = Set(signatures.map { $0[0] })
    for place in bytes.indices.dropLast(4) where first.contains(bytes[place]) {
      if signatures.contains(where: { bytes[place..<place + 4].elementsEqual($0) }) { found.append(place) }
      if found.count == 4096 { break }
    }
    return found
  }

  // MARK: - one change

  private func place(_ bytes: [UInt8], _ headers: [Int], _ random: inout FuzzRandom) -> Int {
    guard !bytes.isEmpty, !random.oneIn(8) else { return random.below(bytes.count) }
    let reach = random.oneIn(2) ? 64 : 600
    return min(bytes.count - 1, headers[random.below(headers.count)] + random.below(reach))
  }

  private func change(_ bytes: inout [UInt8], _ headers: [Int], _ random: inout FuzzRandom) {
    let place = place(bytes, headers, &random)
    guard place < bytes.count else { return bytes.append(UInt8(truncatingIfNeeded: random.next())) }
    let count = bytes.count
    defer { if keepsPlaces, bytes.count > count, !random.oneIn(16) { bytes.removeLast(bytes.count - count) } }
    var kind = random.below(14)
    if keepsPlaces, [7, 8, 9, 11, 12].contains(kind), !random.oneIn(16) { kind = random.below(7) }
    switch kind {
    case 0, 1: bytes[place] ^= 1 << UInt8(random.below(8))
    case 2, 3: bytes[place] = UInt8(truncatingIfNeeded: random.next())
    case 4, 5: overwrite(&bytes, place, number(&random))
    case 6: overwrite(&bytes, place, [UInt8](repeating: random.oneIn(2) ? 0xff : 0, count: 1 + random.below(16)))
    case 7: digits(&bytes, place, &random)
    case 8: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(random.oneIn(4) ? 64 : 4)))
    case 9:
      let from = self.place(bytes, headers, &random)
      bytes.insert(contentsOf: Array(bytes[from..<min(bytes.count, from + 1 + random.below(32))]), at: place)
    case 10:
      // A stretch of another file, or of another place of this one.
      let other = random.oneIn(2) ? bytes : seeds[random.below(seeds.count)]
      let from = random.below(other.count)
      overwrite(&bytes, place, Array(other[from..<min(other.count, from + 1 + random.below(64))]))
    case 11: bytes.insert(contentsOf: Self.words[random.below(Self.words.count)].utf8, at: place)
    case 12 where random.oneIn(3): bytes.removeSubrange(max(1, random.below(bytes.count))...)
    case 13 where random.oneIn(3): bytes += [UInt8](repeating: 0, count: 1 + random.below(4096))
    default: bytes[place] = bytes[place] &+ (random.oneIn(2) ? 1 : 0xff)
    }
    if bytes.isEmpty { bytes = [0] }
  }

  private func overwrite(_ bytes: inout [UInt8], _ place: Int, _ new: [UInt8]) {
    for (offset, byte) in new.enumerated() where place + offset < bytes.count { bytes[place + offset] = byte }
  }

  /// A number that sizes and addresses break on, of 1 to 8 bytes.
  private func number(_ random: inout FuzzRandom) -> [UInt8] {
    let values: [UInt64] = [
      0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000,
      0x3fff_ffff_ffff_ffff, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, .max, .max - 7, random.next() >> 20,
    ]
    let value = values[random.below(values.count)] &+ (random.oneIn(4) ? UInt64(random.below(16)) : 0)
    let little = (0..<[1, 2, 4, 8][random.below(4)]).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    return random.oneIn(4) ? little.reversed() : little
  }

  /// Another number in place of one that is written in digits.
  private func digits(_ bytes: inout [UInt8], _ place: Int, _ random: inout FuzzRandom) {
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    guard let start = bytes[place...].prefix(256).firstIndex(where: isDigit) else { return }
    let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
    bytes.replaceSubrange(start..<end, with: Self.numbers[random.below(Self.numbers.count)].utf8)
  }

  private static let numbers = [
    "0", "1", "-1", "2", "3", "7", "255", "256", "65535", "65536", "2147483647", "2147483648", "4294967295",
    "4294967296", "1099511627776", "4611686018427387904", "9223372036854775807", "9223372036854775808",
    "18446744073709551615", "18446744073709551616", "99999999999999999999999999", "1e308", "1e309", "-1e308", "1e-320",
    "0.1", ".nan", ".inf", "0x10", "1_000", "007",
  ]
  private static let words = [
    "*", "&a ", "*a", "!!str ", "<<: *a", "- ", ": ", "? ", "{", "}", "[", "]", "'", "\"", "\\", "|\n", ">\n",
    "\n", "\t",
    "---\n", "...\n", "#", "%YAML 1.2\n", "null", "true", "~", "px", " mrad", " keV", " Å", "é", "\u{0}", "\u{FEFF}",
    "\u{301}", "99999999999", ",", "(", ")", "L", "<f8", ">u2", "|O", "True", "../", "/", ":/", "U32", "R64", "2x2G",
    "MQ1A", "analyses", "roi", "\r", "\u{2028}",
  ]
}
