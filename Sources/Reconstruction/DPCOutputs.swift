import STEM

/// The outputs of `dpc`.
struct DPCOutputs {
  /// Of the job, rows of the kernel first.
  let list: [OutputDescription]

  /// With everything known, for the docs.
  static let all: [OutputDescription] = {
    var calibration = Calibration()
    calibration.energy = Sourced(200e3, .default)
    calibration.detectorPixel = Sourced(Pair(Quantity(1, .milliradian), Quantity(1, .milliradian)), .default)
    calibration.scanStep = Sourced(Pair(1, 1), .default)
    var context = FrameContext(
      scan: Shape(1, 1), detector: Shape(1, 1), pixelType: .u16, calibration: calibration)
    var analysis = DifferentialPhaseContrast()
    let electric = DPCOutputs(analysis, context).list
    analysis.interpretation = .magnetic
    let magnetic = DPCOutputs(analysis, context).list.filter { $0.name.hasPrefix("induction") }
    (analysis.detector, context.followsOrigin) = (.segments, true)
    let segments = DPCOutputs(analysis, context).list.filter { ["segments", "origin_y", "origin_x"].contains($0.name) }
    return segments + electric + magnetic
  }()

  static let angles = (-180..<180).map(Double.init)

  init(_ analysis: DifferentialPhaseContrast, _ context: FrameContext) {
    let units = DPCUnits(analysis, context)
    let law = analysis.interpretation
    var list = Self.deflections(units)
    if units.hasField(law) { list += law == .electric ? Self.electric(units) : Self.magnetic(units) }
    list += Self.derivatives(units)
    if units.hasPhase {
      list.append(
        Self.blurred(
          Self.map("phase", "Phase", "rad", signed: true, "Phase shift of the specimen, up to a constant.")))
    }
    list += Self.curves(units, law)
    self.list = Self.measured(analysis, context) + list.map { $0.with(ellipseAttributes(context)) }
  }

  private static func map(
    _ name: String, _ quantity: String, _ unit: String, signed: Bool = false, _ summary: String
  ) -> OutputDescription {
    OutputDescription(name, .map, quantity: quantity, unit: unit, signed: signed, summary)
  }

  private static func pair(
    _ name: String, _ quantity: String, _ unit: String, _ summary: String, drawn: Bool = false
  ) -> [OutputDescription] {
    [("y", "down"), ("x", "to the right")].map { axis, direction in
      map("\(name)_\(axis)", quantity, unit, signed: true, "\(summary) along \(axis), positive \(direction).")
        .with(drawn && axis == "y" ? [("vector_x", .text("\(name)_x"))] : [])
    }
  }

  private static func measured(
    _ analysis: DifferentialPhaseContrast, _ context: FrameContext
  ) -> [OutputDescription] {
    let unit = analysis.usesSegments && analysis.response == .none ? "a.u." : "px"
    var outputs: [OutputDescription] = []
    if analysis.usesSegments {
      let count = analysis.segments?.rings.reduce(0) { $0 + $1.sectors } ?? 0
      outputs.append(
        OutputDescription(
          "segments", .perPositionProfile, quantity: "Intensity", unit: intensityUnit(context),
          axis: OutputAxis("Segment", unit: "", values: (0..<count).map(Double.init)),
          "Signal of every segment, ring by ring, counter-clockwise."))
      if context.followsOrigin { outputs += pair("origin", "Displacement", "px", "Optical axis of the position") }
    }
    let com = pair("com", "Displacement", unit, "Measured deflection in the detector's axes")
    return outputs + com.map { $0.with(centerAttributes(context)) }
  }

  private static func deflections(_ units: DPCUnits) -> [OutputDescription] {
    let unit = units.deflection
    let outputs =
      pair("deflection", "Deflection", unit, "Deflection in the scan's axes, without descan,", drawn: true) + [
        map("magnitude", "Deflection", unit, "Length of the deflection."),
        map(
          "angle", "Angle", "rad", signed: true,
          "Direction of the deflection, counter-clockwise on screen from +x (right)."),
      ]
    return outputs.map(blurred)
  }

  private static func electric(_ units: DPCUnits) -> [OutputDescription] {
    let isMean = units.thickness != nil
    var outputs = pair(
      "field", isMean ? "Electric field" : "Electric field times thickness", isMean ? "V/m" : "V",
      "Electric field\(isMean ? "" : " times thickness"), which points away from positive charge,", drawn: true)
    if units.isStepKnown {
      outputs.append(
        map("charge_density", "Charge density", "e/Å²", signed: true, "Projected charge; positive at nuclei."))
    }
    return outputs.map(blurred)
  }

  private static func magnetic(_ units: DPCUnits) -> [OutputDescription] {
    let isMean = units.thickness != nil
    return pair(
      "induction", isMean ? "Magnetic induction" : "Magnetic induction times thickness", isMean ? "T" : "T·nm",
      "Magnetic induction\(isMean ? "" : " times thickness")", drawn: true
    ).map(blurred)
  }

  private static func blurred(_ output: OutputDescription) -> OutputDescription {
    output.with([("convolved_with", .text("intensity of the probe"))])
  }

  private static func derivatives(_ units: DPCUnits) -> [OutputDescription] {
    [
      map(
        "divergence", "Divergence", units.derivative, signed: true,
        "∂y d_y + ∂x d_x of the deflection; negative at positive nuclei."),
      map("curl", "Curl", units.derivative, signed: true, "∂x d_y − ∂y d_x of the deflection; 0 for electric fields."),
    ]
  }

  private static func curves(_ units: DPCUnits, _ law: Interpretation) -> [OutputDescription] {
    let name = law == .electric ? "curl" : "divergence"
    let axis = OutputAxis("Scan rotation", unit: "deg", values: angles)
    return ["", "_transposed"].map { suffix in
      OutputDescription(
        "rotation_curve\(suffix)", .profile, quantity: "Mean squared \(name)", unit: "(\(units.derivative))²",
        axis: axis,
        "Mean squared \(name) of the deflection over the angle by which it is turned\(suffix.isEmpty ? "" : ", after the transpose")."
      )
    }
  }
}
