import Kernels
import STEM

extension DifferentialPhaseContrast {
  /// Throws `Problems`: parameters that exclude each other, and results that lack a calibration.
  func check(_ context: FrameContext) throws {
    var problems = detectorProblems(context)
    let units = DPCUnits(self, context)
    if thickness != nil, let missing = units.missingForField(interpretation) {
      problems.append(
        Problem(
          .badConfiguration, at: "thickness",
          "given for a field, but \(missing); give it, or remove thickness"))
    } else if interpretation == .magnetic, let missing = units.missingForField(interpretation) {
      problems.append(
        Problem(
          .badConfiguration, at: "interpretation", "magnetic, but \(missing); the induction cannot be computed without")
      )
    }
    if let thickness, !(thickness.base > 0) {
      problems.append(Problem(.badConfiguration, at: "thickness", "\(thickness) given; more than 0 is allowed"))
    }
    if rotation == .calibration, context.calibration.scanRotation == nil {
      problems.append(
        Problem(
          .badConfiguration, at: "rotation",
          "calibration, but neither the job nor the file knows scan_rotation; give calibration.scan_rotation, or use fit"
        ))
    }
    if rotation == .fit, min(context.scan.y, context.scan.x) < 3 {
      problems.append(
        Problem(
          .badConfiguration, at: "rotation",
          "fit needs at least 3 × 3 positions, the scan has \(context.scan.text); give calibration.scan_rotation"))
    }
    for (key, value) in [("q_lowpass", lowpass), ("q_highpass", highpass)] {
      if let value, !(value.base > 0) {
        problems.append(Problem(.badConfiguration, at: key, "\(value) given; more than 0 is allowed"))
      }
    }
    if let solverMask {
      problems += gather(at: "solver_mask") { _ = try scanMask(solverMask, context) }
    }
    try problems.throwIfAny()
  }

  private func detectorProblems(_ context: FrameContext) -> [Problem] {
    func stray(_ key: String, _ isGiven: Bool, _ owner: String) -> [Problem] {
      isGiven ? [Problem(.badConfiguration, at: key, "belongs to \(owner); remove it or change that")] : []
    }
    guard usesSegments else {
      return stray("segments", segments != nil, "detector: segments")
        + stray("response", response != .none, "detector: segments")
        + stray("vacuum", vacuum != nil, "detector: segments") + gather(at: "") { _ = try selection(context) }
    }
    var problems =
      stray("outer_radius", outerRadius != nil, "detector: center_of_mass")
      + stray("mask", mask != nil, "detector: center_of_mass")
    guard let segments else {
      problems.append(
        Problem(
          .badConfiguration, at: "segments",
          "missing; detector: segments needs rings, as {quadrants: {outer_radius: 20 mrad, sectors: 4}}"))
      return problems
    }
    problems += gather(at: "segments") {
      let selections = try segments.place(context)
      try segments.checkDirections(context)
      if response == .disk, context.isDiskGiven { try checkResponse(selections, context) }
    }
    if response == .vacuumScan {
      if let vacuum {
        problems += gather(at: "vacuum") { _ = try context.detectorValues(vacuum) }
      } else {
        problems.append(
          Problem(
            .badConfiguration, at: "vacuum", "missing; response: vacuum_scan needs the mean pattern of a vacuum scan"))
      }
    } else {
      problems += stray("vacuum", vacuum != nil, "response: vacuum_scan")
    }
    if response == .none, context.followsOrigin {
      problems.append(
        Problem(
          .badConfiguration, at: "response",
          "none cannot follow calibration.center: fitted, whose unit it does not know; use disk or vacuum_scan"))
    }
    return problems
  }

  /// The pixels of the center of mass. Throws `Problems`.
  func selection(_ context: FrameContext) throws -> PixelSelection {
    try collected(context).intersection(.alive(context.detector, dead: context.deadPixels))
  }

  /// `selection` with dead pixels.
  func collected(_ context: FrameContext) throws -> PixelSelection {
    let geometry = DetectorGeometry(context.detector, center: context.center)
    var selection = PixelSelection.alive(context.detector, dead: nil)
    var problems: [Problem] = []
    if let outerRadius {
      problems += gather(at: "outer_radius") {
        let radius = try context.pixels(outerRadius)
        guard radius <= geometry.edge + 1 else {
          throw Problem(
            .badConfiguration,
            "\(outerRadius) lies outside the detector (edge at \(lengthText(geometry.edge, context))); use at most that or remove the key"
          )
        }
        selection = selection.intersection(geometry.annulus(inner: 0, outer: radius))
      }
    }
    if let mask {
      problems += gather(at: "mask") {
        let weights = try context.detectorValues(mask)
        if let wrong = weights.first(where: { $0 != 0 && $0 != 1 }) {
          throw Problem(.badData, "\(mask) has the weight \(shortNumber(wrong)); only 0 and 1 are allowed")
        }
        selection = selection.intersection(PixelSelection(context.detector, weights.map { $0 == 1 }))
      }
    }
    try problems.throwIfAny()
    guard !selection.intersection(.alive(context.detector, dead: context.deadPixels)).isEmpty else {
      throw Problems([
        Problem(
          .badConfiguration, at: mask == nil ? "outer_radius" : "mask",
          "no pixel is left to collect; choose a larger radius or another mask")
      ])
    }
    return selection
  }

  /// Positions that the phase may use.
  func scanMask(_ path: String, _ context: FrameContext) throws -> [Bool] {
    let values = try context.scanValues(path)
    guard values.contains(where: { $0 != 0 }) else {
      throw Problem(.badData, "\(path) is 0 everywhere; 0 marks positions that are left out")
    }
    return values.map { $0 != 0 }
  }
}
