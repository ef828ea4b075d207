import STEM

/// What the name and unit of an axis say about it.
struct HDF5Axis: Sendable, Equatable {
  enum Role: Sendable { case scan, detector }
  enum Direction: Sendable { case y, x }

  /// The axis of the dataset.
  var index: Int
  var size: Int
  var name: String
  var unit: String
  /// Distance of neighbors in `unit`; nil where the file does not say or neighbors are unevenly spaced.
  var step: Double?
  /// Value of the first point in `unit`.
  var origin: Double?
  /// What the format itself says the axis is.
  var declaredRole: Role?

  init(index: Int, size: Int, name: String = "", unit: String = "", step: Double? = nil, origin: Double? = nil) {
    self.index = index
    self.size = size
    self.name = name
    self.unit = unit
    self.step = step
    self.origin = origin
  }

  /// `Qx`, `R_y`, `scan_y`, `ky`: in lower case, without separators.
  private var key: String { name.lowercased().filter { !" _-[]{}$".contains($0) } }

  private static let scanKeys: Set<String> = [
    "x", "y", "rx", "ry", "xr", "yr", "r0", "r1", "scanx", "scany", "posx", "posy", "xpos", "ypos", "positionx",
    "positiony", "row", "rows", "col", "cols", "column", "columns", "line", "lines", "slow", "fast", "probex", "probey",
    "navx", "navy", "height", "width", "position", "scan", "frame", "frames", "time", "t",
  ]
  private static let detectorKeys: Set<String> = [
    "kx", "ky", "qx", "qy", "q0", "q1", "u", "v", "dx", "dy", "detectorx", "detectory", "detx", "dety", "diffx",
    "diffy", "thetax", "thetay", "alphax", "alphay", "detectorrow", "detectorcolumn", "detectorcol", "reciprocalx",
    "reciprocaly",
  ]

  /// Scan or detector, from the format, the unit (a length or not), or the name; nil where none of these decides.
  var role: Role? {
    if let declaredRole { return declaredRole }
    switch Unit(spelling: unit)?.dimension {
    case .length: return .scan
    case .angle, .reciprocalLength: return .detector
    case .energy, .pixels, .time, .memory, nil: break
    }
    return Self.scanKeys.contains(key) ? .scan : Self.detectorKeys.contains(key) ? .detector : nil
  }

  /// y or x, by the name; nil where it says neither.
  var direction: Direction? {
    switch key {
    case "row", "rows", "line", "lines", "slow", "v", "height", "detectorrow", "r0", "q0": .y
    case "col", "cols", "column", "columns", "fast", "u", "width", "detectorcol", "detectorcolumn", "r1", "q1": .x
    default: (Self.scanKeys.contains(key) || Self.detectorKeys.contains(key)) ? lastLetter : nil
    }
  }

  private var lastLetter: Direction? {
    key.hasSuffix("y") || key.hasPrefix("y") ? .y : key.hasSuffix("x") || key.hasPrefix("x") ? .x : nil
  }

  /// `Y (nm)`, or a number where there is no name.
  var text: String { (name.isEmpty ? "axis \(index)" : name) + (unit.isEmpty ? "" : " (\(unit))") + ": \(size)" }

  /// The step in a known unit.
  var quantity: Quantity? {
    guard let step, step != 0, step.isFinite, let unit = Unit(spelling: unit) else { return nil }
    return Quantity(abs(step), unit)
  }
}

extension Array where Element == HDF5Axis {
  /// (y, x) of two axes, the slower first: their names decide where both are clear, otherwise slow is y.
  var byName: (y: HDF5Axis, x: HDF5Axis, isSwapped: Bool) {
    let isSwapped = self[0].direction == .x && self[1].direction == .y
    return isSwapped ? (self[1], self[0], true) : (self[0], self[1], false)
  }

  /// `Y, X, Qy, Qx`.
  var names: String { map { $0.name.isEmpty ? "axis \($0.index)" : $0.name }.joined(separator: ", ") }
}

extension Calibration {
  /// Takes the distance of positions from two axes, when both give a length.
  mutating func setScanStep(_ y: HDF5Axis, _ x: HDF5Axis) {
    guard let y = y.quantity, let x = x.quantity, y.unit.dimension == .length, x.unit.dimension == .length
    else { return }
    scanStep = Sourced(Pair(y.base, x.base), .file)
  }

  /// Takes the pixel size from two axes, when both give an angle or both a reciprocal length.
  mutating func setDetectorPixel(_ y: HDF5Axis, _ x: HDF5Axis) {
    guard let y = y.quantity, let x = x.quantity, y.unit.dimension == x.unit.dimension,
      y.unit.dimension == .angle || y.unit.dimension == .reciprocalLength
    else { return }
    detectorPixel = Sourced(Pair(y, x), .file)
  }
}

/// First value and step of evenly spaced values: at least two, finite, each within a thousandth of a step (or single
/// precision) of its place. nil otherwise.
func evenSpacing(_ values: [Double]) -> (origin: Double, step: Double)? {
  guard values.count > 1, values.allSatisfy(\.isFinite), let first = values.first, let last = values.last else {
    return nil
  }
  let step = (last - first) / Double(values.count - 1)
  let largest = max(abs(first), abs(last))
  let tolerance = max(abs(step) * 1e-3, largest * 4 * Double(Float.ulpOfOne))
  guard step != 0, values.indices.allSatisfy({ abs(values[$0] - (first + Double($0) * step)) <= tolerance }) else {
    return nil
  }
  return (first, step)
}
