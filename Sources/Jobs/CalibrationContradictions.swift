import Foundation
import STEM

/// Where the job's calibration differs from what the file or the instrument says, by more than a rounded number does.
struct CalibrationContradictions {
  /// One sentence each, with both values.
  let sentences: [String]

  /// - Parameters:
  ///   - used: the calibration of the job over `known`
  ///   - known: what the file and the instrument say
  init(_ used: Calibration, over known: Calibration) {
    var found: [String] = []
    func compare<Value>(
      _ key: String, _ value: KeyPath<Calibration, Sourced<Value>?>, text: (Value) -> String,
      isSame: (Value, Value) -> Bool
    ) {
      guard let used = used[keyPath: value], let known = known[keyPath: value],
        [.job, .commandLine].contains(used.origin), ![.job, .commandLine].contains(known.origin),
        !isSame(used.value, known.value)
      else { return }
      found.append(
        "calibration.\(key): \(text(used.value)) (\(used.origin.rawValue)) is used, the \(known.origin.rawValue) says "
          + text(known.value))
    }
    compare("energy", \.energy, text: { "\(shortNumber($0 / 1000)) keV" }, isSame: isRounded)
    compare("semiangle", \.semiangle, text: { "\(shortNumber($0 * 1000)) mrad" }, isSame: isRounded)
    compare("scan_step", \.scanStep, text: { "[\(shortNumber($0.y)), \(shortNumber($0.x))] Å" }, isSame: isRounded)
    compare("scan_rotation", \.scanRotation, text: { "\(shortNumber($0 * 180 / .pi)) deg" }) {
      abs(remainder($0 - $1, 2 * .pi)) <= 0.1 * .pi / 180
    }
    compare("transpose", \.transpose, text: { "\($0)" }, isSame: ==)
    compare("center", \.center, text: { "[\(shortNumber($0.y)), \(shortNumber($0.x))] px" }) {
      abs($0.y - $1.y) <= 0.05 && abs($0.x - $1.x) <= 0.05
    }
    compare("counts_per_electron", \.countsPerElectron, text: { shortNumber($0) }, isSame: isRounded)
    compare(
      "ellipse", \.ellipse, text: { "ratio \(shortNumber($0.ratio)) at \(shortNumber($0.angle * 180 / .pi)) deg" }
    ) {
      abs($0.ratio - $1.ratio) <= 0.001 && ($0.ratio < 1.002 || abs(remainder($0.angle - $1.angle, .pi)) < 0.02)
    }
    // Sizes of pixels may come in different units, which only the energy connects.
    if let pixel = used.detectorPixel, let other = known.detectorPixel, pixel.origin != other.origin,
      [.job, .commandLine].contains(pixel.origin)
    {
      let isAngle = pixel.value.y.unit.dimension == .angle
      let size = isAngle ? used.pixelAngle : used.pixelReciprocal
      var converted = used
      converted.detectorPixel = other
      if let size, let stored = isAngle ? converted.pixelAngle : converted.pixelReciprocal, !isRounded(size, stored) {
        func text(_ pair: Pair<Double>) -> String {
          let scale = isAngle ? 1000.0 : 1
          return "[\(shortNumber(pair.y * scale)), \(shortNumber(pair.x * scale))] \(isAngle ? "mrad" : "Å⁻¹")"
        }
        found.append(
          "calibration.detector_pixel: \(text(size)) (\(pixel.origin.rawValue)) is used, the \(other.origin.rawValue) says "
            + text(stored))
      }
    }
    sentences = found
  }
}

/// Whether two values differ by no more than the rounding of numbers that people write: half a percent.
private func isRounded(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 0.005 * max(abs(a), abs(b)) }

private func isRounded(_ a: Pair<Double>, _ b: Pair<Double>) -> Bool { isRounded(a.y, b.y) && isRounded(a.x, b.x) }
