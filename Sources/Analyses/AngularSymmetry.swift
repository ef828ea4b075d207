import Foundation
import Kernels
import STEM

/// Power of the n-fold angular Fourier components of the diffraction in rings.
public struct AngularSymmetry: FrameAnalysis {
  public var rings = Named<RingRange>()
  public var maxOrder = 12
  public var maps = [2, 4, 6]
  public var azimuth = false

  public init() {}

  public static var keepsMeanCenter: Bool { true }

  public static let declaration = Declaration<Self>(
    "angular_symmetry",
    "Angular Fourier components of the diffraction in rings: n-fold symmetry, position by position.",
    source: "|Σ v exp(−inφ) / Σ v − mean of exp(−inφ)|² over the ring's pixels: the power spectrum of the angular "
      + "autocorrelation, Francis et al., Microsc. Microanal. 26 (S2) (2020) 940",
    parameters: [
      .init(
        "rings", \.rings, .named(.object(RingRange.fields)), required: true,
        "Rings by name; each has outputs of that name."),
      .init("max_order", \.maxOrder, .integer(1...64), "The largest n."),
      .init("maps", \.maps, .list(.integer(1...64)), "Orders n that become maps of their own."),
      .init("azimuth", \.azimuth, .flag, "Whether to write the azimuths of the components' maxima, too."),
    ],
    outputs: [
      power("NAME", axis: nil), power("NAME", order: 6), azimuths("NAME", axis: nil), total("NAME", unit: "counts"),
    ],
    example: """
      - angular_symmetry:
          rings:
            first: {inner_radius: 30 mrad, outer_radius: 40 mrad}
      """)

  private static func power(_ ring: String, axis: OutputAxis?) -> OutputDescription {
    OutputDescription(
      "\(ring)_power", .perPositionProfile, quantity: "Power", unit: "", element: .float32, axis: axis,
      "|c_n|² of n = 1 … max_order, 0 to 1; NaN without counts. Shot noise alone gives counts_per_electron / total.")
  }

  private static func power(_ ring: String, order: Int) -> OutputDescription {
    OutputDescription(
      "\(ring)_power_\(order)", .map, quantity: "Power", unit: "", "|c_n|² of n = \(order); one map for each of maps.")
  }

  private static func azimuths(_ ring: String, axis: OutputAxis?) -> OutputDescription {
    OutputDescription(
      "\(ring)_azimuth", .perPositionProfile, quantity: "Azimuth", unit: "deg", element: .float32, axis: axis,
      "Of each component's first maximum, 0 to 360/n, counter-clockwise from +x. With azimuth: true.")
  }

  private static func total(_ ring: String, unit: String) -> OutputDescription {
    OutputDescription("\(ring)_total", .map, quantity: "Intensity", unit: unit, "Sum over the ring.")
  }

  public var needs: Set<Fact> { [.center] }

  public func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    let axis = OutputAxis("Order", unit: "", values: (1...maxOrder).map(Double.init))
    let outputs = zip(rings.list, try placed(context)).flatMap { item, ring in
      var outputs = [Self.power(item.name, axis: axis)] + maps.map { Self.power(item.name, order: $0) }
      if azimuth { outputs.append(Self.azimuths(item.name, axis: axis)) }
      outputs.append(Self.total(item.name, unit: intensityUnit(context)))
      return outputs.map { $0.with(ring.attributes) }
    }
    try requireDistinct(outputs, at: "rings")
    return outputs
  }

  public func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel {
    try AngularKernel(self, try placed(context), context, outputs)
  }

  private func placed(_ context: FrameContext) throws -> [PlacedRing] {
    var problems: [Problem] = []
    var result: [PlacedRing] = []
    for order in maps where order > maxOrder {
      problems.append(
        Problem(.badConfiguration, at: "maps", "\(order) given; up to max_order, which is \(maxOrder), is allowed"))
    }
    for item in rings.list {
      problems += gather(at: "rings.\(item.name)") {
        result.append(try PlacedRing(item.value, orders: maxOrder, context))
      }
    }
    try problems.throwIfAny()
    return result
  }
}

/// inner ≤ r < outer, as a job gives it.
public struct RingRange: NamedValue, Equatable {
  public static let example = "first: {inner_radius: 30 mrad, outer_radius: 40 mrad}"

  public var inner: Quantity
  public var outer: Quantity

  static let fields: [ParameterForm.Field] = [
    .init("inner_radius", .quantity(lengthUnits), required: true, "inner_radius ≤ r."),
    .init("outer_radius", .quantity(lengthUnits), required: true, "r < outer_radius."),
  ]

  public init(_ setting: Setting, form: ParameterForm) throws {
    guard case .map(let items) = setting else {
      throw Problem(
        .badConfiguration, "'\(setting.text)' given; a ring is {inner_radius: 30 mrad, outer_radius: 40 mrad}")
    }
    var reader = FieldReader(items)
    let inner = reader.required("inner_radius", Quantity.self, .quantity(lengthUnits))
    let outer = reader.required("outer_radius", Quantity.self, .quantity(lengthUnits))
    reader.allow(["inner_radius", "outer_radius"], of: "a ring")
    try reader.finish()
    self.inner = inner!
    self.outer = outer!
  }

  public var setting: Setting { .map([("inner_radius", inner.setting), ("outer_radius", outer.setting)]) }
}

/// A ring on the pixels of a scan.
private struct PlacedRing {
  let azimuths: [Double?]
  let attributes: [(key: String, value: Setting)]

  init(_ ring: RingRange, orders: Int, _ context: FrameContext) throws {
    let geometry = DetectorGeometry(context.detector, center: context.center)
    let (inner, outer) = try context.ring(ring.inner, ring.outer)
    try requireInside(outer, given: ring.outer, geometry, context, key: "outer_radius")
    azimuths = Self.azimuths(inner: inner, outer: outer, context)
    let pixels = azimuths.count { $0 != nil }
    guard pixels > 2 * orders else {
      throw Problem(
        .badConfiguration, at: "outer_radius",
        "\(pixels) pixels belong to the ring (\(edgeText(geometry, context))); more than \(2 * orders) are needed for "
          + "max_order \(orders); make it wider")
    }
    attributes =
      lengthAttributes("inner_radius", inner, context) + lengthAttributes("outer_radius", outer, context) + [
        ("center_px", context.center.setting), ("pixels", .integer(pixels)),
        ("largest_gap_deg", .number(AngularPower.largestGap(azimuths) * 180 / .pi)),
      ] + ellipseAttributes(context)
  }

  private static func azimuths(inner: Double, outer: Double, _ context: FrameContext) -> [Double?] {
    let center = context.center, ellipse = context.calibration.ellipse?.value
    return (0..<context.detector.count).map { pixel in
      if context.deadPixels?[pixel] == true { return nil }
      let seen = Pair(
        Double(pixel / context.detector.x) - center.y, Double(pixel % context.detector.x) - center.x)
      let place = ellipse?.corrected(seen) ?? seen
      let radius = hypot(place.y, place.x)
      return inner <= radius && radius < outer && radius > 0 ? atan2(-place.y, place.x) : nil
    }
  }
}

private final class AngularKernel: FrameKernel {
  let accumulators: [any Accumulator] = []
  private struct Ring {
    var power: AngularPower
    var profile: Rows
    var maps: [(order: Int, rows: Rows)]
    var azimuths: Rows?
    var total: Rows
  }
  private let rings: [Ring]

  init(
    _ analysis: AngularSymmetry, _ placed: [PlacedRing], _ context: FrameContext, _ outputs: OutputBinding
  ) throws {
    let orders = analysis.maxOrder
    rings = try zip(analysis.rings.list, placed).map { item, ring in
      Ring(
        power: AngularPower(ring.azimuths, orders: orders, shape: context.detector, type: context.pixelType),
        profile: try outputs.rows("\(item.name)_power"),
        maps: try analysis.maps.map { ($0, try outputs.rows("\(item.name)_power_\($0)")) },
        azimuths: analysis.azimuth ? try outputs.rows("\(item.name)_azimuth") : nil,
        total: try outputs.rows("\(item.name)_total"))
    }
  }

  func add(_ frame: Frame, row: Int) {
    for ring in rings { ring.power.add(frame, row: row) { Self.store(ring, $0) } }
  }

  func flush() {
    for ring in rings { ring.power.flush { Self.store(ring, $0) } }
  }

  private static func store(_ ring: Ring, _ row: Int) {
    let power = ring.power
    let profile = ring.profile.floats(row), azimuths = ring.azimuths?.floats(row)
    for n in 0..<power.orders {
      profile[n] = Float(power.powers[n])
      azimuths?[n] = Float(power.azimuths[n] * 180 / .pi)
    }
    for map in ring.maps { map.rows.set(row, power.powers[map.order - 1]) }
    ring.total.set(row, power.total)
  }
}
