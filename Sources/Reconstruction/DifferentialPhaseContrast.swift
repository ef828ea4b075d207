import Kernels
import STEM

/// Differential phase contrast: from the deflection of the beam to fields, charge and phase.
public struct DifferentialPhaseContrast: Reconstruction {
  public init() {}

  enum Source: String, ChoiceParameter { case centerOfMass = "center_of_mass", segments }
  enum Response: String, ChoiceParameter { case none, disk, vacuumScan = "vacuum_scan" }
  enum RotationSource: String, ChoiceParameter { case auto, calibration, fit }

  var detector = Source.centerOfMass
  var outerRadius: Quantity?
  var mask: String?
  var segments: SegmentRings?
  var response = Response.none
  var vacuum: String?
  var interpretation = Interpretation.electric
  var thickness: Quantity?
  var rotation = RotationSource.auto
  var descan = Descan.constant
  var method = PhaseIntegration.Method.spectral
  var boundary = Boundary.mirror
  var lowpass: Quantity?
  var highpass: Quantity?
  var order = 2
  var regularization = 0.0
  var solverMask: String?
  var iterations = 200
  var tolerance = 1e-3

  private static let lengths: [STEM.Unit] = [.angstrom, .nanometre]
  private static let frequencies: [STEM.Unit] = [.inverseAngstrom, .inverseNanometre]

  public static let declaration = Declaration<Self>(
    "dpc", "Differential phase contrast: deflection, electric field and charge or magnetic induction, and phase.",
    source:
      "Müller et al., Nat. Commun. 5:5653 (2014); Lazić et al., Ultramicroscopy 160 (2016) 265; rotation: least mean squared curl",
    parameters: detection + interpretations + integration, outputs: DPCOutputs.all,
    example: "- dpc: {interpretation: electric, thickness: 50 Å}")

  private static let detection: [Parameter<Self>] = [
    .init(
      "detector", \.detector, Source.form,
      "Where deflections come from: the center of mass of all pixels, or the signals of detector segments."),
    .init(
      "outer_radius", \.outerRadius, .quantity(lengthUnits),
      "center_of_mass: only pixels nearer to the center; default: the whole detector. A tight one biases the result."),
    .init("mask", \.mask, .file, "center_of_mass: a .npy file or file.h5:/dataset, 1 for pixels to collect, else 0."),
    .init(
      "segments", \.segments, .named(.object(SegmentRings.fields)),
      "segments: rings by name, each cut into equal sectors; the deflection is Σ s_j c_j / Σ s_j with c_j the centroid of the mean pattern in segment j."
    ),
    .init(
      "response", \.response, Response.form,
      "segments: what turns that mean into px: an even disk of the semi-angle, the pattern in vacuum, or nothing (a.u.)."
    ),
    .init("vacuum", \.vacuum, .file, "response vacuum_scan: the mean pattern of a scan without specimen."),
  ]

  private static let interpretations: [Parameter<Self>] = [
    .init(
      "interpretation", \.interpretation, Interpretation.form,
      "What deflects the beam: one scan cannot tell both."),
    .init("thickness", \.thickness, .quantity(lengths), "Of the specimen: fields are then means over it, in V/m or T."),
    .init(
      "rotation", \.rotation, RotationSource.form,
      "Detector against scan: calibration's, or measured as that of least curl (magnetic: divergence); auto measures what is not known."
    ),
    .init(
      "descan", \.descan, Descan.form,
      "Taken off the deflection first. A plane takes an even field and an even charge with it."),
  ]

  private static let integration: [Parameter<Self>] = [
    .init(
      "method", \.method, PhaseIntegration.Method.form,
      "Of the phase: in one step, or by least squares, which also serves scans with missing positions."),
    .init(
      "boundary", \.boundary, Boundary.form, "How the phase goes on beyond the scan."),
    .init("q_lowpass", \.lowpass, .quantity(frequencies), "Phase: half level of a Butterworth filter."),
    .init("q_highpass", \.highpass, .quantity(frequencies), "Phase: half level of a Butterworth filter."),
    .init("butterworth_order", \.order, .integer(1...20), "Of both filters: 1/(1 + (q/q_lowpass)^(2·order))."),
    .init(
      "regularization", \.regularization, .number(0...1e6),
      "Weight of the phase's curvature against the misfit of its slope, in squared scan steps."),
    .init(
      "solver_mask", \.solverMask, .file,
      "An array [scan y, scan x], 0 where the deflection is not to be used for the phase."),
    .init("iterations", \.iterations, .integer(1...100_000), "Least squares: at most so many."),
    .init(
      "tolerance", \.tolerance, .number(0...1),
      "Least squares: ends where an iteration takes less than this part of the misfit."),
  ]

  public var needs: Set<Fact> {
    usesSegments && response == .disk ? [.center, .disk] : [.center]
  }

  public var files: [String] { [mask, vacuum, solverMask].compactMap { $0 } }

  var usesSegments: Bool { detector == .segments }

  public func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    try check(context)
    return DPCOutputs(self, context).list
  }

  public func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel {
    guard usesSegments else { return try BeamKernel(try selection(context), context, outputs) }
    let selections = try segments?.place(context) ?? []
    // The last occasion before the pass, when disk and center have been measured.
    try gather(at: "segments") { try checkResponse(selections, context) }.throwIfAny()
    return try SegmentKernel(selections, context, outputs)
  }

  public func solve(_ pass: PassResults, _ context: FrameContext, _ control: any SolverControl) throws -> Solution {
    var solver = DPCSolver(self, context, pass)
    return try solver.solve(control)
  }

  public func memoryBytes(_ context: FrameContext) -> Int {
    // Maps of the outputs, of the steps between, and spectra.
    (480 + 8 * (segments?.rings.reduce(0) { $0 + $1.sectors } ?? 0)) * context.scan.count
  }
}
