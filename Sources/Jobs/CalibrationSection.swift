import STEM

/// What the user says about the experiment; overrides the file.
struct CalibrationSection: JobSection {
  var energy: Quantity?
  var semiangle: Quantity?
  var detectorPixel: OneOrPair<Quantity>?
  var scanStep: OneOrPair<Quantity>?
  var scanRotation: Quantity?
  var transpose: Bool?
  var center: CenterSetting?
  var ellipse: EllipseSetting?
  var countsPerElectron: Double?
  var instrument: String?
  var cameraLength: Quantity?
  var magnification: Double?

  static let pixelForm = ParameterForm.quantity([.milliradian, .radian, .degree, .inverseAngstrom, .inverseNanometre])
  static let stepForm = ParameterForm.quantity([.angstrom, .nanometre, .picometre, .micrometre, .metre])
  static let everyNumber = -Double.infinity...Double.infinity

  static let declaration = Declaration<Self>(
    "calibration", "What is known of the experiment; overrides what the file says.", source: "",
    parameters: [
      .init("energy", \.energy, .quantity([.kiloelectronvolt, .electronvolt]), "Energy of the electrons."),
      .init(
        "semiangle", \.semiangle, .quantity([.milliradian, .radian, .degree]),
        "Convergence semi-angle: radius of the bright-field disk."),
      .init(
        "detector_pixel", \.detectorPixel, .pair(pixelForm), "Size of a detector pixel, one value or [y, x]."),
      .init(
        "scan_step", \.scanStep, .pair(stepForm), "Distance of neighboring positions, one value or [y, x]."),
      .init(
        "scan_rotation", \.scanRotation, .quantity([.degree, .radian, .milliradian], everyNumber),
        "Rotation that brings deflections on the detector into the scan's axes, clockwise on screen (conventions.md)."),
      .init(
        "transpose", \.transpose, .flag, "Whether y and x of the detector are swapped before the rotation is applied."),
      .init(
        "center", \.center, .pair(DetectorCoordinate.form),
        "Optical axis on the detector [y, x], in px from the middle of pixel (0, 0) unless a unit is given; or fitted: "
          + "frame by frame what the analysis origin fits; without it the middle of the mean pattern's bright disk."),
      .init(
        "ellipse", \.ellipse, EllipseSetting.form,
        "Elliptical distortion of the pattern: ratio and angle, or ring to have them fitted to a ring of the mean pattern. "
          + "Corrected in radial profiles and deflections."),
      .init(
        "counts_per_electron", \.countsPerElectron, .number(0...Double.infinity), "Detector counts for one electron."),
      .init(
        "instrument", \.instrument, .text,
        "Name of a file in config/instruments, or a path ending in .yml: defaults for what neither job nor input file say."
      ),
      .init(
        "camera_length", \.cameraLength, .quantity([.millimetre, .centimetre, .metre]),
        "The entry of the instrument's table for this camera length."),
      .init(
        "magnification", \.magnification, .number(1...1e9),
        "The entry of the instrument's table for this magnification."
      ),
    ], outputs: [],
    example: """
      calibration:
        energy: 200 keV
        semiangle: 20 mrad
        detector_pixel: 1.2 mrad
        scan_step: [0.4 Å, 0.4 Å]

      """)

  static let alternatives: [String: [ParameterForm]] = [
    "detector_pixel": [pixelForm],
    "scan_step": [stepForm],
    "center": [.pair(.number(everyNumber)), .choice([CenterSetting.fittedWord])],
  ]
}

// MARK: From the section to a calibration

extension CalibrationSection {
  /// Returns the values of the job, completed by other known values, each with its source.
  /// - Parameter origin: of a path such as `calibration.energy`.
  func resolved(
    over file: Calibration, on detector: Shape, origin: (String) -> Origin,
    problems: inout [Problem]
  ) -> Calibration {
    func sourced<Value>(_ key: String, _ value: Value) -> Sourced<Value> {
      Sourced(value, origin("calibration.\(key)"))
    }
    refuseImpossible(&problems)
    var given = Calibration()
    given.energy = energy.map { sourced("energy", $0.base) }
    given.semiangle = semiangle.map { sourced("semiangle", $0.base) }
    given.detectorPixel = detectorPixel.map { sourced("detector_pixel", $0.pair) }
    given.scanStep = scanStep.map { sourced("scan_step", Pair($0.pair.y.base, $0.pair.x.base)) }
    given.scanRotation = scanRotation.map { sourced("scan_rotation", $0.base) }
    given.transpose = transpose.map { sourced("transpose", $0) }
    if case .given(let ellipse)? = ellipse { given.ellipse = sourced("ellipse", ellipse) }
    given.countsPerElectron = countsPerElectron.map { sourced("counts_per_electron", $0) }
    var result = given.completed(by: file)
    if ellipse?.ring != nil { result.ellipse = nil }
    do {
      switch center {
      case .place(let place)?: result.center = sourced("center", try pixels(place, result, on: detector))
      // What the file says is one place: where the fit begins is measured on the frames themselves.
      case .fitted?: result.center = nil
      case nil: break
      }
    } catch {
      problems.append(error.inside("calibration.center"))
    }
    return result
  }

  /// Values that no microscope has: zero, a voltage typed as an energy, two dimensions in one pair.
  private func refuseImpossible(_ problems: inout [Problem]) {
    func refuse(_ key: String, _ message: String) {
      problems.append(Problem(.badConfiguration, at: "calibration.\(key)", message))
    }
    if let energy, !(500...1e7).contains(energy.base) {
      refuse("energy", "\(energy) given; 0.5 keV to 10000 keV is allowed")
    }
    if let semiangle, !(semiangle.base > 0 && semiangle.base <= 1) {
      refuse("semiangle", "\(semiangle) given; above 0 and at most 1000 mrad is allowed")
    }
    if let pair = detectorPixel?.pair {
      if pair.y.value == 0 || pair.x.value == 0 { refuse("detector_pixel", "0 given; a size above 0 is allowed") }
      if pair.y.unit.dimension != pair.x.unit.dimension {
        refuse("detector_pixel", "[\(pair.y), \(pair.x)] given; two angles or two reciprocal lengths are allowed")
      }
    }
    if let pair = scanStep?.pair, pair.y.value == 0 || pair.x.value == 0 {
      refuse("scan_step", "0 given; a distance above 0 is allowed")
    }
    if countsPerElectron == 0 { refuse("counts_per_electron", "0 given; a number above 0 is allowed") }
  }

  private func pixels(
    _ center: Pair<DetectorCoordinate>, _ calibration: Calibration, on detector: Shape
  ) throws(Problem) -> Pair<Double> {
    func coordinate(_ given: Quantity, _ axis: KeyPath<Pair<Double>, Double>, _ size: Int) throws(Problem) -> Double {
      let pixel: Double?
      switch given.unit.dimension {
      case .angle: pixel = calibration.pixelAngle?[keyPath: axis]
      case .reciprocalLength: pixel = calibration.pixelReciprocal?[keyPath: axis]
      default: pixel = 1
      }
      guard let pixel else {
        throw Problem(
          .badConfiguration,
          "\(given) given, but the size of a detector pixel in that unit is not known; give the center in "
            + "px, or calibration.detector_pixel" + (calibration.detectorPixel == nil ? "" : " and calibration.energy"))
      }
      let position = given.base / pixel
      guard position >= -0.5, position <= Double(size) - 0.5 else {
        throw Problem(
          .badConfiguration,
          "\(given) lies outside the \(detector.text) detector"
            + (given.unit == .pixel ? "" : " (\(shortNumber(position)) px)")
            + "; 0 to \(size - 1) px is allowed; remove the key to have the center measured")
      }
      return position
    }
    return Pair(
      try coordinate(center.y.quantity, \.y, detector.y), try coordinate(center.x.quantity, \.x, detector.x))
  }
}

extension Calibration {
  /// Without values that cannot be: not finite, not positive, a center beside the detector. Returns a warning for each.
  mutating func dropImpossible(on detector: Shape) -> [String] {
    var dropped: [String] = []
    func drop<Value>(_ value: inout Sourced<Value>?, _ key: String, unless possible: (Value) -> Bool) {
      guard let given = value, !possible(given.value) else { return }
      dropped.append("the file's \(key) (\(given.value)) cannot be and is ignored; give calibration.\(key) in the job")
      value = nil
    }
    func positive(_ value: Double) -> Bool { value > 0 && value.isFinite }
    drop(&energy, "energy", unless: positive)
    drop(&semiangle, "semiangle", unless: positive)
    drop(&detectorPixel, "detector_pixel") {
      positive($0.y.value) && positive($0.x.value) && $0.y.unit.dimension == $0.x.unit.dimension
    }
    drop(&scanStep, "scan_step") { positive($0.y) && positive($0.x) }
    drop(&scanRotation, "scan_rotation", unless: \.isFinite)
    drop(&ellipse, "ellipse") { $0.ratio >= 1 && $0.ratio <= EllipseSetting.mostRatio && $0.angle.isFinite }
    drop(&countsPerElectron, "counts_per_electron", unless: positive)
    drop(&center, "center") {
      $0.y >= -0.5 && $0.x >= -0.5 && $0.y <= Double(detector.y) - 0.5 && $0.x <= Double(detector.x) - 0.5
    }
    return dropped
  }
}
