/// Units in which a length on the detector may be given.
public let lengthUnits: [Unit] = [.milliradian, .pixel, .inverseAngstrom, .inverseNanometre]

/// In mrad where that is known, otherwise in px.
public func lengthText(_ pixels: Double, _ context: FrameContext) -> String {
  guard let pixel = context.calibration.pixelAngle else { return "\(shortNumber((pixels * 10).rounded() / 10)) px" }
  let angle = pixels * pixel.mean * 1000
  return "\(shortNumber((angle * 10).rounded() / 10)) mrad"
}

/// `key_px`, and `key_mrad` and `key_inverse_angstrom` as far as they are known.
public func lengthAttributes(_ key: String, _ pixels: Double, _ context: FrameContext) -> [(
  key: String, value: Setting
)] {
  var result: [(key: String, value: Setting)] = [("\(key)_px", .number(pixels))]
  if let pixel = context.calibration.pixelAngle {
    result.append(("\(key)_mrad", .number(pixels * pixel.mean * 1000)))
  }
  if let pixel = context.calibration.pixelReciprocal {
    result.append(("\(key)_inverse_angstrom", .number(pixels * pixel.mean)))
  }
  return result
}

/// The center, and whether it is only the mean of one that is followed.
/// - Parameter own: of an output that has a center of its own, which stays
public func centerAttributes(_ context: FrameContext, own: Pair<Double>? = nil) -> [(key: String, value: Setting)] {
  [("center_px", (own ?? context.center).setting)]
    + (context.followsOrigin && own == nil ? [("follows_origin", .bool(true))] : [])
}

/// The ellipse that was corrected.
public func ellipseAttributes(_ context: FrameContext) -> [(key: String, value: Setting)] {
  guard let ellipse = context.calibration.ellipse?.value else { return [] }
  return [("ellipse_ratio", .number(ellipse.ratio)), ("ellipse_angle_deg", .number(ellipse.angle * 180 / .pi))]
}

extension FrameContext {
  /// A length on the detector in px, its problem at the key that gives it.
  public func pixels(_ length: Quantity, at key: String) throws(Problem) -> Double {
    do { return try pixels(length) } catch { throw error.inside(key) }
  }

  /// As if pixels had on both axes the size that they have on one: for lengths along that axis.
  public func withPixels(_ axis: KeyPath<Pair<Quantity>, Quantity>) -> FrameContext {
    var result = self
    if let size = calibration.detectorPixel?.value[keyPath: axis] {
      result.calibration.detectorPixel?.value = Pair(size, size)
    }
    return result
  }

  /// inner ≤ r < outer [px], as a job gives it by the keys `inner_radius` and `outer_radius`, at which its problems are.
  public func ring(_ inner: Quantity, _ outer: Quantity) throws(Problem) -> (inner: Double, outer: Double) {
    let first = try pixels(inner, at: "inner_radius"), last = try pixels(outer, at: "outer_radius")
    guard first < last else {
      throw Problem(
        .badConfiguration, at: "inner_radius", "\(inner) is not smaller than outer_radius \(outer); make it smaller")
    }
    return (first, last)
  }
}

/// What intensities are measured in.
public func intensityUnit(_ context: FrameContext) -> String { context.pixelType.isInteger ? "counts" : "a.u." }
