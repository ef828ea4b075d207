import STEM

extension Calibration {
  /// What is known, with the unit in the name, and for each value where it came from. `Formats` reads the same names.
  var attributes: [(key: String, value: Setting)] {
    var items: [(key: String, value: Setting)] = []
    func add<Value>(_ name: String, _ sourced: Sourced<Value>?, _ values: (Value) -> [(String, Setting)]) {
      guard let sourced else { return }
      for (suffix, value) in values(sourced.value) { items.append((name + suffix, value)) }
      items.append(("\(name)_origin", .text(sourced.origin.rawValue)))
    }
    add("energy", energy) { [("_eV", .number($0))] }
    add("semiangle", semiangle) { [("_mrad", .number(inUnit($0, .milliradian)))] }
    add("detector_pixel", detectorPixel) { pixel in
      let unit: Unit = pixel.y.unit.dimension == .reciprocalLength ? .inverseAngstrom : .milliradian
      let suffix = unit == .milliradian ? "mrad" : "invA"
      return [
        ("_y_\(suffix)", .number(inUnit(pixel.y.base, unit))), ("_x_\(suffix)", .number(inUnit(pixel.x.base, unit))),
      ]
    }
    add("scan_step", scanStep) { [("_y_A", .number($0.y)), ("_x_A", .number($0.x))] }
    add("scan_rotation", scanRotation) { [("_deg", .number(inUnit($0, .degree)))] }
    add("transpose", transpose) { [("", .bool($0))] }
    add("center", center) { [("_y_px", .number($0.y)), ("_x_px", .number($0.x))] }
    add("disk_radius", diskRadius) { [("_px", .number($0))] }
    add("ellipse", ellipse) { [("_ratio", .number($0.ratio)), ("_angle_deg", .number(inUnit($0.angle, .degree)))] }
    add("counts_per_electron", countsPerElectron) { [("", .number($0))] }
    return items
  }
}

/// A value of the inside unit in `unit`, without the last bit's noise of two conversions: 0.0012 rad → 1.2 mrad.
private func inUnit(_ base: Double, _ unit: Unit) -> Double {
  let value = base / unit.factor
  let short = Double(String(format15(value))) ?? value
  return short * unit.factor == base ? short : value
}

/// Fifteen significant digits.
private func format15(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return "\(value)" }
  var scale = 1.0
  while abs(value) * scale < 1e14 { scale *= 10 }
  while abs(value) * scale >= 1e15 { scale /= 10 }
  return "\((value * scale).rounded() / scale)"
}
