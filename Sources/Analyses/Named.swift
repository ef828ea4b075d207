import STEM

/// What a job gives several of, each with a name.
public protocol NamedValue: ParameterType {
  /// One with its name, for messages: `bf: {preset: bf}`.
  static var example: String { get }
}

/// Values by the names that a job gives them, in its order.
public struct Named<Value: NamedValue>: ParameterType, Equatable {
  public var list: [(name: String, value: Value)]

  public init(_ list: [(name: String, value: Value)] = []) { self.list = list }

  public init(_ setting: Setting, form: ParameterForm) throws {
    guard case .named(let part) = form else { preconditionFailure("form of a Named parameter") }
    guard case .map(let items) = setting, !items.isEmpty else {
      throw Problem(
        .badConfiguration, "'\(setting.text)' given; at least one name is needed, for example {\(Value.example)}")
    }
    var problems: [Problem] = []
    list = []
    for item in items {
      if let problem = unusableName(item.key, taken: list.map(\.name)) {
        problems.append(problem)
      } else {
        problems += gather(at: item.key) { list.append((item.key, try Value(item.value, form: part))) }
      }
    }
    try problems.throwIfAny()
  }

  public var setting: Setting { .map(list.map { ($0.name, $0.value.setting) }) }

  public static func == (a: Named, b: Named) -> Bool { a.setting == b.setting }
}

/// Why no output can be called so; nil when it can.
func unusableName(_ name: String, taken: [String]) -> Problem? {
  let isName =
    name.first.map { $0.isASCII && $0.isLetter } == true
    && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
  if !isName {
    return Problem(
      .badConfiguration, at: name, "not a name; a letter, then letters, digits and _ are allowed")
  }
  if ["completed_positions", "bad_frames"].contains(name) {
    return Problem(.badConfiguration, at: name, "the results group has a dataset of this name; choose another")
  }
  return taken.contains(name)
    ? Problem(.badConfiguration, at: name, "given twice; every one needs its own name") : nil
}

/// Refuses outputs that would have the same name: `a` with `a_b_sum` and `a_b` with `a_b_sum`.
func requireDistinct(_ outputs: [OutputDescription], at place: String) throws(Problem) {
  var seen: Set<String> = []
  for output in outputs where !seen.insert(output.name).inserted {
    throw Problem(.badConfiguration, at: place, "two outputs would be called \(output.name); choose other names")
  }
}
