import Foundation
import Kernels
import STEM

/// ln(total counts / bright-field counts): the thickness in mean free paths for scattering out of the bright disk.
public struct LogRatio: FrameAnalysis {
  public var radius: Quantity?

  public init() {}

  public static let declaration = Declaration<Self>(
    "log_ratio", "ln(total / bright-field counts): thickness in mean free paths for scattering out of the bright disk.",
    source: "log-ratio formula t/λ = ln(I_t/I_0): Malis, Cheng & Egerton, J. Electron Microsc. Tech. 8 (1988) 193, "
      + "with the counts beyond the aperture for the energy losses",
    parameters: [
      .init(
        "radius", \.radius, .quantity(lengthUnits),
        "The aperture: bright-field counts are those with r < radius; default: the convergence semi-angle.")
    ],
    outputs: [description],
    example: "- log_ratio: {radius: 25 mrad}")

  private static let description = OutputDescription(
    "log_ratio", .map, quantity: "Relative thickness", unit: "",
    "ln(total / bright-field counts), t/λ of scattering beyond the radius; NaN without bright-field counts.")

  public var needs: Set<Fact> { radius == nil ? [.center, .disk] : [.center] }

  public func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    let aperture = try aperture(context)
    return [
      Self.description.with(
        lengthAttributes("radius", aperture.radius, context)
          + centerAttributes(context) + [("pixels", .integer(aperture.pixels.count))])
    ]
  }

  public func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel {
    let aperture = try aperture(context), map = try outputs.rows("log_ratio")
    return context.followsOrigin
      ? FollowingLogRatioKernel(radius: aperture.radius, context, map) : LogRatioKernel(aperture.pixels, context, map)
  }

  private func aperture(_ context: FrameContext) throws -> (radius: Double, pixels: PixelSelection) {
    let geometry = DetectorGeometry(context.detector, center: context.center)
    var found = context.diskRadius
    let problems = gather(at: "radius") {
      if let radius {
        found = try context.pixels(radius)
        try requireInside(found!, given: radius, geometry, context, key: "")
      }
    }
    try problems.throwIfAny()
    guard let radius = found else {
      throw Problem(
        .badConfiguration, at: "radius",
        "missing, and the convergence semi-angle is not known; give it, or calibration.semiangle and "
          + "calibration.detector_pixel")
    }
    let alive = PixelSelection.alive(context.detector, dead: context.deadPixels)
    let pixels = geometry.annulus(inner: 0, outer: radius).intersection(alive)
    guard !pixels.isEmpty, pixels.count < alive.count else {
      throw Problem(
        .badConfiguration, at: "radius",
        "\(pixels.isEmpty ? "no" : "every") pixel lies inside of \(lengthText(radius, context)) "
          + "(\(edgeText(geometry, context))); the detector must reach beyond the bright disk: choose another radius")
    }
    return (radius, pixels)
  }
}

private final class LogRatioKernel: FrameKernel {
  private let map: Rows
  let accumulators: [any Accumulator] = []
  private let sums: MaskSums
  private var counts = (bright: 0.0, total: 0.0)

  init(_ aperture: PixelSelection, _ context: FrameContext, _ map: Rows) {
    self.map = map
    let alive = PixelSelection.alive(context.detector, dead: context.deadPixels)
    sums = MaskSums([.selection(aperture), .selection(alive)], shape: context.detector, type: context.pixelType)
  }

  func add(_ frame: Frame, row: Int) {
    sums.add(frame, row: row) { mask, _, value in
      if mask == 0 { counts.bright = value } else { counts.total = value }
    }
    map.set(row, logRatio(total: counts.total, bright: counts.bright))
  }
}

/// The aperture moves with the origin.
private final class FollowingLogRatioKernel: FrameKernel {
  private let map: Rows
  let accumulators: [any Accumulator] = []
  private let total: MaskSums
  private let bright: FollowingSums
  private var center: Pair<Double>

  init(radius: Double, _ context: FrameContext, _ map: Rows) {
    self.map = map
    center = context.center
    let alive = PixelSelection.alive(context.detector, dead: context.deadPixels)
    total = MaskSums([.selection(alive)], shape: context.detector, type: context.pixelType)
    bright = FollowingSums([.annulus(inner: 0, outer: radius)], kept: alive, type: context.pixelType)
  }

  func follow(_ center: Pair<Double>) { self.center = center }

  func add(_ frame: Frame, row: Int) {
    var counts = (bright: 0.0, total: 0.0)
    bright.sum(frame, around: center) { counts.bright = $1 }
    total.add(frame, row: row) { counts.total = $2 }
    map.set(row, logRatio(total: counts.total, bright: counts.bright))
  }
}

/// NaN where it is no ratio of counts: below 1 it is only with negative values.
private func logRatio(total: Double, bright: Double) -> Double {
  let ratio = bright > 0 ? total / bright : .nan
  return ratio >= 1 ? log(ratio) : .nan
}
