import STEM

// Settings as text that reads back as the same settings, every number exact.

extension Setting {
  /// As block YAML, ending with a newline; `self` is a map.
  var yaml: String {
    guard case .map(let items) = self else { return yamlFlow + "\n" }
    return Self.block(items, indentation: "", depth: 0).joined(separator: "\n") + "\n"
  }

  /// On one line, as in `--set`.
  var yamlFlow: String {
    switch self {
    case .null: "null"
    case .bool(let value): String(value)
    case .integer(let value): String(value)
    case .number(let value): exactNumber(value)
    case .text(let value): quoted(value)
    case .list(let items): "[" + items.map(\.yamlFlow).joined(separator: ", ") + "]"
    case .map(let items):
      "{" + items.map { "\(quoted($0.key)): \($0.value.yamlFlow)" }.joined(separator: ", ") + "}"
    }
  }

  private static func block(_ items: [(key: String, value: Setting)], indentation: String, depth: Int) -> [String] {
    items.flatMap { item -> [String] in
      let head = "\(indentation)\(quoted(item.key)):"
      switch item.value {
      case .map(let inner) where !inner.isEmpty && (depth < 1 || inner.contains { $0.value.isMap }):
        return [head] + block(inner, indentation: indentation + "  ", depth: depth + 1)
      case .list(let entries) where entries.contains(where: \.isMap):
        return [head] + entries.flatMap { list(entry: $0, indentation: indentation + "  ", depth: depth + 1) }
      default:
        return ["\(head) \(item.value.yamlFlow)"]
      }
    }
  }

  private static func list(entry: Setting, indentation: String, depth: Int) -> [String] {
    guard case .map(let items) = entry, !items.isEmpty else { return ["\(indentation)- \(entry.yamlFlow)"] }
    let lines = block(items, indentation: indentation + "  ", depth: depth)
    return ["\(indentation)- \(lines[0].dropFirst(indentation.count + 2))"] + lines.dropFirst()
  }

  private var isMap: Bool { if case .map = self { true } else { false } }

  /// As JSON, two spaces for each level, keys in their order.
  func json(indentation: String = "") -> String {
    let inner = indentation + "  "
    switch self {
    case .null, .bool, .integer: return text
    case .number(let value): return exactNumber(value)
    case .text(let value): return jsonQuoted(value)
    case .list(let items):
      let texts = items.map { $0.json(indentation: inner) }
      let line = "[" + texts.joined(separator: ", ") + "]"
      return line.count < 100 && !line.contains("\n")
        ? line : "[\n" + texts.map { inner + $0 }.joined(separator: ",\n") + "\n\(indentation)]"
    case .map(let items):
      guard !items.isEmpty else { return "{}" }
      let lines = items.map { "\(inner)\(jsonQuoted($0.key)): \($0.value.json(indentation: inner))" }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(indentation)}"
    }
  }

  /// `self`, with quantities as exact as the user gave them: encoding rounds them for messages.
  func precise(_ given: Setting?) -> Setting {
    guard let given else { return self }
    switch (self, given) {
    case (.text(let rounded), .text(let text)):
      guard let exact = Quantity(text), Quantity(rounded)?.unit == exact.unit else { return self }
      return exact.exactSetting
    case (.list(let items), .list(let givenItems)) where items.count == givenItems.count:
      return .list(zip(items, givenItems).map { $0.precise($1) })
    case (.list(let items), .text):
      return .list(items.map { $0.precise(given) })
    case (.map(let items), .map):
      return .map(items.map { ($0.key, $0.value.precise(given[$0.key])) })
    default:
      return self
    }
  }

  /// Where a text occurs below this setting.
  func path(of wanted: String) -> String? {
    func search(_ items: [(String, Setting)]) -> String? {
      for (key, value) in items {
        if value == .text(wanted) { return key }
        if let inner = value.path(of: wanted) { return join(key, inner) }
      }
      return nil
    }
    switch self {
    case .list(let items): return search(items.enumerated().map { (String($0.offset), $0.element) })
    case .map(let items): return search(items.map { ($0.key, $0.value) })
    default: return nil
    }
  }
}

extension Quantity {
  /// With every digit; `description` keeps six.
  var exactSetting: Setting { .text("\(exactNumber(value)) \(unit.rawValue)") }
}

/// The shortest text that reads back as the same number.
func exactNumber(_ value: Double) -> String {
  value == value.rounded() && value.magnitude < 0x1p53 ? String(Int(value)) : String(value)
}

/// Plain where that reads back as the same text everywhere in YAML, else in double quotes.
private func quoted(_ text: String) -> String {
  func isPlain(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || "_./+-°⁻".contains(character)
  }
  let starts = text.first.map { $0.isLetter || $0.isNumber || "_./".contains($0) } ?? false
  let words = text.split(separator: " ", omittingEmptySubsequences: false)
  let plain = starts && words.allSatisfy { !$0.isEmpty && $0.allSatisfy(isPlain) } && plainScalar(text) == .text(text)
  return plain ? text : jsonQuoted(text)
}

/// In double quotes with the escapes that JSON and YAML share.
private func jsonQuoted(_ text: String) -> String {
  var quoted = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": quoted += "\\\""
    case "\\": quoted += "\\\\"
    case "\n": quoted += "\\n"
    case "\t": quoted += "\\t"
    case "\r": quoted += "\\r"
    case _
    where scalar.value < 0x20 || scalar.value == 0x7F || (0x80...0xA0).contains(scalar.value)
      || [0x2028, 0x2029, 0xFEFF].contains(scalar.value):
      let hex = String(scalar.value, radix: 16, uppercase: true)
      quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
    default: quoted.unicodeScalars.append(scalar)
    }
  }
  return quoted + "\""
}
