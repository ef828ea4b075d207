import Foundation
import Kernels
import STEM

/// The elliptical distortion, from a ring of the mean pattern.
public struct RingEllipse: CalibratingStage {
  /// Lengths on the detector between which the ring lies: inner, outer.
  var ring: Pair<Quantity>?

  public init() {}

  public static let jobPlace = "calibration.ellipse"
  public static let declaration = Declaration<Self>(
    "ring_ellipse", "Elliptical distortion of a ring in the mean pattern of a sample of the scan.",
    source: "least squares of an ellipse through the ring's maxima",
    parameters: [
      .init("ring", \.ring, .pair(.quantity(lengthUnits)), "[inner, outer] radius between which one ring lies.")
    ], outputs: [], example: "")

  public var needs: Set<Fact> { [.deadPixels, .center] }
  public var provides: Set<Fact> { [.ellipse] }

  public func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    _ = try radii(context)
    return []
  }

  private func radii(_ context: FrameContext) throws -> (inner: Double, outer: Double) {
    guard let ring else { throw Problem(.badConfiguration, at: "ring", "missing; give [inner, outer] radius") }
    return (try context.pixels(ring.y, at: "ring"), try context.pixels(ring.x, at: "ring"))
  }

  public func run(_ context: any StageContext) throws {
    let (kernel, _) = try MeanPattern.measure(context)
    var facts = Facts()
    try context.onFirst {
      let frame = context.frame
      let found = try EllipseFit.find(
        kernel.mean, shape: frame.detector, dead: frame.deadPixels, center: frame.center, ring: try radii(frame))
      facts.ellipse = found.ellipse
      context.note(
        String(
          format: "ellipse %.4f with its long axis at %.1f deg measured on the ring of %.2f px (%.2g px rms)",
          found.ellipse.ratio, found.ellipse.angle * 180 / .pi, found.radius, found.residual))
    }
    try context.provide(facts)
  }
}
