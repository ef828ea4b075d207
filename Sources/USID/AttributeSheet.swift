import HDF5
import STEM

/// The attributes of one object, in order, each key once.
struct AttributeSheet {
  private(set) var items: [(key: String, value: Setting)] = []
  private var rooms: [String: Int] = [:]
  private var reserved: Set<String>

  /// - Parameter reserved: keys that the caller writes by other means.
  init(reserved: Set<String> = []) { self.reserved = reserved }

  /// Adds items. A key that is taken by another value gets `prefix` and an underscore in front: nothing is lost, and
  /// nothing overwrites what the file model needs.
  mutating func add(_ more: [(key: String, value: Setting)], prefix: String) {
    for item in more { append(item.key, item.value, prefix) }
  }

  /// Adds items that can be overwritten in place later. Returns the keys as stored, with the capacity of texts.
  mutating func addPending(_ more: [(key: String, value: Setting)], prefix: String) -> [ResultPlaces.Pending] {
    more.map { item in
      var room = 0
      if case .text(let text) = item.value { room = max(64, text.utf8.count) }
      let key = append(item.key, item.value, prefix) ?? item.key
      if room > 0 { rooms[key] = room }
      return ResultPlaces.Pending(key: key, room: room)
    }
  }

  /// The key under which the value stands now; nil where the same was there already.
  @discardableResult
  private mutating func append(_ key: String, _ value: Setting, _ prefix: String) -> String? {
    if items.contains(where: { $0.key == key && $0.value == value }) { return nil }
    var name = key
    while reserved.contains(name) || items.contains(where: { $0.key == name }) { name = "\(prefix)_\(name)" }
    items.append((name, value))
    return name
  }

  func write<Object: HDF5Object & ~Copyable>(to object: borrowing Object) throws {
    for (key, value) in items {
      if let room = rooms[key], case .text(let text) = value {
        try object.setAttribute(key, text, length: room)
      } else {
        try object.setAttribute(key, value.attribute)
      }
    }
  }
}

extension Setting {
  /// Longer lists do not fit into an object's header and become text.
  private static let longestList = 4000

  /// How it is stored: numbers, texts, flags and lists of one kind as such, everything else as one line of YAML.
  var attribute: AttributeValue {
    switch self {
    case .bool(let value): return .bool(value)
    case .integer(let value): return .int(value)
    case .number(let value): return .double(value)
    case .text(let value): return .string(value)
    case .null, .map: return .string(text)
    case .list(let items):
      guard !items.isEmpty, items.count <= Self.longestList else { return .string(text) }
      let integers = items.compactMap { if case .integer(let value) = $0 { value } else { nil } }
      if integers.count == items.count { return .ints(integers) }
      let numbers = items.compactMap { item in
        switch item {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
      }
      if numbers.count == items.count { return .doubles(numbers) }
      let texts = items.compactMap { if case .text(let value) = $0 { value } else { nil } }
      return texts.count == items.count ? .strings(texts) : .string(text)
    }
  }

  /// What an attribute says; nil for types that a setting cannot hold.
  init?(_ value: AttributeValue) {
    switch value {
    case .int(let value): self = .integer(value)
    case .double(let value): self = .number(value)
    case .string(let value): self = .text(value)
    case .bool(let value): self = .bool(value)
    case .ints(let values): self = .list(values.map { .integer($0) })
    case .doubles(let values): self = .list(values.map { .number($0) })
    case .strings(let values): self = .list(values.map { .text($0) })
    case .bools(let values): self = .list(values.map { .bool($0) })
    case .reference(let path): self = .text(path)
    case .references(let paths): self = .list(paths.map { .text($0) })
    case .empty: self = .null
    case .other: return nil
    }
  }
}
