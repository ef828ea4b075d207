/// The basic parameter types.

private func wrong(_ setting: Setting, _ allowed: String) -> Problem {
  Problem(.badConfiguration, "'\(setting.text)' given; \(allowed)")
}

extension Bool: ParameterType {
  public init(_ setting: Setting, form: ParameterForm) throws {
    guard case .bool(let value) = setting else { throw wrong(setting, "true or false is allowed") }
    self = value
  }
  public var setting: Setting { .bool(self) }
}

extension Int: ParameterType {
  public init(_ setting: Setting, form: ParameterForm) throws {
    guard case .integer(let range) = form else { preconditionFailure("form of an Int parameter") }
    let bounds =
      range.upperBound == Int.max ? "at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
    guard case .integer(let value) = setting, range.contains(value) else {
      throw wrong(setting, "a whole number \(bounds) is allowed")
    }
    self = value
  }
  public var setting: Setting { .integer(self) }
}

extension Double: ParameterType {
  public init(_ setting: Setting, form: ParameterForm) throws {
    guard case .number(let range) = form else { preconditionFailure("form of a Double parameter") }
    guard let value = setting.double, range.contains(value) else {
      if range == -Double.infinity...Double.infinity { throw wrong(setting, "a number is allowed") }
      let upper = range.upperBound.isFinite ? shortNumber(range.upperBound) : "∞"
      throw wrong(setting, "a number from \(shortNumber(range.lowerBound)) to \(upper) is allowed")
    }
    self = value
  }
  public var setting: Setting { .number(self) }
}

extension String: ParameterType {
  public init(_ setting: Setting, form: ParameterForm) throws {
    guard case .text(let value) = setting else { throw wrong(setting, "a text is allowed") }
    if case .choice(let choices) = form, !choices.contains(value) {
      let guess = nearest(value, among: choices).map { "; did you mean '\($0)'?" } ?? ""
      throw wrong(setting, "one of \(choices.joined(separator: ", ")) is allowed\(guess)")
    }
    self = value
  }
  public var setting: Setting { .text(self) }
}

/// One of a few words: an enumeration whose raw values are what a job may say.
public protocol ChoiceParameter: ParameterType, CaseIterable, RawRepresentable where RawValue == String {}

extension ChoiceParameter {
  /// In the order of the cases.
  public static var form: ParameterForm { .choice(allCases.map(\.rawValue)) }

  public init(_ setting: Setting, form: ParameterForm) throws {
    self = Self(rawValue: try String(setting, form: Self.form))!
  }

  public var setting: Setting { .text(rawValue) }
}

extension PixelType: ChoiceParameter {}
extension ByteOrder: ChoiceParameter {}
extension Scheduling: ChoiceParameter {}

extension Quantity: ParameterType {
  public init(_ setting: Setting, form: ParameterForm) throws {
    guard case .quantity(let units, let range) = form else { preconditionFailure("form of a Quantity parameter") }
    let names = units.map(\.rawValue).joined(separator: ", ")
    guard case .text(let text) = setting else {
      throw wrong(
        setting, "a value with its unit is allowed (\(names)), for example '\(setting.text) \(units[0].rawValue)'")
    }
    guard let value = Quantity(text), units.contains(value.unit) else {
      throw wrong(setting, "a number with one of the units \(names) is allowed, for example '10 \(units[0].rawValue)'")
    }
    guard range.contains(value.value) else {
      let upper = range.upperBound.isFinite ? " and at most \(shortNumber(range.upperBound))" : ""
      throw wrong(setting, "at least \(shortNumber(range.lowerBound))\(upper) is allowed")
    }
    self = value
  }
  public var setting: Setting { .text(description) }
}

extension Optional: ParameterType where Wrapped: ParameterType {
  public init(_ setting: Setting, form: ParameterForm) throws {
    self = setting == .null ? nil : try Wrapped(setting, form: form)
  }
  public var setting: Setting { self?.setting ?? .null }
}

extension Pair: ParameterType where Value: ParameterType {
  public init(_ setting: Setting, form: ParameterForm) throws {
    guard case .pair(let part) = form else { preconditionFailure("form of a Pair parameter") }
    guard case .list(let items) = setting, items.count == 2 else { throw wrong(setting, "a pair [y, x] is allowed") }
    self.init(try Value(items[0], form: part), try Value(items[1], form: part))
  }
  public var setting: Setting { .list([y.setting, x.setting]) }
}

extension Array: ParameterType where Element: ParameterType {
  public init(_ setting: Setting, form: ParameterForm) throws {
    guard case .list(let part) = form else { preconditionFailure("form of an Array parameter") }
    guard case .list(let items) = setting else {
      let example = if case .choice(let words) = part { words.prefix(2).joined(separator: ", ") } else { "2, 4" }
      throw wrong(setting, "a list is allowed, for example [\(example)]")
    }
    self = []
    var problems: [Problem] = []
    for (index, item) in items.enumerated() {
      problems += gather(at: "\(index)") { append(try Element(item, form: part)) }
    }
    try problems.throwIfAny()
  }
  public var setting: Setting { .list(map(\.setting)) }
}
