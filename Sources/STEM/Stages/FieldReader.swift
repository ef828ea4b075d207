/// Reads the keys of one map and collects every problem.
public struct FieldReader {
  private let items: [(key: String, value: Setting)]
  private var problems: [Problem] = []

  public init(_ items: [(key: String, value: Setting)]) { self.items = items }

  public func has(_ key: String) -> Bool { items.contains { $0.key == key } }

  /// nil when the key is missing or its value is wrong.
  public mutating func optional<Value: ParameterType>(_ key: String, _: Value.Type, _ form: ParameterForm) -> Value? {
    guard let item = items.first(where: { $0.key == key }) else { return nil }
    var value: Value?
    problems += gather(at: key) { value = try Value(item.value, form: form) }
    return value
  }

  public mutating func required<Value: ParameterType>(_ key: String, _ type: Value.Type, _ form: ParameterForm)
    -> Value?
  {
    guard has(key) else {
      problems.append(Problem(.badConfiguration, at: key, "missing; it must be given"))
      return nil
    }
    return optional(key, type, form)
  }

  /// Every other key is a problem.
  public mutating func allow(_ keys: [String], of owner: String) {
    for item in items where !keys.contains(item.key) {
      var problem = unknownKey(item.key, allowed: keys)
      problem.message += " (\(owner))"
      problems.append(problem)
    }
  }

  public func finish() throws(Problems) { try problems.throwIfAny() }
}

/// The problems that `body` throws, placed at `place`.
public func gather(at place: String, _ body: () throws -> Void) -> [Problem] {
  do {
    try body()
    return []
  } catch let problem as Problem {
    return [problem.inside(place)]
  } catch let several as Problems {
    return several.list.map { $0.inside(place) }
  } catch {
    return [Problem(.internalError, at: place, "\(error)")]
  }
}
