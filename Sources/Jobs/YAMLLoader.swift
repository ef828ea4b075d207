import Foundation
import STEM
import Yams

/// YAML text → `Setting`, noting lines. Stricter than YAML: no anchors, aliases, tags, duplicate keys or several
/// documents, and only `true` and `false` are booleans.
struct YAMLLoader {
  let name: String
  private(set) var lines: [String: Int] = [:]

  private static let deepest = 16
  private static let mostNodes = 100_000
  private static let longestKey = 100
  /// Stands for `*` while the text is parsed. An alias then is a plain scalar with a known first character, and
  /// nothing is ever expanded: not in values, and not in keys, which the parser hashes.
  private static let star: Unicode.Scalar = "\u{E000}"

  init(name: String) { self.name = name }

  mutating func load(_ text: String) throws(Problem) -> Setting {
    guard text.utf8.count <= JobDocument.mostBytes else {
      throw refusal("\(text.utf8.count) bytes; a job file has at most 1 MiB; put arrays into files of their own")
    }
    var text = text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
    guard !text.unicodeScalars.contains(Self.star) else {
      throw refusal("the character U+E000 given; private-use characters are not allowed; remove it")
    }
    text = replacing("*", by: Self.star, in: text)
    do {
      // The resolver's regular expressions take milliseconds, and values are resolved here.
      let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
      guard let node = try parser.singleRoot() else { return .null }
      // The parser owns the anchors; nodes refer to them weakly.
      return try withExtendedLifetime(parser) { try setting(node, path: "", depth: 0) }
    } catch let problem as Problem {
      throw problem
    } catch let error as YamlError {
      throw refusal(error, in: text)
    } catch {
      throw refusal("\(error)")
    }
  }

  private mutating func setting(_ node: Node, path: String, depth: Int) throws(Problem) -> Setting {
    let mark = node.mark
    guard depth <= Self.deepest, lines.count <= Self.mostNodes else {
      throw refusal(mark, "nested deeper than \(Self.deepest) levels or more than \(Self.mostNodes) values")
    }
    if node.hasAnchor {
      throw refusal(mark, "an anchor ('&') given; anchors and aliases are not allowed; write the values out")
    }
    switch node {
    case .scalar(let scalar):
      return try self.scalar(scalar)
    case .sequence(let sequence):
      try refuseTag(sequence.tag, mark)
      var items: [Setting] = []
      for (index, item) in sequence.enumerated() {
        let place = join(path, String(index))
        lines[place] = item.mark?.line
        items.append(try setting(item, path: place, depth: depth + 1))
      }
      return .list(items)
    case .mapping(let mapping):
      return try map(mapping, path: path, depth: depth)
    case .alias:
      throw refusal(mark, "an alias ('*') given; anchors and aliases are not allowed; write the values out")
    }
  }

  private mutating func map(_ mapping: Node.Mapping, path: String, depth: Int) throws(Problem) -> Setting {
    try refuseTag(mapping.tag, mapping.mark)
    var items: [(key: String, value: Setting)] = []
    var seen: Set<String> = []
    for (keyNode, valueNode) in mapping {
      guard case .scalar(let scalar) = keyNode else {
        throw refusal(keyNode.mark, "a key that is a list or a map; keys are plain words")
      }
      let key = try keyText(scalar)
      guard seen.insert(key).inserted else { throw duplicate([key], scalar.mark) }
      let place = join(path, key)
      lines[place] = scalar.mark?.line
      items.append((key, try setting(valueNode, path: place, depth: depth + 1)))
    }
    return .map(items)
  }

  /// The text of a key as written: `y`, `no` and `1` are words here.
  private func keyText(_ scalar: Node.Scalar) throws(Problem) -> String {
    try refuseAlias(scalar)
    guard scalar.anchor == nil else {
      throw refusal(scalar.mark, "an anchor ('&') given; anchors and aliases are not allowed; write the values out")
    }
    let key = restored(scalar.string)
    guard !key.isEmpty, key.count <= Self.longestKey, !key.contains(where: \.isNewline) else {
      throw refusal(scalar.mark, "a key with \(key.count) characters; 1 to \(Self.longestKey) on one line are allowed")
    }
    return key
  }

  private func scalar(_ scalar: Node.Scalar) throws(Problem) -> Setting {
    // Quotes imply the text tag.
    if scalar.style == .plain || scalar.tag.description != Tag.Name.str.rawValue {
      try refuseTag(scalar.tag, scalar.mark)
    }
    try refuseAlias(scalar)
    let text = restored(scalar.string)
    guard scalar.style == .plain else { return .text(text) }
    guard let setting = plainScalar(text) else {
      throw refusal(scalar.mark, "'\(text)' given; a finite number is allowed")
    }
    return setting
  }

  private func restored(_ text: String) -> String {
    replacing(Self.star, by: "*", in: text)
  }
}

/// By Unicode scalar: a combining mark behind the scalar must not hide it.
private func replacing(_ old: Unicode.Scalar, by new: Unicode.Scalar, in text: String) -> String {
  guard text.unicodeScalars.contains(old) else { return text }
  return String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == old ? new : $0 }))
}

// MARK: Refusals

extension YAMLLoader {
  private func refuseAlias(_ scalar: Node.Scalar) throws(Problem) {
    guard scalar.style == .plain, scalar.string.unicodeScalars.first == Self.star else { return }
    throw refusal(
      scalar.mark,
      "the alias '\(restored(scalar.string))' given; anchors and aliases are not allowed; write the values out, or put "
        + "quotes around a text that starts with '*'")
  }

  private func refuseTag(_ tag: Tag, _ mark: Mark?) throws(Problem) {
    // Implicit tags have an empty name until somebody resolves them, which nothing here does for values.
    guard !tag.description.isEmpty else { return }
    throw refusal(mark, "the tag '\(tag)' given; tags are not allowed; remove it")
  }

  private func duplicate(_ keys: [String], _ mark: Mark?) -> Problem {
    refusal(mark, "the key '\(keys.joined(separator: "', '"))' is given more than once; keep one of them")
  }

  private func refusal(_ message: String) -> Problem { Problem(.badConfiguration, at: name, message) }

  private func refusal(_ mark: Mark?, _ message: String) -> Problem {
    Problem(.badConfiguration, at: mark.map { "\(name):\($0.line):\($0.column)" } ?? name, message)
  }

  private func refusal(_ error: YamlError, in text: String) -> Problem {
    switch error {
    case .composer(_, _, let mark, _):
      // Aliases do not reach the parser, so this is its only complaint of the kind.
      return refusal(mark, "a second document begins; a job file holds one; remove the line '---'")
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
      let line =
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).dropFirst(mark.line - 1).first ?? ""
      let hint = line.prefix { $0.isWhitespace }.contains("\t") ? "; indent with spaces, not tabs" : ""
      let place = context.map { " (\(restored($0.text)) that begins in line \($0.mark.line))" } ?? ""
      return refusal(mark, "this is not YAML: \(restored(problem))\(place)\(hint)")
    case .duplicatedKeysInMapping(let keys, let context):
      return duplicate(keys.map(restored), context.mark)
    case .reader(let problem, let offset, _, _):
      let before = text.prefix(offset ?? 0)
      let line = before.reduce(1) { $0 + ($1.isNewline ? 1 : 0) }
      let column = before.reversed().prefix { !$0.isNewline }.count + 1
      return Problem(.badConfiguration, at: "\(name):\(line):\(column)", "this is not YAML: \(problem)")
    default:
      return refusal("this is not YAML: \(error)")
    }
  }
}

extension Node {
  fileprivate var hasAnchor: Bool {
    switch self {
    case .scalar(let scalar): scalar.anchor != nil
    case .sequence(let sequence): sequence.anchor != nil
    case .mapping(let mapping): mapping.anchor != nil
    case .alias: true
    }
  }
}

/// A plain scalar of YAML 1.2's core schema, decimal only: `no` and `on` are texts, `1e3` is 1000, `012` is 12.
/// Returns nil for a number that is not finite.
func plainScalar(_ text: String) -> Setting? {
  switch text {
  case "", "~", "null": return .null
  case "true": return .bool(true)
  case "false": return .bool(false)
  case ".inf", "+.inf", "-.inf", ".nan", ".Inf", "-.Inf", ".NaN", ".NAN", ".INF", "-.INF": return nil
  default: break
  }
  guard isDecimal(text.utf8) else { return .text(text) }
  if let integer = Int(text) { return .integer(integer) }
  guard let number = Double(text.hasSuffix(".") ? text + "0" : text), number.isFinite else { return nil }
  // 64.0 and 1e3 are whole numbers for whoever asks for one.
  return number.magnitude < 0x1p53 && number == number.rounded() ? .integer(Int(number)) : .number(number)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, which as a regular expression takes a millisecond.
private func isDecimal(_ text: String.UTF8View) -> Bool {
  var rest = text[...]
  func take(_ wanted: String.UTF8View) -> Bool {
    guard let first = rest.first, wanted.contains(first) else { return false }
    rest.removeFirst()
    return true
  }
  func digits() -> Int {
    let before = rest.count
    while take("0123456789".utf8) {}
    return before - rest.count
  }
  _ = take("+-".utf8)
  let whole = digits()
  let fraction = take(".".utf8) ? digits() : 0
  guard whole + fraction > 0 else { return false }
  if take("eE".utf8) {
    _ = take("+-".utf8)
    if digits() == 0 { return false }
  }
  return rest.isEmpty
}
