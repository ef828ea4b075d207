import Preprocessing
import STEM

/// The frames of a plan as far as facts are known.
public struct PlannedFrames: Sendable {
  public let source: any FrameSource
  public let context: FrameContext
  /// What is done to frames and scan, in words; empty for nothing.
  public let corrections: [String]

  public var description: SourceDescription { source.description }
}

extension Plan {
  /// Whether bad pixels are to be found in the frames of the file before anything else.
  public var findsBadPixels: Bool { unknown.contains(.deadPixels) }

  /// What is known of the frames in the file, before corrections.
  public var fileContext: FrameContext {
    let raw = rawSource.description
    return FrameContext(scan: rawScan, detector: raw.detectorShape, pixelType: raw.pixelType)
  }

  /// What analyses see once these facts are known; what the job or the file gives stays. A measured radius gives the
  /// semiangle where the size of a pixel is known, and the size of a pixel where the semiangle is. Throws `Problems`.
  public func frames(_ facts: Facts) throws(Problems) -> PlannedFrames {
    var context = context
    let corrected = try facts.deadPixels.map(withoutPixels) ?? corrected
    if facts.deadPixels != nil {
      context.deadPixels = corrected?.deadPixels
      context.saturation = corrected?.saturation
    }
    context.calibration.complete(
      center: facts.center, diskRadius: facts.diskRadius, knownRadius: context.diskRadius)
    if context.calibration.ellipse == nil {
      context.calibration.ellipse = facts.ellipse.map { Sourced($0, .measured) }
    }
    return PlannedFrames(
      source: corrected?.source ?? rawSource, context: context, corrections: corrected?.summary ?? [])
  }

  /// - Parameter pixels: indices in the frames of the file
  private func withoutPixels(_ pixels: [Int]) throws(Problems) -> CorrectedScan? {
    var preprocessing = preprocessing
    var dead = [Bool](repeating: false, count: rawSource.description.detectorShape.count)
    for pixel in pixels where dead.indices.contains(pixel) { dead[pixel] = true }
    preprocessing.detector.deadPixels = dead
    return try preprocessing.applied(to: rawSource, scan: rawScan)
  }
}
