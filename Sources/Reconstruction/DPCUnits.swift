import STEM

/// What is known of lengths and angles decides which outputs there are, and in which unit.
struct DPCUnits {
  /// Unit of a deflection: `Å⁻¹` where that is known, else `mrad`, `px` or, for segments without a response, `a.u.`.
  let deflection: String
  /// Of a deflection of one px along the detector's axes.
  let scale: Pair<Double>
  /// Distance of positions [Å]; (1, 1) in positions where it is not known.
  let step: Pair<Double>
  let isStepKnown: Bool
  /// [eV]
  let energy: Double?
  /// [Å]
  let thickness: Double?

  init(_ analysis: DifferentialPhaseContrast, _ context: FrameContext) {
    let calibration = context.calibration
    if analysis.usesSegments, analysis.response == .none {
      (deflection, scale) = ("a.u.", Pair(1, 1))
    } else if let pixel = calibration.pixelReciprocal {
      (deflection, scale) = ("Å⁻¹", pixel)
    } else if let pixel = calibration.pixelAngle {
      (deflection, scale) = ("mrad", Pair(pixel.y * 1000, pixel.x * 1000))
    } else {
      (deflection, scale) = ("px", Pair(1, 1))
    }
    isStepKnown = calibration.scanStep != nil
    step = calibration.scanStep?.value ?? Pair(1, 1)
    energy = calibration.energy?.value
    thickness = analysis.thickness?.base
  }

  var isReciprocal: Bool { deflection == "Å⁻¹" }
  var hasPhase: Bool { isReciprocal && isStepKnown }
  func hasField(_ law: Interpretation) -> Bool { missingForField(law) == nil }

  /// Of divergence and curl.
  var derivative: String {
    switch (deflection, isStepKnown) {
    case ("Å⁻¹", true): "Å⁻²"
    case (_, true): "\(deflection)/Å"
    case (_, false): "\(deflection)/position"
    }
  }

  /// Why there is no field; nil where there is one.
  func missingForField(_ law: Interpretation) -> String? {
    switch deflection {
    case "a.u.": "segments without a response have no unit (response: disk or vacuum_scan gives them one)"
    case "mrad": "the beam energy is not known (calibration.energy)"
    case "px": "the detector's pixel size is not known (calibration.detector_pixel)"
    default: law == .electric && energy == nil ? "the beam energy is not known (calibration.energy)" : nil
    }
  }
}
