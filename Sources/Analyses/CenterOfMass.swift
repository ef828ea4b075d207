import Kernels
import STEM

/// Mean deflection of the beam: center of mass minus the optical axis.
public struct CenterOfMass: FrameAnalysis {
  public var outerRadius: Quantity?
  public var mask: String?

  public init() {}

  public static let declaration = Declaration<Self>(
    "center_of_mass", "Mean beam deflection at every scan position: center of mass minus center.",
    source: "Müller et al., Nat. Commun. 5:5653 (2014), eq. 2",
    parameters: [
      .init(
        "outer_radius", \.outerRadius, .quantity(lengthUnits),
        "Only pixels nearer to the center are collected; default: the whole detector. A tight one biases the result."
      ),
      .init("mask", \.mask, .file, "A .npy file or file.h5:/dataset with 1 for pixels to collect and 0 for others."),
    ],
    outputs: deflections("deflection", "px")
      + deflections("deflection_angle", "mrad", " Where the detector's pixel size is known as an angle.")
      + deflections("deflection_reciprocal", "Å⁻¹", " Where it is known as a reciprocal length."),
    example: "- center_of_mass: {outer_radius: 30 mrad}")

  private static func deflections(_ name: String, _ unit: String, _ condition: String = "") -> [OutputDescription] {
    [("y", "down"), ("x", "to the right")].map { axis, direction in
      OutputDescription(
        "\(name)_\(axis)", .map, quantity: name == "deflection" ? "Displacement" : "Deflection", unit: unit,
        signed: true, "Mean deflection along \(axis), positive \(direction); NaN for an empty frame.\(condition)")
    }
  }

  public var needs: Set<Fact> { [.center] }
  public var files: [String] { mask.map { [$0] } ?? [] }

  public func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    let pixels = try selection(context).count
    var outputs = Self.deflections("deflection", "px")
    if context.calibration.pixelAngle != nil { outputs += Self.deflections("deflection_angle", "mrad") }
    if context.calibration.pixelReciprocal != nil { outputs += Self.deflections("deflection_reciprocal", "Å⁻¹") }
    var attributes: [(key: String, value: Setting)] = []
    if let outerRadius { attributes += lengthAttributes("outer_radius", try context.pixels(outerRadius), context) }
    attributes += centerAttributes(context) + [("pixels", .integer(pixels))] + ellipseAttributes(context)
    return outputs.map { $0.with(attributes) }
  }

  public func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel {
    let collected = try selection(context)
    guard context.followsOrigin, let outerRadius else {
      let moments = Moments(collected, type: context.pixelType)
      return try DeflectionKernel(context, outputs) { frame, _ in moments.center(frame) }
    }
    // The radius moves along.
    let still = try selection(context, withRadius: false)
    let moments = FollowingMoments(
      radius: try context.pixels(outerRadius), kept: still, type: context.pixelType)
    return try DeflectionKernel(context, outputs) { frame, origin in moments.center(frame, around: origin) }
  }

  /// - Parameter withRadius: false: only what does not move with the origin
  private func selection(_ context: FrameContext, withRadius: Bool = true) throws -> PixelSelection {
    let geometry = DetectorGeometry(context.detector, center: context.center)
    var selection = PixelSelection.alive(context.detector, dead: context.deadPixels)
    var problems: [Problem] = []
    if let outerRadius, withRadius {
      problems += gather(at: "outer_radius") {
        let radius = try context.pixels(outerRadius)
        try requireInside(radius, given: outerRadius, geometry, context, key: "")
        selection = selection.intersection(geometry.annulus(inner: 0, outer: radius))
      }
    }
    if let mask {
      problems += gather(at: "mask") { selection = selection.intersection(try binary(mask, context)) }
    }
    try problems.throwIfAny()
    guard !selection.isEmpty else {
      throw Problems([
        Problem(
          .badConfiguration, at: mask == nil ? "outer_radius" : "mask",
          "no pixel is left to collect (\(edgeText(geometry, context))); choose a larger radius or another mask")
      ])
    }
    return selection
  }

  private func binary(_ path: String, _ context: FrameContext) throws -> PixelSelection {
    let weights = try maskWeights(path, at: "", context)
    if let wrong = weights.first(where: { $0 != 0 && $0 != 1 }) {
      throw Problem(.badData, "\(path) has the weight \(shortNumber(wrong)); only 0 and 1 are allowed")
    }
    return PixelSelection(context.detector, weights.map { $0 == 1 })
  }
}

/// Deflections in every unit that is known.
private struct DeflectionRows {
  private let y: [Rows]
  private let x: [Rows]
  /// Size of a pixel in the unit of each of `y` and `x`.
  private let scales: [Pair<Double>]
  private let ellipse: Ellipse?

  init(_ context: FrameContext, _ outputs: OutputBinding) throws {
    ellipse = context.calibration.ellipse?.value
    var scales = [("deflection", Pair(1.0, 1.0))]
    if let angle = context.calibration.pixelAngle {
      scales.append(("deflection_angle", Pair(angle.y * 1000, angle.x * 1000)))
    }
    if let reciprocal = context.calibration.pixelReciprocal { scales.append(("deflection_reciprocal", reciprocal)) }
    self.scales = scales.map(\.1)
    y = try scales.map { try outputs.rows("\($0.0)_y") }
    x = try scales.map { try outputs.rows("\($0.0)_x") }
  }

  func set(_ row: Int, _ measured: Pair<Double>) {
    let deflection = ellipse?.corrected(measured) ?? measured
    for (index, scale) in scales.enumerated() {
      y[index].set(row, deflection.y * scale.y)
      x[index].set(row, deflection.x * scale.x)
    }
  }
}

private final class DeflectionKernel: FrameKernel {
  let accumulators: [any Accumulator] = []
  private let deflections: DeflectionRows
  /// The center of mass of a frame, of which the second argument is the origin [px].
  private let locate: (Frame, Pair<Double>) -> Pair<Double>
  private var center: Pair<Double>

  init(
    _ context: FrameContext, _ outputs: OutputBinding,
    _ locate: @escaping (Frame, Pair<Double>) -> Pair<Double>
  ) throws {
    deflections = try DeflectionRows(context, outputs)
    self.locate = locate
    center = context.center
  }

  func follow(_ center: Pair<Double>) { self.center = center }

  func add(_ frame: Frame, row: Int) {
    let position = locate(frame, center)
    deflections.set(row, Pair(position.y - center.y, position.x - center.x))
  }
}
