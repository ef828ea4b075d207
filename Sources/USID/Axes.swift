import STEM

/// One dimension of a Main dataset.
struct Axis: Equatable {
  var name: String
  var unit: String
  var values: [Double]
}

/// The dimensions of one side of a Main dataset, fastest first, as the specification orders them.
struct AxisSet: Equatable {
  enum Side { case position, spectroscopic }

  var side: Side
  /// Of the ancillary datasets: `Position` → `Position_Indices`, `Position_Values`.
  var base: String
  var axes: [Axis]

  var count: Int { axes.reduce(1) { $0 * $1.values.count } }

  init(_ side: Side, _ base: String, _ axes: [Axis]) {
    self.side = side
    self.base = base
    // pyUSID takes a table that is not longer than wide for its transpose: one or two points get one dimension.
    let points = axes.reduce(1) { $0 * $1.values.count }
    let longest = axes.max { $0.values.count < $1.values.count } ?? axes[0]
    self.axes = points <= axes.count ? [longest] : axes
  }

  /// One position, for what belongs to the scan as a whole.
  static let singlePosition = AxisSet(.position, "Single_Position", [Axis(name: "arb", unit: "a.u.", values: [0])])
  /// One value, for maps.
  static let singleValue = AxisSet(.spectroscopic, "Single_Value", [Axis(name: "arb", unit: "a.u.", values: [0])])

  /// One value at a single position: both sides have a dimension, and pyUSID needs different names.
  static let singleNumber = AxisSet(
    .spectroscopic, "Single_Number", [Axis(name: "arb_value", unit: "a.u.", values: [0])])

  /// X and Y; Å from the first position where the step is known, otherwise px.
  static func scan(_ shape: Shape, _ calibration: Calibration) -> AxisSet {
    let step = calibration.scanStep?.value
    let unit = step == nil ? Unit.pixel : .angstrom
    return AxisSet(
      .position, "Position",
      [
        Axis(name: "X", unit: unit.rawValue, values: (0..<shape.x).map { Double($0) * (step?.x ?? 1) }),
        Axis(name: "Y", unit: unit.rawValue, values: (0..<shape.y).map { Double($0) * (step?.y ?? 1) }),
      ])
  }

  /// Qx and Qy; mrad or Å⁻¹ from the center where the pixel's size is known, otherwise the pixel's number.
  static func detector(_ shape: Shape, _ calibration: Calibration) -> AxisSet {
    let middle = Pair(Double(shape.y - 1) / 2, Double(shape.x - 1) / 2)
    let center = calibration.center?.value ?? middle
    var unit = Unit.pixel
    var size = Pair(1.0, 1.0)
    var zero = Pair(0.0, 0.0)
    if let angle = calibration.pixelAngle {
      (unit, size, zero) = (.milliradian, Pair(angle.y * 1e3, angle.x * 1e3), center)
    } else if let reciprocal = calibration.pixelReciprocal {
      (unit, size, zero) = (.inverseAngstrom, reciprocal, center)
    }
    return AxisSet(
      .spectroscopic, "Spectroscopic",
      [
        Axis(name: "Qx", unit: unit.rawValue, values: (0..<shape.x).map { (Double($0) - zero.x) * size.x }),
        Axis(name: "Qy", unit: unit.rawValue, values: (0..<shape.y).map { (Double($0) - zero.y) * size.y }),
      ])
  }

  /// Dimensions that an output has of its own, slow first.
  static func own(_ side: Side, _ axes: [OutputAxis]) -> AxisSet {
    let names = axes.map { String($0.name.map { $0.isLetter || $0.isNumber ? $0 : "_" }) }
    return AxisSet(
      side, (side == .position ? "Position_" : "Profile_") + names.joined(separator: "_"),
      axes.reversed().map { Axis(name: $0.name, unit: $0.unit, values: $0.values) })
  }
}

/// The two sides of the outputs of one run.
struct RunAxes {
  let scan: AxisSet
  let detector: AxisSet

  init(scan: Shape, detector: Shape, calibration: Calibration) {
    self.scan = .scan(scan, calibration)
    self.detector = .detector(detector, calibration)
  }

  /// Throws `Problem` for a description that no dataset can have.
  func axes(of output: OutputDescription) throws(Problem) -> (position: AxisSet, spectroscopic: AxisSet) {
    let position: AxisSet =
      switch output.rows {
      case .scan: scan
      case .single: .singlePosition
      case .axes(let axes): try own(.position, axes, of: output, beside: names(output.columns))
      }
    let spectroscopic: AxisSet =
      switch output.columns {
      case .single: output.rows == .single ? .singleNumber : .singleValue
      case .detector: detector
      case .axes(let axes): try own(.spectroscopic, axes, of: output, beside: names(output.rows))
      }
    return (position, spectroscopic)
  }

  private func names(_ rows: OutputRows) -> [String] {
    if case .axes(let axes) = rows { axes.map(\.name) } else { scan.axes.map(\.name) }
  }

  private func names(_ columns: OutputColumns) -> [String] {
    if case .axes(let axes) = columns { axes.map(\.name) } else { detector.axes.map(\.name) }
  }

  /// Checks that each dimension of a dataset has a name to itself: pyUSID addresses them by name.
  private func own(
    _ side: AxisSet.Side, _ axes: [OutputAxis], of output: OutputDescription, beside others: [String]
  ) throws(Problem) -> AxisSet {
    guard !axes.isEmpty, axes.allSatisfy({ !$0.values.isEmpty && $0.values.allSatisfy(\.isFinite) }) else {
      throw Problem(.internalError, at: output.name, "a dimension of its own needs an axis of finite values")
    }
    var taken = others + ["arb"]
    for axis in axes {
      guard !axis.name.isEmpty, !taken.contains(axis.name) else {
        throw Problem(
          .internalError, at: output.name, "an axis cannot be called '\(axis.name)': it has no name, or shares it")
      }
      taken.append(axis.name)
    }
    return .own(side, axes)
  }
}
