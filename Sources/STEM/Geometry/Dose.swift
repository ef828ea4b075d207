/// What a pattern was recorded with.
public struct Dose: Sendable, Codable, Equatable {
  public let electronsPerPattern: Double
  /// [e/Å²] over the area of a scan step, whatever the probe's size; nil where the step is not known.
  public let electronsPerSquareAngstrom: Double?
  /// What it was taken from: `mean of 4096 patterns`.
  public var source = ""

  /// Converts counts to electrons; nil where the counts of an electron are not known.
  /// - Parameter meanCounts: mean total of a pattern
  public init?(meanCounts: Double, _ calibration: Calibration) {
    guard let gain = calibration.countsPerElectron?.value else { return nil }
    electronsPerPattern = meanCounts / gain
    let electrons = electronsPerPattern
    electronsPerSquareAngstrom = calibration.scanStep.map { electrons / ($0.value.y * $0.value.x) }
  }

  /// The mean of the totals of patterns; nil where nothing was counted.
  /// - Parameters:
  ///   - totals: counts of a pattern each; NaN for positions that were left out
  ///   - isSample: whether more patterns exist than `totals` has
  public init?(totals: [Double], isSample: Bool, _ calibration: Calibration) {
    let counts = totals.filter(\.isFinite)
    guard !counts.isEmpty else { return nil }
    self.init(meanCounts: counts.reduce(0, +) / Double(counts.count), calibration)
    source = isSample ? "mean of a sample of \(counts.count) patterns" : "mean of \(counts.count) patterns"
  }

  /// `1200 e/pattern, 75 e/Å²`
  public var text: String {
    let density =
      electronsPerSquareAngstrom.map { ", \(threeDigits($0)) e/Å²" } ?? "; e/Å² needs calibration.scan_step"
    return "\(threeDigits(electronsPerPattern)) e/pattern\(density)"
  }
}
