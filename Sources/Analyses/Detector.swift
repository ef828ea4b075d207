import Kernels
import STEM

/// One virtual detector as a job gives it.
public struct Detector: Sendable, Equatable {
  public enum Preset: String, Sendable, CaseIterable { case bf, abf, adf, haadf }

  public enum Form: Sendable, Equatable {
    /// Around the optical axis, in units of the convergence semi-angle.
    case preset(Preset)
    case disk(radius: Quantity)
    case annulus(inner: Quantity, outer: Quantity)
    case segment(inner: Quantity, outer: Quantity, start: Quantity, end: Quantity)
    case rectangle(height: Quantity, width: Quantity)
    case point
    case mask(path: String)
  }

  public var form: Form
  /// The middle of the shape [px]; nil: the optical axis.
  public var center: Pair<Double>?

  public init(_ form: Form, center: Pair<Double>? = nil) {
    self.form = form
    self.center = center
  }

  /// Whether the detector is centered on the optical axis.
  var needsAxis: Bool {
    if case .mask = form { return false }
    return center == nil
  }

  var isPreset: Bool {
    if case .preset = form { return true }
    return false
  }

  var file: String? {
    if case .mask(let path) = form { return path }
    return nil
  }
}

// MARK: - Job files

private let angleUnits: [Unit] = [.degree, .radian, .milliradian]

extension Detector: NamedValue {
  public static let example = "bf: {preset: bf}"

  static let shapes = ["disk", "annulus", "segment", "rectangle", "point", "mask"]
  private static let length = ParameterForm.quantity(lengthUnits)
  private static let angle = ParameterForm.quantity(angleUnits, -1e6...1e6)
  private static let position = ParameterForm.pair(.number(-1e6...1e6))

  static let fields: [ParameterForm.Field] = [
    .init("preset", .choice(Preset.allCases.map(\.rawValue)), "bf 0–α, abf α/2–α, adf 1–2α, haadf 2α–detector edge"),
    .init("shape", .choice(shapes), "Shape, where no preset is given."),
    .init("radius", length, "Disk: r < radius."),
    .init("inner_radius", length, "Annulus and segment: inner_radius ≤ r."),
    .init("outer_radius", length, "Annulus and segment: r < outer_radius."),
    .init("start_angle", angle, "Segment: counter-clockwise from +x on screen; 0–90 deg is the upper right."),
    .init("end_angle", angle, "Segment: start_angle ≤ φ < end_angle; may pass 360 deg."),
    .init("height", length, "Rectangle: −height/2 ≤ y − center < height/2."),
    .init("width", length, "Rectangle: −width/2 ≤ x − center < width/2."),
    .init("center", position, "Middle [y, x] of the shape in px, the point itself; default: the optical axis."),
    .init("path", .file, "Mask: a .npy file or file.h5:/dataset, one weight per detector pixel."),
  ]

  /// The keys of each shape; all but `center` must be given (`inner_radius` is 0 by default).
  private static let keys: [String: [String]] = [
    "disk": ["radius"], "annulus": ["inner_radius", "outer_radius"],
    "segment": ["inner_radius", "outer_radius", "start_angle", "end_angle"], "rectangle": ["height", "width"],
    "point": [], "mask": ["path"],
  ]

  public init(_ setting: Setting, form: ParameterForm) throws {
    guard case .map(let items) = setting else {
      throw Problem(
        .badConfiguration,
        "'\(setting.text)' given; a detector is a map: {preset: bf} or {shape: disk, radius: 10 mrad}")
    }
    var fields = FieldReader(items)
    let preset = fields.optional("preset", String.self, .choice(Preset.allCases.map(\.rawValue)))
    if let preset {
      fields.allow(["preset"], of: "preset \(preset)")
      try fields.finish()
      self.init(.preset(Preset(rawValue: preset)!))
      return
    }
    if fields.has("preset") { try fields.finish() }
    guard let shape = fields.required("shape", String.self, .choice(Self.shapes)), let keys = Self.keys[shape] else {
      try fields.finish()
      throw Problem(.badConfiguration, at: "shape", "missing; preset or shape is needed")
    }
    fields.allow(["shape"] + keys + (shape == "mask" ? [] : ["center"]), of: "shape \(shape)")
    let form = Self.form(shape, &fields)
    let center = fields.optional("center", Pair<Double>.self, Self.position)
    try fields.finish()
    self.init(form!, center: center)
  }

  /// nil only when `fields` has collected a problem.
  private static func form(_ shape: String, _ fields: inout FieldReader) -> Form? {
    let zero = Quantity(0, .pixel)
    switch shape {
    case "disk": return fields.required("radius", Quantity.self, length).map { .disk(radius: $0) }
    case "annulus":
      let inner = fields.optional("inner_radius", Quantity.self, length) ?? zero
      return fields.required("outer_radius", Quantity.self, length).map { .annulus(inner: inner, outer: $0) }
    case "segment":
      let inner = fields.optional("inner_radius", Quantity.self, length) ?? zero
      let outer = fields.required("outer_radius", Quantity.self, length)
      let start = fields.required("start_angle", Quantity.self, angle)
      let end = fields.required("end_angle", Quantity.self, angle)
      guard let outer, let start, let end else { return nil }
      return .segment(inner: inner, outer: outer, start: start, end: end)
    case "rectangle":
      let height = fields.required("height", Quantity.self, length)
      let width = fields.required("width", Quantity.self, length)
      guard let height, let width else { return nil }
      return .rectangle(height: height, width: width)
    case "point": return .point
    default: return fields.required("path", String.self, .file).map { .mask(path: $0) }
    }
  }

  public var setting: Setting {
    var items: [(key: String, value: Setting)]
    switch form {
    case .preset(let preset): items = [("preset", .text(preset.rawValue))]
    case .disk(let radius): items = [("shape", .text("disk")), ("radius", radius.setting)]
    case let .annulus(inner, outer):
      items = [("shape", .text("annulus")), ("inner_radius", inner.setting), ("outer_radius", outer.setting)]
    case let .segment(inner, outer, start, end):
      items = [("shape", .text("segment")), ("inner_radius", inner.setting), ("outer_radius", outer.setting)]
      items += [("start_angle", start.setting), ("end_angle", end.setting)]
    case let .rectangle(height, width):
      items = [("shape", .text("rectangle")), ("height", height.setting), ("width", width.setting)]
    case .point: items = [("shape", .text("point"))]
    case .mask(let path): items = [("shape", .text("mask")), ("path", .text(path))]
    }
    if let center { items.append(("center", center.setting)) }
    return .map(items)
  }
}
