/// What is wrong with a header.
struct NpyHeaderError: Error {
  var text: String

  init(_ text: String) { self.text = text }
}

/// A value of the header's dictionary.
enum NpyHeaderValue: Equatable {
  case text(String)
  case flag(Bool)
  case numbers([Int])
  /// A list: the fields of a structured type, which we do not read.
  case list
}

/// Reads the Python literal of a `.npy` header, `{'descr': '<u2', 'fortran_order': False, 'shape': (4, 6, 80, 80), }`.
/// Supports only this subset of Python.
struct NpyHeaderParser {
  private let bytes: ArraySlice<UInt8>
  private var place: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    place = bytes.startIndex
  }

  /// All keys and values. Throws where the text is no such dictionary.
  mutating func dictionary() throws(NpyHeaderError) -> [String: NpyHeaderValue] {
    var values: [String: NpyHeaderValue] = [:]
    try expect("{")
    while !take("}") {
      let key = try string()
      try expect(":")
      guard values.updateValue(try value(), forKey: key) == nil else {
        throw NpyHeaderError("'\(key)' occurs twice")
      }
      if !take(",") {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard place == bytes.endIndex else { throw unexpected("the end of the header") }
    return values
  }

  private mutating func value() throws(NpyHeaderError) -> NpyHeaderValue {
    skipSpace()
    switch peek {
    case "'", "\"": return .text(try string())
    case "T", "F": return .flag(try flag())
    case "(": return .numbers(try tuple())
    case "[":
      try skipList()
      return .list
    default: throw unexpected("a text, True, False or a tuple")
    }
  }

  private var peek: Character? { place < bytes.endIndex ? Character(Unicode.Scalar(bytes[place])) : nil }

  private mutating func skipSpace() {
    while place < bytes.endIndex, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[place]) { place += 1 }
  }

  private mutating func take(_ character: Character) -> Bool {
    skipSpace()
    guard peek == character else { return false }
    place += 1
    return true
  }

  private mutating func expect(_ character: Character) throws(NpyHeaderError) {
    guard take(character) else { throw unexpected("'\(character)'") }
  }

  private func unexpected(_ wanted: String) -> NpyHeaderError {
    let offset = place - bytes.startIndex
    guard let found = peek else { return NpyHeaderError("ends after \(offset) characters; expected \(wanted)") }
    let shown = found.isASCII && !found.isNewline && found >= " " ? "'\(found)'" : "byte \(bytes[place])"
    return NpyHeaderError("\(shown) at character \(offset); expected \(wanted)")
  }

  private mutating func string() throws(NpyHeaderError) -> String {
    skipSpace()
    guard let quote = peek, quote == "'" || quote == "\"" else { throw unexpected("a text in quotes") }
    place += 1
    let start = place
    while let character = peek, character != quote {
      if character == "\\" { throw unexpected("no escapes") }
      place += 1
    }
    guard peek == quote else { throw unexpected("a closing quote") }
    defer { place += 1 }
    return String(decoding: bytes[start..<place], as: UTF8.self)
  }

  private mutating func flag() throws(NpyHeaderError) -> Bool {
    for (word, value) in [("True", true), ("False", false)] where bytes[place...].starts(with: word.utf8) {
      place += word.utf8.count
      return value
    }
    throw unexpected("True or False")
  }

  private mutating func tuple() throws(NpyHeaderError) -> [Int] {
    var numbers: [Int] = []
    try expect("(")
    while !take(")") {
      numbers.append(try number())
      guard numbers.count <= 64 else { throw NpyHeaderError("the shape has more than 64 dimensions") }
      if !take(",") {
        try expect(")")
        break
      }
    }
    return numbers
  }

  private mutating func number() throws(NpyHeaderError) -> Int {
    skipSpace()
    let start = place
    while place < bytes.endIndex, (0x30...0x39).contains(bytes[place]) { place += 1 }
    guard place > start else { throw unexpected("a number") }
    let text = String(decoding: bytes[start..<place], as: UTF8.self)
    guard let number = Int(text) else { throw NpyHeaderError("the dimension \(text.prefix(40)) is too large") }
    // Python 2 wrote long integers as 4L.
    if peek == "L" { place += 1 }
    return number
  }

  private mutating func skipList() throws(NpyHeaderError) {
    var depth = 0
    repeat {
      switch peek {
      case "[": depth += 1
      case "]": depth -= 1
      case "'", "\"":
        _ = try string()
        continue
      case nil: throw unexpected("']'")
      default: break
      }
      place += 1
    } while depth > 0
  }
}
