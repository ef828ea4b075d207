import STEM

/// What a pattern was recorded with.
public struct Dose: Sendable, Equatable {
  public let electronsPerPattern: Double
  /// [e/Å²] over the area of a scan step, whatever the probe's size; nil where the step is not known.
  public let electronsPerSquareAngstrom: Double?

  /// - Parameter meanCounts: of a pattern
  /// nil where the counts of an electron are not known.
  public init?(meanCounts: Double, _ calibration: Calibration) {
    guard let gain = calibration.countsPerElectron?.value else { return nil }
    electronsPerPattern = meanCounts / gain
    let electrons = electronsPerPattern
    electronsPerSquareAngstrom = calibration.scanStep.map { electrons / ($0.value.y * $0.value.x) }
  }

  /// `1200 e/pattern, 75 e/Å²`
  public var text: String {
    let density = electronsPerSquareAngstrom.map { ", \(short($0)) e/Å²" } ?? "; e/Å² needs calibration.scan_step"
    return "\(short(electronsPerPattern)) e/pattern\(density)"
  }
}
