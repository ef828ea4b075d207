import Analyses
import Jobs
import STEM

/// The dose of a run and what it was taken from.
public struct RunDose: Sendable {
  public let electronsPerPattern: Double
  public let electronsPerSquareAngstrom: Double?
  /// `mean of 4096 patterns`
  public let source: String
  let text: String

  var attributes: [(key: String, value: Setting)] {
    [("dose_electrons_per_pattern", .number(electronsPerPattern))]
      + (electronsPerSquareAngstrom.map { [("dose_electrons_per_square_angstrom", .number($0))] } ?? [])
      + [("dose_source", .text(source))]
  }

  /// nil where counts are not electrons for want of `calibration.counts_per_electron`, or nothing was counted.
  init?(_ totals: [Double], isSample: Bool, _ calibration: Calibration) {
    // NaN: positions that were left out.
    let counts = totals.filter(\.isFinite)
    guard !counts.isEmpty,
      let dose = Dose(meanCounts: counts.reduce(0, +) / Double(counts.count), calibration)
    else { return nil }
    electronsPerPattern = dose.electronsPerPattern
    electronsPerSquareAngstrom = dose.electronsPerSquareAngstrom
    source = isSample ? "mean of a sample of \(counts.count) patterns" : "mean of \(counts.count) patterns"
    text = dose.text
  }
}

extension Plan {
  /// Total counts of a few patterns spread over the scan, where the counts of an electron are known; empty where they
  /// cannot be read.
  /// - Parameter reader: of `source`, within the memory of the run
  func sampleTotals(_ reader: @autoclosure () throws -> any FrameReader) -> [Double] {
    guard context.calibration.countsPerElectron != nil, let reader = try? reader(),
      let kernel = try? FrameStatistics().makeKernel(context),
      let totals = kernel.rows.first(where: { $0.output == "total" })
    else { return [] }
    let chosen = selection.runs(in: 0..<scan.count).flatMap { $0 }
    let sample = (0..<min(16, chosen.count)).map { chosen[$0 * chosen.count / min(16, chosen.count)] }
    for rows in kernel.rows { rows.prepare(rows: sample.count) }
    reader.expect(sample.map { $0..<($0 + 1) })
    for (row, position) in sample.enumerated() {
      try? reader.forEachFrame(in: position..<(position + 1)) { kernel.add($1, row: row) }
    }
    kernel.flush()
    return sample.indices.map { totals.doubles($0)[0] }
  }
}
