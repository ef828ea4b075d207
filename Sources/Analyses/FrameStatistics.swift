import Kernels
import STEM

/// Statistics over the scan for every detector pixel, and over the detector for every position.
public struct FrameStatistics: Reconstruction {
  public enum Output: String, ChoiceParameter {
    case sum, mean, max, min, std, total, peak
    case badPixels = "bad_pixels"

    static let maps: [Output] = [.total, .peak, .badPixels]
    /// Patterns that need more than sums and largest values.
    static let further: Set<Output> = [.min, .std]
  }

  public var saturation: Double?
  public var wanted = Output.allCases

  public init() {}

  public static let declaration = Declaration<Self>(
    "frame_statistics", "Sum, mean, max, min and std patterns over the scan; total, peak and bad pixels per position.",
    source:
      "NumPy's sum, mean, max, min and std with ddof=0; floats as shifted data (Chan, Golub & LeVeque, Am. Stat. 37 (1983) 242)",
    parameters: [
      .init(
        "saturation", \.saturation, .number(-1e300...1e300),
        "Pixels of at least this value are bad; default: what the file says, or the largest value of the type."),
      .init(
        "outputs", \.wanted, .list(Output.form),
        "What is wanted; without min and std, or without the maps, the pass is faster."),
    ],
    outputs: descriptions(unit: "counts", saturation: nil),
    example: """
      - frame_statistics: {}
      - frame_statistics: {outputs: [sum, mean, max]}
      """)

  private static func descriptions(unit: String, saturation: Double?) -> [OutputDescription] {
    let patterns = [
      ("sum", "Sum over all positions."), ("mean", "Mean over all positions."), ("max", "Largest value."),
      ("min", "Smallest value."), ("std", "Standard deviation over all positions (ddof 0)."),
    ].map { OutputDescription($0.0, .pattern, quantity: "Intensity", unit: unit, $0.1) }
    return patterns + [
      OutputDescription("total", .map, quantity: "Intensity", unit: unit, "Sum over the detector."),
      OutputDescription("peak", .map, quantity: "Intensity", unit: unit, "Largest pixel of the frame."),
      OutputDescription(
        "bad_pixels", .map, quantity: "Pixels", unit: "", "Pixels that are saturated, NaN or infinite."
      ).with(saturation.map { [("saturation", .number($0))] } ?? []),
    ]
  }

  public func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    guard !wanted.isEmpty else {
      throw Problem(
        .badConfiguration, at: "outputs", "[] given; at least one output is needed; remove the key to get all of them")
    }
    let names = wanted.map(\.rawValue)
    return Self.descriptions(unit: intensityUnit(context), saturation: saturation ?? context.saturation)
      .filter { names.contains($0.name) }
  }

  public var provides: Set<Fact> { wanted.contains(.total) ? [.dose] : [] }

  public func memoryBytes(_ context: FrameContext) -> Int { 0 }

  /// The totals give the dose, where it is known what an electron counts.
  public func solves(_ context: FrameContext) -> Bool {
    wanted.contains(.total) && context.calibration.countsPerElectron != nil
  }

  public func solve(_ pass: PassResults, _ context: FrameContext, _ control: any SolverControl) throws -> Solution {
    var solution = Solution(values: [:])
    solution.facts.dose = Dose(totals: pass.rows["total"] ?? [], isSample: false, context.calibration)
    return solution
  }

  public func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel {
    try StatisticsKernel(context, Set(wanted), saturation: saturation ?? context.saturation, outputs)
  }
}

private final class StatisticsKernel: GroupKernel {
  var accumulators: [any Accumulator] { statistics?.accumulators ?? [] }
  var workBytes: Int { statistics?.workBytes ?? 0 }
  private let dead: [Bool]?
  private let summaries: FrameSummaries?
  private let statistics: PixelStatistics?

  /// Those that are wanted.
  private let total: Rows?
  private let peak: Rows?
  private let badPixels: Rows?
  private let patterns: [(part: KeyPath<PixelStatistics.Patterns, [Double]>, place: Whole)]

  typealias Output = FrameStatistics.Output

  init(
    _ context: FrameContext, _ wanted: Set<Output>, saturation: Double?, _ outputs: OutputBinding
  ) throws {
    func map(_ output: Output) throws -> Rows? {
      wanted.contains(output) ? try outputs.rows(output.rawValue) : nil
    }
    (total, peak, badPixels) = (try map(.total), try map(.peak), try map(.badPixels))
    let parts: [(Output, KeyPath<PixelStatistics.Patterns, [Double]>)] = [
      (.sum, \.sum), (.mean, \.mean), (.max, \.largest), (.min, \.smallest), (.std, \.deviation),
    ]
    patterns = try parts.filter { wanted.contains($0.0) }.map { ($0.1, try outputs.whole($0.0.rawValue)) }
    dead = context.deadPixels
    summaries =
      wanted.isDisjoint(with: Output.maps)
      ? nil
      : FrameSummaries(
        PixelSelection.alive(context.detector, dead: dead), type: context.pixelType, saturation: saturation)
    statistics =
      wanted.isSubset(of: Output.maps)
      ? nil
      : PixelStatistics(
        pixels: context.detector.count, type: context.pixelType,
        wanted.isDisjoint(with: Output.further) ? .sumsAndLargest : .all)
  }

  func add(_ group: FrameGroup, firstRow: Int) {
    if let statistics { return statistics.add(group, summaries) { set(firstRow + $0, $1) } }
    guard let summaries else { return }
    for (index, position) in group.positions.enumerated() {
      set(firstRow + index, summaries.summarize(group[position]))
    }
  }

  private func set(_ row: Int, _ summary: FrameSummary) {
    total?.set(row, summary.sum)
    peak?.set(row, summary.largest)
    badPixels?.set(row, Double(summary.bad))
  }

  func flush() { statistics?.flush() }

  func finish() {
    guard let found = statistics?.patterns() else { return }
    for pattern in patterns { pattern.place.set(found[keyPath: pattern.part].without(dead)) }
  }
}
