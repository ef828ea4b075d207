import Preprocessing
import STEM

extension Planner {
  /// What analyses see of an input; nil where its corrections cannot be.
  mutating func corrected(
    _ source: any FrameSource, _ scan: Shape, isKnown: Bool, _ sections: DecodedSections
  ) -> (Preprocessing, CorrectedScan?) {
    var preprocessing = Preprocessing()
    preprocessing.detector = sections.detector.correction(arrays)
    preprocessing.detector.deadPixels = deadPixels(sections.detector, source.description.detectorShape)
    preprocessing.scan = sections.scan.correction
    if sections.detector.deadPixelAction == .interpolate, sections.detector.deadPixels == nil,
      sections.detector.references.isEmpty
    {
      warnings.append(
        "detector.dead_pixel_action: interpolate changes nothing: no pixel is known to be dead; give detector.dead_pixels"
      )
    }
    guard isKnown else { return (preprocessing, nil) }
    do {
      let corrected = try preprocessing.applied(to: source, scan: scan)
      warnings += corrected.warnings
      return (preprocessing, corrected)
    } catch {
      add(error)
      return (preprocessing, nil)
    }
  }
}

extension Plan {
  /// Whether bad pixels are to be found in the frames of the file before anything else.
  public var findsBadPixels: Bool { preprocessing.detector.findsDeadPixels }

  /// The plan once the bad pixels are found, as indices in the frames of the file. Throws `Problems`.
  public func with(badPixels: [Int]) throws(Problems) -> Plan {
    var plan = self
    var dead = [Bool](repeating: false, count: rawSource.description.detectorShape.count)
    for pixel in badPixels where dead.indices.contains(pixel) { dead[pixel] = true }
    plan.preprocessing.detector.deadPixels = dead
    let corrected = try plan.preprocessing.applied(to: rawSource, scan: rawScan)
    plan.corrected = corrected
    plan.context.deadPixels = corrected.deadPixels
    plan.context.saturation = corrected.saturation
    return plan
  }
}
