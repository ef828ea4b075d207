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
