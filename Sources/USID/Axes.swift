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

  static func profile(_ axis: OutputAxis) -> AxisSet {
    let base = axis.name.map { $0.isLetter || $0.isNumber ? $0 : "_" }
    return AxisSet(
      .spectroscopic, "Profile_" + String(base), [Axis(name: axis.name, unit: axis.unit, values: axis.values)])
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
    switch output.kind {
    case .map: return (scan, .singleValue)
    case .pattern: return (.singlePosition, detector)
    case .profile: return (.singlePosition, try profile(of: output))
    case .perPositionProfile: return (scan, try profile(of: output))
    case .volume: throw Problem(.internalError, at: output.name, "outputs of kind volume are not written yet")
    }
  }

  private func profile(of output: OutputDescription) throws(Problem) -> AxisSet {
    guard let axis = output.axis, !axis.values.isEmpty, axis.values.allSatisfy(\.isFinite) else {
      throw Problem(.internalError, at: output.name, "a profile needs an axis of finite values")
    }
    let taken = (scan.axes + AxisSet.singlePosition.axes).map(\.name)
    guard !axis.name.isEmpty, !taken.contains(axis.name) else {
      throw Problem(.internalError, at: output.name, "the axis cannot be called '\(axis.name)'")
    }
    return .profile(axis)
  }
}
