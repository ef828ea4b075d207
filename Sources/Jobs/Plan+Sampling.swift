import STEM

/// One line of what `check` says about how the experiment samples the specimen.
public struct SamplingFact: Sendable, Equatable {
  public enum Verdict: String, Sendable, Codable { case ok, warning, unknown }

  public let label: String
  public let text: String
  public let verdict: Verdict

  public init(_ label: String, _ text: String, _ verdict: Verdict) {
    self.label = label
    self.text = text
    self.verdict = verdict
  }
}

extension Plan {
  /// Step against λ/4α, detector edge against α, dose.
  /// - Parameter meanCounts: mean counts of a pattern, where frames have been read; needed for the dose
  public func sampling(meanCounts: Double? = nil) -> [SamplingFact] {
    [stepFact(context.calibration), edgeFact, doseFact(context.calibration, meanCounts)]
  }

  /// The intensity of a pattern varies with the probe's position up to the frequency 2α/λ (Rodenburg, McCallum & Nellist,
  /// Ultramicroscopy 48 (1993) 304), so that λ/4α is the largest step that samples it.
  private func stepFact(_ calibration: Calibration) -> SamplingFact {
    let label = "scan step"
    guard let step = calibration.scanStep?.value else { return unknown(label, "calibration.scan_step") }
    let given = step.y == step.x ? "\(shortNumber(step.y)) Å" : "\(shortNumber(step.y)) × \(shortNumber(step.x)) Å"
    guard let wavelength = calibration.wavelength else { return unknown(label, "calibration.energy", given) }
    guard let semiangle = calibration.semiangle?.value else { return unknown(label, "calibration.semiangle", given) }
    let limit = wavelength / (4 * semiangle)
    let isFine = max(step.y, step.x) <= limit * (1 + 1e-9)
    return SamplingFact(
      label,
      "\(given); λ/4α is \(shortNumber(limit)) Å"
        + (isFine ? "" : "; the step is \(threeDigits(max(step.y, step.x) / limit)) times too large for DPC and phase"),
      isFine ? .ok : .warning)
  }

  /// The smallest angle at which the detector ends, seen from the center.
  private var edgeFact: SamplingFact {
    let label = "detector edge"
    let center = context.center
    let assumed = context.calibration.center == nil ? " (center assumed in the middle)" : ""
    let y = min(center.y + 0.5, Double(context.detector.y) - 0.5 - center.y)
    let x = min(center.x + 0.5, Double(context.detector.x) - 0.5 - center.x)
    guard let radius = context.diskRadius else {
      return unknown(label, "calibration.semiangle", "\(threeDigits(min(y, x))) px")
    }
    // In units of the disk's radius, which is the mean over the axes where pixels are not square.
    let ratio: Double
    let given: String
    if let pixel = context.calibration.pixelAngle {
      let edge = min(y * pixel.y, x * pixel.x)
      ratio = edge / (radius * pixel.mean)
      given = "\(threeDigits(edge * 1e3)) mrad"
    } else {
      ratio = min(y, x) / radius
      given = "\(threeDigits(min(y, x))) px"
    }
    let text = "\(given) = \(threeDigits(ratio)) α\(assumed)"
    return ratio < 1
      ? SamplingFact(label, text + "; the bright disk is cut off", .warning) : SamplingFact(label, text, .ok)
  }

  private func doseFact(_ calibration: Calibration, _ meanCounts: Double?) -> SamplingFact {
    guard let gain = calibration.countsPerElectron?.value else {
      return unknown("dose", "calibration.counts_per_electron")
    }
    let dose = meanCounts.flatMap { Dose(meanCounts: $0, calibration) }
    return SamplingFact("dose", dose?.text ?? "\(shortNumber(gain)) counts per electron", .ok)
  }

  private func unknown(_ label: String, _ key: String, _ known: String? = nil) -> SamplingFact {
    SamplingFact(label, (known.map { "\($0); " } ?? "") + "\(key) is not known", .unknown)
  }
}
