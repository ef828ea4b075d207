import Foundation
import Kernels
import STEM

extension OriginFit {
  public func memoryBytes(_ context: FrameContext) -> Int { 160 * context.scan.count }

  public func solve(
    _ pass: PassResults, _ context: FrameContext, _ control: any SolverControl
  ) throws -> Solution {
    let measured = isGiven ? try givenMaps(context) : Pair(pass.rows["measured_y"] ?? [], pass.rows["measured_x"] ?? [])
    let order = fit.order
    guard
      let surface = SurfaceFit(
        measured.y, measured.x, scan: context.scan, order: order ?? .constant, robust: robust || order == nil)
    else {
      throw Problem(
        .badData, at: "origin",
        "no frame shows a beam disk to measure the origin of; check calibration, or give measured_y and measured_x")
    }
    var fitted = Pair(surface.values(\.y), surface.values(\.x))
    if order == nil { fitted = Self.filled(measured) }
    let residual = Pair(zip(measured.y, fitted.y).map { $0 - $1 }, zip(measured.x, fitted.x).map { $0 - $1 })
    var solution = Solution(values: [
      "fitted_y": fitted.y, "fitted_x": fitted.x, "residual_y": residual.y, "residual_x": residual.x,
    ])
    solution.facts.origins = OriginField(y: fitted.y, x: fitted.x, mean: context.center)
    if isGiven {
      solution.values["measured_y"] = measured.y
      solution.values["measured_x"] = measured.x
    }
    report(surface, measured, fitted, order, context, &solution)
    return solution
  }

  /// What was measured, and the median where nothing was.
  private static func filled(_ measured: Pair<[Double]>) -> Pair<[Double]> {
    let isKnown = zip(measured.y, measured.x).map { $0.isFinite && $1.isFinite }
    func fill(_ map: [Double]) -> [Double] {
      let middle = selectedMedian(zip(map, isKnown).filter(\.1).map(\.0))
      return zip(map, isKnown).map { $1 ? $0 : middle }
    }
    return Pair(fill(measured.y), fill(measured.x))
  }

  private func report(
    _ surface: SurfaceFit, _ measured: Pair<[Double]>, _ fitted: Pair<[Double]>, _ order: SurfaceFit.Order?,
    _ context: FrameContext, _ solution: inout Solution
  ) {
    let known = surface.positions + surface.outliers
    solution.attributes = [("fit", fit.setting), ("origin_method", isGiven ? .text("given") : method.setting)]
    if order != nil {
      solution.attributes += [
        ("terms", .list(SurfaceFit.terms.prefix(surface.coefficients.y.count).map { .text($0) })),
        ("terms_range", .text("y and x run from -1 to 1 over the scan")),
        ("coefficients_y_px", .list(surface.coefficients.y.map { .number($0) })),
        ("coefficients_x_px", .list(surface.coefficients.x.map { .number($0) })),
        ("residual_rms_px", .number(surface.residual)), ("outliers", .integer(surface.outliers)),
      ]
    }
    solution.attributes.append(("positions_measured", .integer(known)))
    let range = Pair(Self.range(fitted.y), Self.range(fitted.x))
    solution.notes.append(
      "\(fit) through \(known) of \(context.scan.count) positions, "
        + String(
          format: "mean %.2f, %.2f px, range %.3g, %.3g px over the scan", mean(fitted.y), mean(fitted.x), range.y,
          range.x)
        + (order == nil
          ? "" : String(format: ", residual %.3g px rms, %d outliers", surface.residual, surface.outliers)))
    solution.warnings = warnings(surface, order, range)
    // Where not even the middle of the disk is on the detector, this is what to look into.
    let outside = outside(isGiven ? measured : fitted, context)
    solution.warnings += outside ?? disk(fitted, context)
  }

  private func warnings(
    _ surface: SurfaceFit, _ order: SurfaceFit.Order?, _ range: Pair<Double>
  ) -> [String] {
    var warnings: [String] = []
    let known = surface.positions + surface.outliers
    if known > 1, order == .plane || order == .parabola, surface.residual > hypot(range.y, range.x), !isGiven {
      warnings.append(
        "the fitted \(fit) ranges over "
          + String(format: "%.3g px, less than the %.3g px rms", hypot(range.y, range.x), surface.residual)
          + " that it leaves: it may be a mean field of the specimen rather than descan; use fit: constant, or the "
          + "origin of a vacuum scan")
    }
    if Double(surface.outliers) > 0.2 * Double(known), order != nil {
      warnings.append(
        "\(surface.outliers) of \(known) positions lie far off the fitted \(fit) and do not count; check "
          + "residual_y and residual_x, or use another fit")
    }
    return warnings
  }

  private func disk(_ fitted: Pair<[Double]>, _ context: FrameContext) -> [String] {
    guard let radius = context.diskRadius else { return [] }
    let height = Double(context.detector.y) - 0.5, width = Double(context.detector.x) - 0.5
    let cut = zip(fitted.y, fitted.x).count { y, x in
      y - radius < -0.5 || y + radius > height || x - radius < -0.5 || x + radius > width
    }
    guard cut > 0 else { return [] }
    return [
      "the bright disk leaves the detector at \(cut) of \(context.scan.count) positions"
        + (method == .edge || isGiven ? "" : ", where its center of mass is biased; use method: edge")
    ]
  }

  private func outside(_ places: Pair<[Double]>, _ context: FrameContext) -> [String]? {
    let height = Double(context.detector.y) - 0.5, width = Double(context.detector.x) - 0.5
    let count = zip(places.y, places.x).count { y, x in y < -0.5 || y > height || x < -0.5 || x > width }
    guard count > 0 else { return nil }
    return [
      "the origin lies outside of the \(context.detector.text) detector at \(count) of \(context.scan.count) positions"
        + (isGiven ? "; give measured_y and measured_x in px of the corrected frames" : "")
    ]
  }

  private static func range(_ values: [Double]) -> Double { (values.max() ?? 0) - (values.min() ?? 0) }
  private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
}
