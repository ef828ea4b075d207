import Kernels
import STEM

/// Fluctuation electron microscopy: how much the diffraction varies from place to place, ring by ring.
public struct FluctuationMicroscopy: FrameAnalysis {
  /// The rings are those of a radial profile.
  var rings = RadialProfile()

  public init() {}

  public static var keepsMeanCenter: Bool { true }

  public static let declaration = Declaration<Self>(
    "fem", "Fluctuation electron microscopy: normalized variance V(k) over rings, in four definitions.",
    source: "Daulton, Bondi & Kelton, Ultramicroscopy 110 (2010) 1279; shot noise: Var = counts_per_electron × mean",
    parameters: [
      .init(
        "bins", \.rings.bins, .integer(1...RadialProfile.maximumBins),
        "Rings of equal width over 0 ≤ r < outer_radius; without it, ring k holds floor(r) = k px."),
      .init(
        "outer_radius", \.rings.outerRadius, .quantity(lengthUnits),
        "Where the last ring ends; default: the pixel farthest from the center, which the last ring then holds."),
    ],
    outputs: descriptions(nil, corrected: true),
    example: "- fem: {bins: 64}")

  private static let curves: [(name: String, summary: String)] = [
    ("v_omega", "V_Ω: Var over positions of the ring's mean / its mean²."),
    ("v_r", "V_r: Var over the ring's pixels / mean², averaged over positions with counts in the ring."),
    ("v_re", "V_re: Var over the ring's pixels and all positions as one ensemble / mean²."),
    ("omega_v", "Ω_V: Var over positions / mean² of every pixel with counts (variance_image), averaged over the ring."),
  ]

  private static func descriptions(_ axis: OutputAxis?, corrected: Bool) -> [OutputDescription] {
    func profile(_ name: String, _ summary: String) -> OutputDescription {
      OutputDescription(name, .profile, quantity: "Normalized variance", unit: "", axis: axis, summary)
    }
    let plain = curves.map { profile($0.name, $0.summary) }
    let withoutNoise = curves.map {
      profile(
        "\($0.name)_corrected",
        "\($0.name) less the share of shot noise. Where calibration.counts_per_electron is known.")
    }
    return [
      OutputDescription(
        "ring_variance", .perPositionProfile, quantity: "Normalized variance", unit: "", element: .float32, axis: axis,
        "Var / mean² over the pixels of each ring at every position; NaN without counts.")
    ] + plain + (corrected ? withoutNoise : []) + [
      OutputDescription(
        "variance_image", .pattern, quantity: "Normalized variance", unit: "",
        "Var / mean² over positions of every pixel of a ring; NaN without counts.")
    ]
  }

  public var needs: Set<Fact> { [.center] }

  public func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    let rings = try rings.rings(context), gain = context.calibration.countsPerElectron?.value
    let attributes =
      lengthAttributes("bin_width", rings.width, context)
      + lengthAttributes("outer_radius", rings.outer, context) + [("center_px", context.center.setting)]
      + ellipseAttributes(context) + (gain.map { [("counts_per_electron", .number($0))] } ?? [])
    return Self.descriptions(rings.axis(context), corrected: gain != nil).map { $0.with(attributes) }
  }

  public func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel {
    try FluctuationKernel(try rings.rings(context), context, outputs)
  }
}

private final class FluctuationKernel: FrameKernel {
  var accumulators: [any Accumulator] { fluctuation.accumulators }
  var workBytes: Int { fluctuation.workBytes }
  private let fluctuation: Fluctuation
  private let ringVariance: Rows
  private let varianceImage: Whole
  private let curves: [(part: KeyPath<Fluctuation.Curves, Fluctuation.Curve>, plain: Whole, corrected: Whole?)]
  private let gain: Double?

  init(_ rings: Rings, _ context: FrameContext, _ outputs: OutputBinding) throws {
    fluctuation = Fluctuation(
      rings.ofPixels(context), bins: rings.count, shape: context.detector, type: context.pixelType)
    let gain = context.calibration.countsPerElectron?.value
    self.gain = gain
    ringVariance = try outputs.rows("ring_variance")
    varianceImage = try outputs.whole("variance_image")
    let parts: [(String, KeyPath<Fluctuation.Curves, Fluctuation.Curve>)] = [
      ("v_omega", \.omega), ("v_r", \.ring), ("v_re", \.ensemble), ("omega_v", \.image),
    ]
    curves = try parts.map { name, part in
      (part, try outputs.whole(name), gain == nil ? nil : try outputs.whole("\(name)_corrected"))
    }
  }

  func add(_ frame: Frame, row: Int) { fluctuation.add(frame, variances: ringVariance.floats(row)) }

  func flush() { fluctuation.flush() }

  func finish() {
    let found = fluctuation.curves()
    varianceImage.set(found.varianceImage)
    for curve in curves {
      let values = found[keyPath: curve.part]
      curve.plain.set(values.values)
      if let gain { curve.corrected?.set(values.corrected(countsPerElectron: gain)) }
    }
  }
}
