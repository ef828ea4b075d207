import STEM

/// Positions of a scan as a job gives them.
public struct Region: NamedValue, Equatable {
  public static let example = "particle: {mask: labels.npy, label: 1}"

  public enum Form: Sendable, Equatable {
    /// Where an array is `label`, or not 0 where that is nil.
    case mask(path: String, label: Int?)
    /// above ≤ value < below.
    case map(path: String, above: Double?, below: Double?)
  }

  public var form: Form

  private static let number = ParameterForm.number(-Double.infinity...Double.infinity)
  private static let label = ParameterForm.integer(Int.min...Int.max)

  static let fields: [ParameterForm.Field] = [
    .init("mask", .file, "A .npy file or file.h5:/dataset, one value a position: labels, 0 for none."),
    .init("label", label, "Positions with this label; without it, all that are not 0."),
    .init("map", .file, "Instead of a mask: an array of the same form, a map of an earlier result for example."),
    .init("above", number, "Positions with above ≤ value of the map."),
    .init("below", number, "Positions with value of the map < below."),
  ]

  public init(_ setting: Setting, form: ParameterForm) throws {
    guard case .map(let items) = setting else {
      throw Problem(
        .badConfiguration,
        "'\(setting.text)' given; a region is a map: {mask: labels.npy, label: 1} or {map: result.h5:/…/bf, above: 100}"
      )
    }
    var fields = FieldReader(items)
    if fields.has("mask") || !fields.has("map") {
      let path = fields.required("mask", String.self, .file)
      let label = fields.optional("label", Int.self, Self.label)
      fields.allow(["mask", "label"], of: "a region of a mask")
      try fields.finish()
      self.form = .mask(path: path!, label: label)
    } else {
      let path = fields.required("map", String.self, .file)
      let above = fields.optional("above", Double.self, Self.number)
      let below = fields.optional("below", Double.self, Self.number)
      fields.allow(["map", "above", "below"], of: "a region of a map")
      try fields.finish()
      guard above != nil || below != nil else {
        throw Problem(.badConfiguration, "neither above nor below given; a region of a map needs one of them or both")
      }
      self.form = .map(path: path!, above: above, below: below)
    }
  }

  public var setting: Setting {
    switch form {
    case let .mask(path, label):
      return .map([("mask", .text(path))] + (label.map { [("label", .integer($0))] } ?? []))
    case let .map(path, above, below):
      let bounds: [(key: String, value: Setting)] =
        (above.map { [("above", .number($0))] } ?? []) + (below.map { [("below", .number($0))] } ?? [])
      return .map([("map", .text(path))] + bounds)
    }
  }

  var file: String {
    switch form {
    case .mask(let path, _), .map(let path, _, _): path
    }
  }

  /// Of each position whether it belongs. Throws `Problem`, also for a region without positions.
  func members(_ context: FrameContext) throws(Problem) -> [Bool] {
    let values = try values(context)
    let members: [Bool]
    switch form {
    case let .mask(_, label): members = values.map { label == nil ? $0 != 0 : $0 == Double(label!) }
    case let .map(_, above, below):
      // NaN is in no region.
      members = values.map { $0 >= above ?? -.infinity && $0 < below ?? .infinity }
    }
    guard members.contains(true) else { throw empty(values) }
    return members
  }

  private func values(_ context: FrameContext) throws(Problem) -> [Double] {
    let values = try context.scanValues(file)
    guard case .mask = form, let wrong = values.firstIndex(where: \.isNaN) else { return values }
    throw Problem(
      .badData, "\(file) is NaN at [\(wrong / context.scan.x), \(wrong % context.scan.x)]; only numbers are allowed")
  }

  private func empty(_ values: [Double]) -> Problem {
    let finite = values.filter(\.isFinite)
    let range = finite.isEmpty ? "no number" : "\(shortNumber(finite.min()!)) to \(shortNumber(finite.max()!))"
    return Problem(
      .badConfiguration, "no position belongs to it (\(file) holds \(range)); choose another label or other bounds")
  }
}
