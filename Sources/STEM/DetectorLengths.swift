/// Units in which a length on the detector may be given.
public let lengthUnits: [Unit] = [.milliradian, .pixel, .inverseAngstrom, .inverseNanometre]

/// In mrad where that is known, otherwise in px.
public func lengthText(_ pixels: Double, _ context: FrameContext) -> String {
  guard let pixel = context.calibration.pixelAngle else { return "\(shortNumber((pixels * 10).rounded() / 10)) px" }
  let angle = pixels * (pixel.y + pixel.x) / 2 * 1000
  return "\(shortNumber((angle * 10).rounded() / 10)) mrad"
}

/// `key_px`, and `key_mrad` and `key_inverse_angstrom` as far as they are known.
public func lengthAttributes(_ key: String, _ pixels: Double, _ context: FrameContext) -> [(
  key: String, value: Setting
)] {
  var result: [(key: String, value: Setting)] = [("\(key)_px", .number(pixels))]
  if let pixel = context.calibration.pixelAngle {
    result.append(("\(key)_mrad", .number(pixels * (pixel.y + pixel.x) / 2 * 1000)))
  }
  if let pixel = context.calibration.pixelReciprocal {
    result.append(("\(key)_inverse_angstrom", .number(pixels * (pixel.y + pixel.x) / 2)))
  }
  return result
}

/// What intensities are measured in.
public func intensityUnit(_ context: FrameContext) -> String { context.pixelType.isInteger ? "counts" : "a.u." }
