/// What an output's array is, in a word. It follows from rows and columns, except for tables.
public enum OutputKind: String, Sendable, Codable {
  /// One value a position.
  case map
  /// One value a detector pixel.
  case pattern
  /// One value a step of one axis.
  case profile
  case perPositionProfile = "per_position_profile"
  /// One value a point of two axes of its own, such as an object.
  case image
  /// One value alone.
  case value
  /// More dimensions: scan × detector, component × detector, mode × two axes.
  case volume
  /// See `OutputTable`.
  case table
}

/// What the rows of an output's dataset stand for.
public enum OutputRows: Sendable, Equatable {
  /// One row a scan position.
  case scan
  /// One row for everything.
  case single
  /// Own dimensions, slow first.
  case axes([OutputAxis])
}

/// What the columns of an output's dataset stand for.
public enum OutputColumns: Sendable, Equatable {
  case single
  /// One column a detector pixel.
  case detector
  /// Own dimensions, slow first; empty where they are not known before the scan is.
  case axes([OutputAxis])
}

/// One array that an analysis gives: a dataset of rows × columns, in which both sides have named dimensions.
public struct OutputDescription: Sendable {
  public var name: String
  public internal(set) var kind: OutputKind
  public var rows: OutputRows
  public var columns: OutputColumns
  /// What is measured: `Intensity`, `Displacement`.
  public var quantity: String
  /// `px`, `mrad`, `counts`, `a.u.`; empty for none.
  public var unit: String
  public var summary: String
  public var element: ElementType
  /// Whether zero is in the middle of the color scale.
  public var signed: Bool
  /// Whether the numbers are names of classes and not amounts.
  public var categorical: Bool
  /// Stored beside the dataset: radii in px and mrad, the number of pixels.
  public var attributes: [(key: String, value: Setting)] = []

  public init(
    _ name: String, rows: OutputRows, columns: OutputColumns, quantity: String, unit: String,
    element: ElementType = .float64, signed: Bool = false, categorical: Bool = false, _ summary: String
  ) {
    self.name = name
    kind = OutputKind(rows, columns)
    self.rows = rows
    self.columns = columns
    self.quantity = quantity
    self.unit = unit
    self.element = element
    self.signed = signed
    self.categorical = categorical
    self.summary = summary
  }

  /// The usual kinds. `axis`: of a profile, nil where it is not known yet. A `volume` is scan × detector, an `image`
  /// and a `table` need their dimensions and are not made here.
  public init(
    _ name: String, _ kind: OutputKind, quantity: String, unit: String, element: ElementType = .float64,
    axis: OutputAxis? = nil, signed: Bool = false, categorical: Bool = false, _ summary: String
  ) {
    let own = OutputColumns.axes(axis.map { [$0] } ?? [])
    let (rows, columns): (OutputRows, OutputColumns) =
      switch kind {
      case .map: (.scan, .single)
      case .pattern: (.single, .detector)
      case .profile: (.single, own)
      case .perPositionProfile: (.scan, own)
      case .value: (.single, .single)
      case .volume: (.scan, .detector)
      case .image, .table: preconditionFailure("an output of kind \(kind.rawValue) is described by its dimensions")
      }
    self.init(
      name, rows: rows, columns: columns, quantity: quantity, unit: unit, element: element, signed: signed,
      categorical: categorical, summary)
  }

  /// Whether a row belongs to a scan position, so that it is there as soon as the frame has been seen.
  public var isPerPosition: Bool { rows == .scan }

  /// The axis of a profile.
  public var axis: OutputAxis? {
    if case .axes(let axes) = columns, axes.count == 1 { axes[0] } else { nil }
  }

  public func rowCount(scan: Shape) -> Int {
    switch rows {
    case .scan: scan.count
    case .single: 1
    case .axes(let axes): axes.reduce(1) { $0 * $1.values.count }
    }
  }

  public func columnCount(detector: Shape) -> Int {
    switch columns {
    case .single: 1
    case .detector: detector.count
    case .axes(let axes): axes.reduce(1) { $0 * $1.values.count }
    }
  }

  /// The same output with these attributes behind those it has.
  public func with(_ more: [(key: String, value: Setting)]) -> OutputDescription {
    var result = self
    result.attributes += more
    return result
  }
}

extension OutputKind {
  init(_ rows: OutputRows, _ columns: OutputColumns) {
    switch (rows, columns) {
    case (.scan, .single): self = .map
    case (.single, .detector): self = .pattern
    case (.single, .single): self = .value
    case (.scan, .axes(let axes)) where axes.count < 2: self = .perPositionProfile
    case (.single, .axes(let axes)), (.axes(let axes), .single): self = OutputKind(ownDimensions: axes.count)
    case (.axes(let rows), .axes(let columns)) where rows.count + columns.count == 2: self = .image
    default: self = .volume
    }
  }

  private init(ownDimensions: Int) {
    switch ownDimensions {
    case 0, 1: self = .profile
    case 2: self = .image
    default: self = .volume
    }
  }
}
