import Kernels
import STEM

/// The optical axis at every position, and its fit over the scan.
public struct OriginFit: Reconstruction {
  enum Method: String, ChoiceParameter { case centerOfMass = "center_of_mass", edge }
  enum Surface: String, ChoiceParameter {
    case constant, plane, parabola, none

    var order: SurfaceFit.Order? { SurfaceFit.Order(rawValue: rawValue) }
  }

  var method = Method.centerOfMass
  var radius: Quantity?
  var fit = Surface.plane
  var robust = true
  var measuredY: String?
  var measuredX: String?

  public init() {}

  public static let declaration = Declaration<Self>(
    "origin", "The beam's position on the detector at every position, and its fit over the scan (descan).",
    source: "least squares with Tukey's biweight, Beaton & Tukey, Technometrics 16:147 (1974); Savitzky et al., "
      + "Microsc. Microanal. 27:712 (2021)",
    parameters: [
      .init(
        "method", \.method, Method.form,
        "center_of_mass within radius, which moves along; or edge: where the disk's edge lies, which texture in the "
          + "disk and the detector's border do not pull."),
      .init(
        "radius", \.radius, .quantity(lengthUnits),
        "center_of_mass: what is collected, default 1.2 × the disk's radius; edge: the disk's radius, default as known "
          + "or measured."),
      .init(
        "fit", \.fit, Surface.form,
        "The surface over the scan; none: what was measured stays, and the median where nothing was."),
      .init("robust", \.robust, .flag, "Whether positions far off the surface do not count."),
      .init(
        "measured_y", \.measuredY, .file,
        "Rows of the origin from elsewhere instead of a measurement, px, one a position: the output measured_y or "
          + "fitted_y of a vacuum scan, a .npy file. Together with measured_x."),
      .init("measured_x", \.measuredX, .file, "Columns of it."),
    ],
    outputs: descriptions,
    example: "- origin: {method: center_of_mass, fit: plane}")

  static let descriptions: [OutputDescription] = [
    ("measured", false, "Origin as measured", "; NaN where the frame shows none."),
    ("fitted", false, "Fitted origin", ", everywhere."),
    ("residual", true, "Measured minus fitted origin", "; NaN where nothing was measured."),
  ].flatMap { name, signed, summary, rest in
    [("y", "row"), ("x", "column")].map { axis, direction in
      OutputDescription(
        "\(name)_\(axis)", .map, quantity: signed ? "Displacement" : "Position", unit: "px", signed: signed,
        "\(summary), \(direction)\(rest)")
    }
  }

  public var needs: Set<Fact> {
    if isGiven { return [] }
    return radius == nil ? [.center, .disk] : [.center]
  }
  public var provides: Set<Fact> { [.origins] }
  public var files: [String] { [measuredY, measuredX].compactMap { $0 } }
  var isGiven: Bool { measuredY != nil || measuredX != nil }

  public func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    if isGiven {
      _ = try givenMaps(context)
      return Self.descriptions
    }
    let radius = try pixels(context)
    let attributes: [(key: String, value: Setting)] =
      [("method", method.setting)] + lengthAttributes("radius", radius, context)
    return Self.descriptions.map { $0.with(attributes) }
  }

  public func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel {
    if isGiven { return NoKernel() }
    return try OriginKernel(isEdge: method == .edge, radius: try pixels(context), context, outputs)
  }

  /// What is collected, or the disk's radius for `edge` [px].
  private func pixels(_ context: FrameContext) throws -> Double {
    let isEdge = method == .edge
    var result: Double?
    if let radius {
      let problems = gather(at: "radius") { result = try context.pixels(radius) }
      try problems.throwIfAny()
    } else {
      result = context.diskRadius.map { isEdge ? $0 : max(1.5, 1.2 * $0) }
    }
    guard let result else {
      throw Problem(
        .badConfiguration, at: "radius",
        "the disk's radius is not known; give radius, or calibration.semiangle and calibration.detector_pixel")
    }
    let least = isEdge ? DiskEdge.smallestRadius : 1
    let most = Double(max(context.detector.y, context.detector.x))
    guard result >= least, result <= most else {
      throw Problem(
        .badConfiguration, at: "radius",
        "\(shortNumber(result)) px\(radius == nil ? " from the disk" : " given"); \(shortNumber(least)) to "
          + "\(shortNumber(most)) px is allowed for \(method.rawValue)"
          + (isEdge && result < least ? "; use center_of_mass for so small a disk" : ""))
    }
    return result
  }

  /// The origin from files. Throws `Problems`.
  func givenMaps(_ context: FrameContext) throws -> Pair<[Double]> {
    var found: [String: [Double]] = [:]
    var problems: [Problem] = []
    for (key, file) in [("measured_y", measuredY), ("measured_x", measuredX)] {
      problems += gather(at: key) {
        found[key] = try map(file, key == "measured_y" ? "measured_x" : "measured_y", context)
      }
    }
    try problems.throwIfAny()
    return Pair(found["measured_y"] ?? [], found["measured_x"] ?? [])
  }

  private func map(_ file: String?, _ other: String, _ context: FrameContext) throws -> [Double] {
    guard let file else { throw Problem(.badConfiguration, "missing; \(other) is given, and both are needed") }
    let values = try context.scanValues(file)
    guard values.contains(where: \.isFinite) else {
      throw Problem(.badData, "\(file) has no finite value; give another file")
    }
    return values
  }

  /// The middle of the origin from files; nothing where it is to be measured or the files do not fit.
  public func given(_ context: FrameContext) -> Facts {
    var facts = Facts()
    guard isGiven, let maps = try? givenMaps(context) else { return facts }
    facts.center = Pair(selectedMedian(maps.y.filter(\.isFinite)), selectedMedian(maps.x.filter(\.isFinite)))
    return facts
  }
}

/// Nothing to do in the pass.
private final class NoKernel: FrameKernel {
  let accumulators: [any Accumulator] = []
  func add(_ frame: Frame, row: Int) {}
}

private final class OriginKernel: FrameKernel {
  let accumulators: [any Accumulator] = []
  private let measuredY, measuredX: Rows
  private let center: Pair<Double>
  private let moments: FollowingMoments
  private let edge: DiskEdge?

  init(isEdge: Bool, radius: Double, _ context: FrameContext, _ outputs: OutputBinding) throws {
    (measuredY, measuredX) = (try outputs.rows("measured_y"), try outputs.rows("measured_x"))
    center = context.center
    let alive = PixelSelection.alive(context.detector, dead: context.deadPixels)
    moments = FollowingMoments(radius: isEdge ? 1.2 * radius : radius, kept: alive, type: context.pixelType)
    edge = isEdge ? DiskEdge(radius: radius, kept: alive, type: context.pixelType) : nil
  }

  func add(_ frame: Frame, row: Int) {
    // The edge is found from half a pixel away, too.
    var place = moments.settled(frame, from: center, tolerance: edge == nil ? 0.05 : 0.5)
    if let edge { place = edge.center(frame, from: place) }
    measuredY.set(row, place.y)
    measuredX.set(row, place.x)
  }
}
