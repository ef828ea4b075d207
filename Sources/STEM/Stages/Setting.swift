/// A value of a job file, free of YAML: what analyses decode their parameters from.
public indirect enum Setting: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case list([Setting])
  /// In the order of the file.
  case map([(key: String, value: Setting)])

  public static func == (a: Setting, b: Setting) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case let (.bool(x), .bool(y)): x == y
    case let (.integer(x), .integer(y)): x == y
    case let (.number(x), .number(y)): x == y
    case let (.text(x), .text(y)): x == y
    case let (.list(x), .list(y)): x == y
    case let (.map(x), .map(y)): x.map(\.key) == y.map(\.key) && x.map(\.value) == y.map(\.value)
    default: false
    }
  }

  /// As one would write it in a job file, on one line.
  public var text: String {
    switch self {
    case .null: "null"
    case .bool(let value): String(value)
    case .integer(let value): String(value)
    case .number(let value): shortNumber(value)
    case .text(let value): value
    case .list(let items): "[" + items.map(\.text).joined(separator: ", ") + "]"
    case .map(let items): "{" + items.map { "\($0.key): \($0.value.text)" }.joined(separator: ", ") + "}"
    }
  }

  /// The finite number of `.integer` and `.number`.
  public var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value) where value.isFinite: value
    default: nil
    }
  }

  public subscript(key: String) -> Setting? {
    guard case .map(let items) = self else { return nil }
    return items.first { $0.key == key }?.value
  }
}

extension Setting: Hashable {
  public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

/// Coded as one entry named after the kind of the value, so that 5 and 5.0 stay what they are. Numbers must be finite.
extension Setting: Codable {
  private enum Kind: String, CodingKey { case null, bool, integer, number, text, list, keys, values }

  public init(from decoder: any Decoder) throws {
    let coded = try decoder.container(keyedBy: Kind.self)
    switch coded.allKeys.first {
    case .bool: self = .bool(try coded.decode(Bool.self, forKey: .bool))
    case .integer: self = .integer(try coded.decode(Int.self, forKey: .integer))
    case .number: self = .number(try coded.decode(Double.self, forKey: .number))
    case .text: self = .text(try coded.decode(String.self, forKey: .text))
    case .list: self = .list(try coded.decode([Setting].self, forKey: .list))
    case .keys, .values:
      let keys = try coded.decode([String].self, forKey: .keys)
      self = .map(Array(zip(keys, try coded.decode([Setting].self, forKey: .values))))
    case .null, nil: self = .null
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var coded = encoder.container(keyedBy: Kind.self)
    switch self {
    case .null: try coded.encodeNil(forKey: .null)
    case .bool(let value): try coded.encode(value, forKey: .bool)
    case .integer(let value): try coded.encode(value, forKey: .integer)
    case .number(let value): try coded.encode(value, forKey: .number)
    case .text(let value): try coded.encode(value, forKey: .text)
    case .list(let items): try coded.encode(items, forKey: .list)
    case .map(let items):
      try coded.encode(items.map(\.key), forKey: .keys)
      try coded.encode(items.map(\.value), forKey: .values)
    }
  }
}

/// The form of a parameter: feeds decoding, `explain`, the JSON schema and the docs.
public indirect enum ParameterForm: Sendable {
  case flag
  case integer(ClosedRange<Int>)
  /// One of these.
  case integers([Int])
  case number(ClosedRange<Double>)
  case text
  case choice([String])
  /// A number with one of these units, `12 mrad`.
  case quantity([Unit], ClosedRange<Double> = 0...Double.infinity)
  /// A path to an array file; `Jobs` loads it.
  case file
  case pair(ParameterForm)
  /// Any number of values of the form.
  case list(ParameterForm)
  case object([Field])
  /// Names chosen by the user, each with a value of the form.
  case named(ParameterForm)

  public struct Field: Sendable {
    public var name: String
    public var form: ParameterForm
    public var required: Bool
    public var summary: String

    public init(_ name: String, _ form: ParameterForm, required: Bool = false, _ summary: String) {
      self.name = name
      self.form = form
      self.required = required
      self.summary = summary
    }
  }
}

/// A type that a parameter can have. Conformances live beside the types; `Parameters.swift` has the basic ones.
public protocol ParameterType: Sendable {
  /// Throws `Problem` (code `.badConfiguration`, place relative to the value).
  init(_ setting: Setting, form: ParameterForm) throws
  /// The value as a job file would give it.
  var setting: Setting { get }
}

/// One parameter of `Owner`.
public struct Parameter<Owner>: Sendable {
  public let name: String
  public let form: ParameterForm
  public let required: Bool
  public let summary: String
  public let decode: @Sendable (Setting, inout Owner) throws -> Void
  public let encode: @Sendable (Owner) -> Setting

  public init<Value: ParameterType>(
    _ name: String, _ path: WritableKeyPath<Owner, Value> & Sendable, _ form: ParameterForm, required: Bool = false,
    _ summary: String
  ) {
    self.name = name
    self.form = form
    self.required = required
    self.summary = summary
    decode = { setting, owner in owner[keyPath: path] = try Value(setting, form: form) }
    encode = { $0[keyPath: path].setting }
  }

  /// A parameter that the owner keeps in a way of its own. `decode` throws `Problem` or `Problems`, places relative to the
  /// value.
  public init(
    _ name: String, _ form: ParameterForm, required: Bool = false, _ summary: String,
    decode: @escaping @Sendable (Setting, inout Owner) throws -> Void, encode: @escaping @Sendable (Owner) -> Setting
  ) {
    self.name = name
    self.form = form
    self.required = required
    self.summary = summary
    self.decode = decode
    self.encode = encode
  }
}
