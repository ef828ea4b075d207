import Foundation
import STEM

extension DPCSolver {
  mutating func report(_ plane: DescanPlane) {
    solution.attributes.append(("deflection_unit", .text(units.deflection)))
    number("mean_deflection_y", plane.mean.y)
    number("mean_deflection_x", plane.mean.x)
    number("descan_slope_y_per_row", plane.slopeDown.y)
    number("descan_slope_y_per_column", plane.slopeRight.y)
    number("descan_slope_x_per_row", plane.slopeDown.x)
    number("descan_slope_x_per_column", plane.slopeRight.x)
    let share = "\(shortNumber(plane.variation)) against \(shortNumber(plane.remainder)) \(units.deflection) rms"
    if analysis.descan == .plane, plane.variation > 0.1 * plane.remainder {
      solution.warnings.append(
        "descan: plane has taken a slope off the deflections (\(share)); if it was no descan, a real mean field and "
          + "charge went with it; calibration.center: fitted on a vacuum scan tells them apart")
    } else if analysis.descan != .plane, plane.variation > 2 * plane.remainder {
      solution.warnings.append(
        "deflections change evenly over the scan (\(share)): perhaps descan; consider descan: plane or "
          + "calibration.center: fitted")
    }
  }

  /// The rotation in use; stores the fit, its curves and what is doubtful about it.
  mutating func chooseRotation(_ fit: RotationFit?) -> DetectorRotation {
    addCurves(fit)
    let known = context.calibration
    guard analysis.rotation != .fit, let given = known.scanRotation else { return useFit(fit) }
    // Where only the angle is known, the data decide on the transpose, if they can.
    let found = fit.flatMap { $0.transpose(at: given.value) }
    let rotation = DetectorRotation(angle: given.value, transpose: known.transpose?.value ?? found ?? false)
    use(rotation, source: given.origin.rawValue, isAmbiguous: known.transpose == nil && found == nil)
    if known.transpose == nil {
      solution.notes.append(
        "scan_rotation is known, transpose is not: taken as \(rotation.transpose), which leaves less curl or cannot be told"
      )
    }
    if given.origin == .file {
      solution.notes.append("rotation and transpose are those of the file; rotation: fit measures them")
    }
    if let fit, !fit.isAmbiguous { compare(rotation, fit.best.rotation) }
    return rotation
  }

  private mutating func compare(_ given: DetectorRotation, _ fitted: DetectorRotation) {
    let difference = DetectorRotation(angle: given.angle - fitted.angle, transpose: false).angle
    guard abs(difference) > 5 * .pi / 180 || given.transpose != fitted.transpose else { return }
    solution.warnings.append(
      "the given rotation, \(Self.text(given)), is not that of least curl, \(Self.text(fitted)); check calibration or use rotation: fit"
    )
  }

  private mutating func useFit(_ fit: RotationFit?) -> DetectorRotation {
    guard let fit else {
      let rotation = DetectorRotation(angle: 0, transpose: context.calibration.transpose?.value ?? false)
      use(rotation, source: Origin.default.rawValue, isAmbiguous: true)
      solution.warnings.append(
        "the rotation cannot be measured: no position has eight known neighbors; taken as 0 deg; calibration.scan_rotation gives it"
      )
      return rotation
    }
    let given = context.calibration.transpose?.value
    let branch = given.map(fit.branch) ?? fit.best
    let doubts =
      (given == nil && fit.isTransposeAmbiguous ? ["with and without transpose fit nearly as well"] : [])
      + (fit.isAngleAmbiguous(branch) ? ["every angle fits nearly as well"] : [])
      + (fit.isSignAmbiguous(branch) ? ["180° more cannot be told apart"] : [])
    use(branch.rotation, source: Origin.measured.rawValue, isAmbiguous: !doubts.isEmpty)
    if let given, fit.excess(transpose: given) >= RotationFit.leastRatio { warnOfTranspose(given, fit) }
    if !doubts.isEmpty {
      let missing = given == nil ? "calibration.scan_rotation and transpose" : "calibration.scan_rotation"
      solution.warnings.append(
        "the measured rotation is ambiguous: \(doubts.joined(separator: ", ")); candidates: "
          + fit.candidates(transpose: given).map(Self.text).joined(separator: "; ") + "; give \(missing)")
    }
    return branch.rotation
  }

  private mutating func warnOfTranspose(_ given: Bool, _ fit: RotationFit) {
    let excess = fit.excess(transpose: given)
    let times = excess < 1000 ? "\(shortNumber((excess * 10).rounded() / 10)) times" : "more than 1000 times"
    solution.warnings.append(
      "the given transpose, \(given), leaves \(times) the \(analysis.interpretation == .electric ? "curl" : "divergence") of the "
        + "other one: \(Self.text(fit.branch(given).rotation)) against \(Self.text(fit.branch(!given).rotation)); "
        + "check calibration.transpose or leave it out")
  }

  /// - Parameter isAmbiguous: whether neither the calibration nor the data decide between it and another one
  private mutating func use(_ rotation: DetectorRotation, source: String, isAmbiguous: Bool) {
    number("scan_rotation_deg", rotation.angle * 180 / .pi)
    solution.attributes.append(("transpose", .bool(rotation.transpose)))
    solution.attributes.append(("rotation_source", .text(source)))
    solution.attributes.append(("ambiguous", .bool(isAmbiguous)))
    solution.notes.append("\(Self.text(rotation)) (\(source))")
  }

  private mutating func addCurves(_ fit: RotationFit?) {
    let curve = { (branch: RotationFit.Branch?) in
      DPCOutputs.angles.map { branch?.meanSquare($0 * .pi / 180) ?? .nan }
    }
    solution.values["rotation_curve"] = curve(fit?.plain)
    solution.values["rotation_curve_transposed"] = curve(fit?.transposed)
    guard let fit else { return }
    number("fitted_scan_rotation_deg", fit.best.rotation.angle * 180 / .pi)
    solution.attributes.append(("fitted_transpose", .bool(fit.best.rotation.transpose)))
    number("skewness", fit.best.skewness)
    number("transpose_ratio", fit.ratio)
    let candidates = fit.candidates
    solution.attributes.append(
      ("candidates_scan_rotation_deg", .list(candidates.map { .number($0.angle * 180 / .pi) })))
    solution.attributes.append(
      ("candidates_transpose", .text(candidates.map { String($0.transpose) }.joined(separator: ", "))))
  }

  private static func text(_ rotation: DetectorRotation) -> String {
    String(format: "%.2f deg", rotation.angle * 180 / .pi) + (rotation.transpose ? " with transpose" : "")
  }
}
