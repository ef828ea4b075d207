/// Something about the experiment that one stage finds and others need.
public enum Fact: String, Sendable, Codable, CaseIterable {
  /// Detector pixels without a usable value: `Facts.deadPixels`.
  case deadPixels = "dead pixels"
  /// The optical axis on the detector: `Calibration.center`.
  case center
  /// The size of the bright disk: `Calibration.semiangle` or `Calibration.diskRadius`.
  case disk = "semiangle"
  /// The elliptical distortion of the detector's image: `Calibration.ellipse`.
  case ellipse
  /// The optical axis at every position: `Facts.origins`.
  case origins = "origin"
  /// The electrons of a pattern: `Facts.dose`.
  case dose
}

/// What stages have found so far. The same on all ranks; what is found before the first pixel of a result is computed is
/// stored with the checkpoint, so that a resumed run takes it over. nil: not found, or given by the job or the file.
public struct Facts: Sendable, Codable, Equatable {
  /// Indices in a frame of the file, ascending.
  public var deadPixels: [Int]?
  /// [px] in corrected frames.
  public var center: Pair<Double>?
  /// Radius of the bright disk [px].
  public var diskRadius: Double?
  public var ellipse: Ellipse?
  public var origins: OriginField?
  public var dose: Dose?

  public init() {}

  /// `self` with what `other` knows on top.
  public func updated(by other: Facts) -> Facts {
    var result = self
    result.deadPixels = other.deadPixels ?? deadPixels
    result.center = other.center ?? center
    result.diskRadius = other.diskRadius ?? diskRadius
    result.ellipse = other.ellipse ?? ellipse
    result.origins = other.origins ?? origins
    result.dose = other.dose ?? dose
    return result
  }
}
