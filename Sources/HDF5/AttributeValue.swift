/// What an attribute says. Numbers are widened; arrays of more dimensions are flattened, slow first.
public enum AttributeValue: Sendable, Equatable {
  case int(Int)
  case double(Double)
  case string(String)
  case bool(Bool)
  case ints([Int])
  case doubles([Double])
  case strings([String])
  case bools([Bool])
  /// The path of the object referred to; empty where it no longer exists.
  case reference(String)
  case references([String])
  /// No element at all.
  case empty
  /// A type that is named but not read here.
  case other(ElementType)

  /// A single number.
  public var double: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    case .ints(let values) where values.count == 1: Double(values[0])
    case .doubles(let values) where values.count == 1: values[0]
    default: nil
    }
  }

  /// A single whole number.
  public var int: Int? {
    switch self {
    case .int(let value): value
    case .ints(let values) where values.count == 1: values[0]
    case .bool(let value): value ? 1 : 0
    default: double.flatMap { Int(exactly: $0) }
    }
  }

  /// A single text.
  public var string: String? {
    switch self {
    case .string(let value): value
    case .strings(let values) where values.count == 1: values[0]
    default: nil
    }
  }

  /// Texts; a single one is a list of one.
  public var strings: [String]? {
    switch self {
    case .string(let value): [value]
    case .strings(let values): values
    default: nil
    }
  }

  /// Numbers; a single one is a list of one.
  public var doubles: [Double]? {
    switch self {
    case .int(let value): [Double(value)]
    case .double(let value): [value]
    case .ints(let values): values.map { Double($0) }
    case .doubles(let values): values
    default: nil
    }
  }

  /// Yes or no; numbers count as yes unless 0.
  public var bool: Bool? {
    switch self {
    case .bool(let value): value
    case .bools(let values) where values.count == 1: values[0]
    default: int.map { $0 != 0 }
    }
  }

  /// The path of the single object referred to.
  public var reference: String? {
    switch self {
    case .reference(let path): path
    case .references(let paths) where paths.count == 1: paths[0]
    default: nil
    }
  }
}
