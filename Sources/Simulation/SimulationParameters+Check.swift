import Foundation
import STEM

extension SimulationParameters {
  /// Throws everything that is impossible about the parameters, each `Problem` at the name of its key.
  public func check() throws(Problems) {
    var problems = shapeProblems()
    expect(energy, in: 1000...10_000_000, "energy", "from 1 keV to 10 MeV", .electronvolt, &problems)
    expect(detectorPixel, in: 1e-7...0.1, "detector_pixel", "from 0.0001 mrad to 100 mrad", .milliradian, &problems)
    for step in [scanStep.y, scanStep.x] {
      expect(step, in: 1e-4...1e6, "scan_step", "from 0.0001 Å to 1000000 Å", .angstrom, &problems)
    }
    expect(scanRotation, in: -1000...1000, "scan_rotation", "any finite angle", .degree, &problems)
    if let dose, !(dose > 0 && dose <= 1e12) {
      problems.append(
        Problem(.badConfiguration, at: "dose", "\(shortNumber(dose)) given; more than 0 and at most 10^12 electrons"))
    }
    if !(0...100).contains(peakPhase) {
      problems.append(
        Problem(.badConfiguration, at: "peak_phase", "\(shortNumber(peakPhase)) rad given; from 0 to 100 rad"))
    }
    // What follows computes with the values above.
    if problems.isEmpty { problems = opticalProblems() }
    try problems.throwIfAny()
  }

  private func shapeProblems() -> [Problem] {
    var problems: [Problem] = []
    let positions = scanShape.y.multipliedReportingOverflow(by: scanShape.x)
    if scanShape.y < 1 || scanShape.x < 1 || positions.overflow || positions.partialValue > 1 << 40 {
      problems.append(
        Problem(.badConfiguration, at: "scan_shape", "\(scanShape.text) given; at least 1 × 1, at most 2^40 positions"))
    }
    if !(8...4096).contains(detectorShape.y) || !(8...4096).contains(detectorShape.x) {
      problems.append(
        Problem(.badConfiguration, at: "detector_shape", "\(detectorShape.text) given; from 8 × 8 to 4096 × 4096"))
    }
    return problems
  }

  private func expect(
    _ value: Double, in range: ClosedRange<Double>, _ key: String, _ allowed: String, _ unit: STEM.Unit,
    _ problems: inout [Problem]
  ) {
    if range.contains(value) { return }
    let given = Quantity(value / unit.factor, unit)
    problems.append(Problem(.badConfiguration, at: key, "\(given) given; allowed: \(allowed)"))
  }

  private func opticalProblems() -> [Problem] {
    var problems: [Problem] = []
    let milliradians = { (angle: Double) in Quantity(angle * 1000, .milliradian).description }
    // The disk with its soft edge inside the detector; the probe (diameter 1.22 λ/α) inside the window λ/pixel.
    let largest = (Double(min(detectorShape.y, detectorShape.x) / 2) - 1.5) * detectorPixel
    let smallest = 2.5 * detectorPixel
    if !(smallest...max(smallest, largest)).contains(semiangle) {
      problems.append(
        Problem(
          .badConfiguration, at: "semiangle",
          "\(milliradians(semiangle)) given; on a detector of \(detectorShape.text) pixels of "
            + "\(milliradians(detectorPixel)) it is from \(milliradians(smallest)) to \(milliradians(largest)); "
            + "change detector_pixel or detector_shape"))
    } else if !(abs(c10) * semiangle <= 0.4 * window) {
      problems.append(
        Problem(
          .badConfiguration, at: "defocus",
          "\(shortNumber(-c10)) Å given; the probe would leave the window of \(shortNumber(window)) Å; "
            + "at most ±\(shortNumber((0.4 * window / semiangle).rounded(.down))) Å, or a smaller detector_pixel"))
    }
    let finest = max(sampling.y, sampling.x)
    if object != .vacuum, let width = objectWidth, !(width >= finest && width <= window) {
      problems.append(
        Problem(
          .badConfiguration, at: "object_width",
          "\(shortNumber(width)) Å given; from \(shortNumber(finest)) Å (a sample of the wave) to "
            + "\(shortNumber(window)) Å (its window)"))
    }
    return problems
  }
}
