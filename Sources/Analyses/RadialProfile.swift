import Foundation
import Kernels
import STEM

/// Means over rings around the optical axis.
public struct RadialProfile: FrameAnalysis {
  public var bins: Int?
  public var outerRadius: Quantity?

  public init() {}

  public static let declaration = Declaration<Self>(
    "radial_profile", "Mean over rings around the center, per position and over the scan.",
    source: "Mean over pixels with floor(r / width) = k, r from pixel centers",
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

  public var needs: Set<Fact> { [.center] }

  public func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    let rings = try rings(context)
    let attributes =
      lengthAttributes("bin_width", rings.width, context)
      + lengthAttributes("outer_radius", rings.outer, context) + centerAttributes(context) + ellipseAttributes(context)
    return Self.descriptions(unit: intensityUnit(context), axis: rings.axis(context)).map { $0.with(attributes) }
  }

  public func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel {
    let rings = try rings(context), places = try RadialOutputs(outputs)
    return context.followsOrigin ? FollowingRadialKernel(rings, context, places) : RadialKernel(rings, context, places)
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
    let rings = Rings(geometry, bins: bins, outer: outer, ellipse: context.calibration.ellipse?.value)
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

  let ellipse: Ellipse?

  init(_ geometry: DetectorGeometry, bins: Int?, outer: Double?, ellipse: Ellipse?) {
    self.geometry = geometry
    self.ellipse = ellipse
    let edge = Self.edge(geometry, ellipse)
    closed = bins != nil && outer == nil
    if let bins {
      count = bins
      // A detector of one pixel has no extent.
      self.outer = outer ?? max(edge, 0.5)
      width = self.outer / Double(bins)
    } else {
      width = 1
      self.outer = outer ?? edge.rounded(.down) + 1
      count = Int(self.outer.rounded(.up))
    }
  }

  private static func radius(_ y: Int, _ x: Int, _ geometry: DetectorGeometry, _ ellipse: Ellipse?) -> Double {
    guard let ellipse else { return geometry.radius(y, x) }
    let place = ellipse.corrected(Pair(Double(y) - geometry.center.y, Double(x) - geometry.center.x))
    return hypot(place.y, place.x)
  }

  /// The largest radius of any pixel, which is that of a corner.
  private static func edge(_ geometry: DetectorGeometry, _ ellipse: Ellipse?) -> Double {
    let (bottom, right) = (geometry.shape.y - 1, geometry.shape.x - 1)
    return [(0, 0), (0, right), (bottom, 0), (bottom, right)].map { radius($0.0, $0.1, geometry, ellipse) }.max() ?? 0
  }

  func ring(_ y: Int, _ x: Int) -> Int? {
    let r = Self.radius(y, x, geometry, ellipse)
    guard r < outer || closed else { return nil }
    // r / width of a radius below `outer` may round up to `count`.
    return min(count - 1, Int(width == 1 ? r : r / outer * Double(count)))
  }

  /// Ring of every pixel, row-major; nil outside all rings and for dead pixels.
  func ofPixels(_ context: FrameContext) -> [Int?] {
    var rings: [Int?] = []
    for y in 0..<context.detector.y { for x in 0..<context.detector.x { rings.append(ring(y, x)) } }
    return context.deadPixels.map { dead in zip(rings, dead).map { $1 ? nil : $0 } } ?? rings
  }

  func axis(_ context: FrameContext) -> OutputAxis {
    var scale = 1.0, unit = "px"
    if let pixel = context.calibration.pixelAngle {
      (scale, unit) = (pixel.mean * 1000, "mrad")
    } else if let pixel = context.calibration.pixelReciprocal {
      (scale, unit) = (pixel.mean, "Å⁻¹")
    }
    return OutputAxis("Radius", unit: unit, values: (0..<count).map { (Double($0) + 0.5) * width * scale })
  }
}

private struct RadialOutputs {
  let profile: Rows
  let mean: Whole
  let pixels: Whole

  init(_ outputs: OutputBinding) throws {
    profile = try outputs.rows("profile")
    (mean, pixels) = (try outputs.whole("mean_profile"), try outputs.whole("pixels_per_bin"))
  }
}

private final class RadialKernel: GroupKernel {
  private let outputs: RadialOutputs
  let accumulators: [any Accumulator]
  private let sums: RingSums
  private let total: any Accumulator
  private let frames = PixelSum<UInt64>(1)

  init(_ rings: Rings, _ context: FrameContext, _ outputs: RadialOutputs) {
    self.outputs = outputs
    sums = RingSums(rings.ofPixels(context), bins: rings.count, shape: context.detector, type: context.pixelType)
    total = sums.makeTotal()
    accumulators = [total, frames]
  }

  func add(_ group: FrameGroup, firstRow: Int) {
    sums.add(group, total: total) { outputs.profile.floats(firstRow + $0) }
    frames.values[0] += UInt64(group.positions.count)
  }

  func finish() {
    outputs.mean.set(sums.means(total, frames: frames.values[0]))
    outputs.pixels.set(sums.pixels.map(Double.init))
  }
}

/// Rings around the origin of each frame.
private final class FollowingRadialKernel: FrameKernel {
  private let outputs: RadialOutputs
  let accumulators: [any Accumulator]
  private let rings: FollowingRings
  private let total: any Accumulator
  private let pixels: PixelSum<UInt64>
  private let frames = PixelSum<UInt64>(1)
  private var center: Pair<Double>

  init(_ rings: Rings, _ context: FrameContext, _ outputs: RadialOutputs) {
    self.outputs = outputs
    let geometry = RingGeometry(
      count: rings.count, width: rings.width, outer: rings.outer, closed: rings.closed, ellipse: rings.ellipse)
    self.rings = FollowingRings(
      geometry, shape: context.detector, dead: context.deadPixels, type: context.pixelType)
    total = self.rings.makeTotal()
    pixels = PixelSum(rings.count)
    accumulators = [total, pixels, frames]
    center = context.center
  }

  func follow(_ center: Pair<Double>) { self.center = center }

  func add(_ frame: Frame, row: Int) {
    rings.add(frame, around: center, means: outputs.profile.floats(row), total: total, pixels: pixels)
    frames.values[0] += 1
  }

  func finish() {
    let count = Double(frames.values[0])
    outputs.mean.set(rings.means(total, pixels: pixels))
    outputs.pixels.set(pixels.values.map { Double($0) / count })
  }
}
