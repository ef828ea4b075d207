/// What an output's array is.
public enum OutputKind: String, Sendable, Codable {
  /// One value a position.
  case map
  /// One value a detector pixel.
  case pattern
  /// One value a bin of `OutputDescription.axis`.
  case profile
  case perPositionProfile = "per_position_profile"
  case volume

  /// Whether a kernel fills it row by row, one a position.
  public var isPerPosition: Bool { self == .map || self == .perPositionProfile }
}

public enum ElementType: String, Sendable, Codable {
  case float32, float64

  public var size: Int { self == .float32 ? 4 : 8 }
}

/// The axis of a profile.
public struct OutputAxis: Sendable, Equatable {
  public var name: String
  public var unit: String
  public var values: [Double]

  public init(_ name: String, unit: String, values: [Double]) {
    self.name = name
    self.unit = unit
    self.values = values
  }
}

public struct OutputDescription: Sendable {
  public var name: String
  public var kind: OutputKind
  /// What is measured: `Intensity`, `Displacement`.
  public var quantity: String
  /// `px`, `mrad`, `counts`, `a.u.`; empty for none.
  public var unit: String
  public var summary: String
  public var element: ElementType
  /// For profiles.
  public var axis: OutputAxis?
  /// Whether zero is in the middle of the colour scale.
  public var signed: Bool
  /// Stored beside the dataset: radii in px and mrad, the number of pixels.
  public var attributes: [(key: String, value: Setting)] = []

  public init(
    _ name: String, _ kind: OutputKind, quantity: String, unit: String, element: ElementType = .float64,
    axis: OutputAxis? = nil, signed: Bool = false, _ summary: String
  ) {
    self.name = name
    self.kind = kind
    self.quantity = quantity
    self.unit = unit
    self.element = element
    self.axis = axis
    self.signed = signed
    self.summary = summary
  }

  /// The same output with these attributes behind those it has.
  public func with(_ more: [(key: String, value: Setting)]) -> OutputDescription {
    var result = self
    result.attributes += more
    return result
  }
}
