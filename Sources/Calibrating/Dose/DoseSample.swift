import Kernels
import STEM

/// The dose of a few patterns, where no analysis of the job counts all of them.
public struct DoseSample: CalibratingStage {
  public init() {}

  public static let jobPlace = "calibration.counts_per_electron"
  public static let declaration = Declaration<Self>(
    "dose_sample", "Mean number of electrons in a few patterns.", source: "", parameters: [], outputs: [], example: "")

  public static let mostPositions = 16

  public var needs: Set<Fact> { [.deadPixels] }
  public var provides: Set<Fact> { [.dose] }

  public func run(_ context: any StageContext) throws {
    var facts = Facts()
    try context.onFirst {
      guard let reader = try? context.makeReader() else { return }
      let totals = Self.totals(reader, context.positions, context.frame)
      facts.dose = Dose(totals: totals, isSample: true, context.frame.calibration)
    }
    try context.provide(facts)
  }

  /// Total counts of a few patterns spread over these positions; those that cannot be read are left out.
  public static func totals(_ reader: any FrameReader, _ positions: PositionSelection, _ context: FrameContext)
    -> [Double]
  {
    let summaries = FrameSummaries(
      .alive(context.detector, dead: context.deadPixels), type: context.pixelType, saturation: context.saturation)
    let chosen = positions.runs(in: 0..<positions.shape.count).flatMap { $0 }
    let sample = (0..<min(mostPositions, chosen.count)).map {
      chosen[$0 * chosen.count / min(mostPositions, chosen.count)]
    }
    reader.expect(sample.map { $0..<($0 + 1) })
    var totals: [Double] = []
    for position in sample {
      try? reader.forEachFrame(in: position..<(position + 1)) { totals.append(summaries.summarize($1).sum) }
    }
    return totals
  }
}
