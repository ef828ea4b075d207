import Kernels
import STEM

/// Means over rings around the optical axis.
public struct RadialProfile: FrameAnalysis {
  public var bins: Int?
  public var outerRadius: Quantity?

  public init() {}

  public static let declaration = Declaration<Self>(
    "radial_profile", "Mean over rings around the center, per position and over the scan.",
    source: "Mean over pixels with floor(r / width) = k, r from pixel centres",
    parameters: [
      .init(
        "bins", \.bins, .integer(1...maximumBins),
        "Rings of equal width over 0 ≤ r < outer_radius; without it, ring k holds floor(r) = k px."),
      .init(
        "outer_radius", \.outerRadius, .quantity(lengthUnits),
        "Where the last ring ends; default: the pixel farthest from the center, which the last ring then holds."),
    ],
    outputs: descriptions(unit: "counts", axis: nil),
    example: "- radial_profile: {bins: 64}")

  static let maximumBins = 65_535

  private static func descriptions(unit: String, axis: OutputAxis?) -> [OutputDescription] {
    [
      OutputDescription(
        "profile", .perPositionProfile, quantity: "Intensity", unit: unit, element: .float32, axis: axis,
        "Mean over the pixels of each ring; NaN for a ring without pixels."),
      OutputDescription(
        "mean_profile", .profile, quantity: "Intensity", unit: unit, axis: axis,
        "Mean over the pixels of each ring and all positions."),
      OutputDescription(
        "pixels_per_bin", .profile, quantity: "Pixels", unit: "", axis: axis, "Detector pixels of each ring."),
    ]
  }

  public var requirements: Set<Requirement> { [.center] }

  public func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    let rings = try rings(context)
    var outputs = Self.descriptions(unit: intensityUnit(context), axis: rings.axis(context))
    let attributes =
      lengthAttributes("bin_width", rings.width, context)
      + lengthAttributes("outer_radius", rings.outer, context) + [("center_px", context.center.setting)]
    for index in outputs.indices { outputs[index].attributes = attributes }
    return outputs
  }

  public func makeKernel(_ context: FrameContext) throws -> any FrameKernel {
    RadialKernel(try rings(context), context)
  }

  func rings(_ context: FrameContext) throws -> Rings {
    let geometry = DetectorGeometry(context.detector, center: context.center)
    var outer: Double?
    if let outerRadius {
      let problems = gather(at: "outer_radius") {
        let radius = try context.pixels(outerRadius)
        try requireInside(radius, given: outerRadius, geometry, context, key: "")
        guard radius > 0 else { throw Problem(.badConfiguration, "\(outerRadius) given; more than 0 is allowed") }
        outer = radius
      }
      try problems.throwIfAny()
    }
    let rings = Rings(geometry, bins: bins, outer: outer)
    guard rings.count <= Self.maximumBins else {
      throw Problems([
        Problem(
          .badConfiguration, at: "outer_radius",
          "\(rings.count) rings of one pixel; at most \(Self.maximumBins) are allowed; give bins, and check center")
      ])
    }
    return rings
  }
}

/// The rings of a job.
struct Rings {
  let geometry: DetectorGeometry
  let count: Int
  /// [px]
  let width: Double
  /// Where the last ring ends [px].
  let outer: Double
  /// Whether the last ring holds r = `outer` too.
  let closed: Bool

  init(_ geometry: DetectorGeometry, bins: Int?, outer: Double?) {
    self.geometry = geometry
    closed = bins != nil && outer == nil
    if let bins {
      count = bins
      // A detector of one pixel has no extent.
      self.outer = outer ?? max(geometry.edge, 0.5)
      width = self.outer / Double(bins)
    } else {
      width = 1
      self.outer = outer ?? geometry.edge.rounded(.down) + 1
      count = Int(self.outer.rounded(.up))
    }
  }

  func ring(_ y: Int, _ x: Int) -> Int? {
    let r = geometry.radius(y, x)
    guard r < outer || closed else { return nil }
    // r / width of a radius below `outer` may round up to `count`.
    return min(count - 1, Int(width == 1 ? r : r / outer * Double(count)))
  }

  /// Of every pixel, row-major; nil for dead ones too.
  func ofPixels(_ context: FrameContext) -> [Int?] {
    var rings: [Int?] = []
    for y in 0..<context.detector.y { for x in 0..<context.detector.x { rings.append(ring(y, x)) } }
    return context.deadPixels.map { dead in zip(rings, dead).map { $1 ? nil : $0 } } ?? rings
  }

  func axis(_ context: FrameContext) -> OutputAxis {
    var scale = 1.0, unit = "px"
    if let pixel = context.calibration.pixelAngle {
      (scale, unit) = ((pixel.y + pixel.x) / 2 * 1000, "mrad")
    } else if let pixel = context.calibration.pixelReciprocal {
      (scale, unit) = ((pixel.y + pixel.x) / 2, "Å⁻¹")
    }
    return OutputAxis("Radius", unit: unit, values: (0..<count).map { (Double($0) + 0.5) * width * scale })
  }
}

private final class RadialKernel: FrameKernel {
  let rows: [Rows]
  let accumulators: [any Accumulator]
  private let sums: RingSums
  private let total: any Accumulator
  private let frames = PixelSum<UInt64>(1)

  init(_ rings: Rings, _ context: FrameContext) {
    sums = RingSums(rings.ofPixels(context), bins: rings.count, shape: context.detector, type: context.pixelType)
    rows = [Rows("profile", width: rings.count, element: .float32)]
    total = sums.makeTotal()
    accumulators = [total, frames]
  }

  func add(_ frame: UnsafeRawPointer, row: Int) {
    sums.add(frame, means: rows[0].floats(row), total: total)
    frames.values[0] += 1
  }

  func finish() -> [String: [Double]] {
    ["mean_profile": sums.means(total, frames: frames.values[0]), "pixels_per_bin": sums.pixels.map(Double.init)]
  }
}
