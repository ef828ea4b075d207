import Foundation
import Kernels
import STEM

/// Center and radius of the bright disk in the mean pattern.
public struct BrightDiskStage: CalibratingStage {
  public init() {}

  public static let jobPlace = "calibration.center"
  public static let declaration = Declaration<Self>(
    "bright_disk", "Center and radius of the bright disk in the mean pattern of a sample of the scan.",
    source: "half of the plateau's height, and the area above it", parameters: [], outputs: [], example: "")

  public var needs: Set<Fact> { [.deadPixels] }
  public var provides: Set<Fact> { [.center, .disk] }

  public func run(_ context: any StageContext) throws {
    let (kernel, positions) = try MeanPattern.measure(context)
    var facts = Facts()
    try context.onFirst {
      let frame = context.frame
      let disk = try BrightDisk.find(kernel.mean, shape: frame.detector, dead: frame.deadPixels)
      (facts.center, facts.diskRadius) = (disk.center, disk.radius)
      report(disk, positions, context)
    }
    try context.provide(facts)
  }

  private func report(_ disk: BrightDisk, _ positions: Int, _ context: any StageContext) {
    context.note(
      String(
        format: "center %.2f, %.2f px and disk radius %.2f px measured in the mean of %d patterns", disk.center.y,
        disk.center.x, disk.radius, positions))
    context.keep("measured_disk_radius_px", .number(disk.radius))
    if disk.clipped { context.warn("the bright disk is cut by the detector's edge; its center may be off") }
    if let contradiction = contradiction(disk, context.frame.diskRadius) { context.warn(contradiction) }
  }

  /// A disk of another size than semiangle and pixel say: at least one of both is wrong. Not of a disk that is cut, the
  /// radius of which is not well known.
  /// - Parameter known: radius from the given semiangle and pixel [px]
  private func contradiction(_ disk: BrightDisk, _ known: Double?) -> String? {
    guard let known, !disk.clipped, abs(disk.radius - known) > 0.05 * known else { return nil }
    return String(
      format: "the bright disk has a radius of %.2f px in the mean pattern, %.2f px by calibration.semiangle and "
        + "calibration.detector_pixel, which are used; check both", disk.radius, known)
  }
}
