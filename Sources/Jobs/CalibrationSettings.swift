import STEM

// The values of the calibration section that are more than a quantity.

/// A pair, or one value that stands for both.
struct OneOrPair<Value: ParameterType>: ParameterType {
  var pair: Pair<Value>

  init(_ setting: Setting, form: ParameterForm) throws {
    guard case .pair(let part) = form else { preconditionFailure("form of a OneOrPair parameter") }
    if case .list = setting {
      pair = try Pair<Value>(setting, form: form)
    } else {
      let value = try Value(setting, form: part)
      pair = Pair(value, value)
    }
  }

  var setting: Setting { pair.setting }
}

/// A place on the detector along one axis; a bare number is in px.
struct DetectorCoordinate: ParameterType {
  var quantity: Quantity

  static let form = ParameterForm.quantity(
    [.pixel, .milliradian, .radian, .inverseAngstrom, .inverseNanometre], CalibrationSection.everyNumber)

  init(_ setting: Setting, form: ParameterForm) throws {
    quantity = try setting.double.map { Quantity($0, .pixel) } ?? Quantity(setting, form: form)
  }

  var setting: Setting { quantity.unit == .pixel ? .number(quantity.value) : quantity.setting }
}

/// The optical axis: a place, or fitted position by position.
enum CenterSetting: ParameterType {
  case place(Pair<DetectorCoordinate>)
  case fitted

  static let fittedWord = "fitted"

  init(_ setting: Setting, form: ParameterForm) throws {
    switch setting {
    case .text(Self.fittedWord): self = .fitted
    case .text:
      throw Problem(
        .badConfiguration,
        "'\(setting.text)' given; a pair [y, x] is allowed, or \(Self.fittedWord) to follow the analysis origin frame by "
          + "frame")
    default: self = .place(try Pair<DetectorCoordinate>(setting, form: form))
    }
  }

  var setting: Setting {
    switch self {
    case .place(let pair): pair.setting
    case .fitted: .text(Self.fittedWord)
    }
  }

  var isFitted: Bool { if case .fitted = self { true } else { false } }
}

/// The elliptical distortion: known, or to be fitted to a ring.
enum EllipseSetting: ParameterType {
  case given(Ellipse)
  case fitted(ring: Pair<Quantity>)

  static let mostRatio = 1.5
  private static let ratio = ParameterForm.number(1...mostRatio)
  private static let angle = ParameterForm.quantity([.degree, .radian], CalibrationSection.everyNumber)
  private static let radii = ParameterForm.pair(.quantity(lengthUnits))

  static let form = ParameterForm.object([
    .init("ratio", ratio, "Long over short axis of what should be a circle."),
    .init("angle", angle, "Of the long axis, counter-clockwise on screen from +x (right)."),
    .init("ring", radii, "Instead of both: [inner, outer] radius between which one ring lies."),
  ])

  init(_ setting: Setting, form: ParameterForm) throws {
    guard case .map(let items) = setting else {
      throw Problem(
        .badConfiguration,
        "'\(setting.text)' given; a map is allowed: {ratio: 1.03, angle: 20 deg} or {ring: [30 px, 40 px]}")
    }
    var fields = FieldReader(items)
    if fields.has("ring") {
      fields.allow(["ring"], of: "ellipse fitted to a ring")
      let ring = fields.required("ring", Pair<Quantity>.self, Self.radii)
      try fields.finish()
      guard let ring else { throw Problem(.internalError, "an ellipse without a ring") }
      guard ring.y.unit == ring.x.unit, ring.y.value < ring.x.value else {
        throw Problem(
          .badConfiguration, at: "ring",
          "[\(ring.y), \(ring.x)] given; the inner radius and a larger outer one in the same unit are allowed")
      }
      self = .fitted(ring: ring)
      return
    }
    fields.allow(["ratio", "angle", "ring"], of: "ellipse")
    let ratio = fields.required("ratio", Double.self, Self.ratio)
    let angle = fields.required("angle", Quantity.self, Self.angle)
    try fields.finish()
    guard let ratio, let angle else { throw Problem(.internalError, "an ellipse without an axis") }
    // Half a turn changes nothing.
    let turned = angle.base - (angle.base / .pi).rounded(.down) * .pi
    self = .given(Ellipse(ratio: ratio, angle: turned < .pi ? turned : 0))
  }

  var setting: Setting {
    switch self {
    case .given(let ellipse):
      .map([("ratio", .number(ellipse.ratio)), ("angle", Quantity(ellipse.angle, .radian).exactSetting)])
    case .fitted(let ring): .map([("ring", ring.setting)])
    }
  }

  var ring: Pair<Quantity>? { if case .fitted(let ring) = self { ring } else { nil } }
}
