import Foundation
import STEM
import Testing

@testable import Jobs

/// `scan.h5` has 6 × 8 positions of 16 × 32 pixels.
@Suite("corrections in a plan")
struct CorrectionPlanTests {
  private let job = """
    detector: {dead_pixels: m.npy, transpose: true, flip_x: true, crop: [[2, 32], [0, 16]], bin: [3, 2]}
    scan: {crop: [[0, 6], [2, 8]], bin: 2, roi: [[0, 2], [0, 3]]}
    """
  private var environment: JobEnvironment {
    let values = (0..<512).map { $0 == 3 * 32 + 20 ? 1.0 : 0 }
    return world(arrays: ["m.npy": DenseArray(shape: [16, 32], values: values)]) {
      $0.calibration.center = Sourced(Pair(7.5, 16.5), .file)
      $0.calibration.scanRotation = Sourced(0.3, .file)
    }
  }

  @Test("analyses see the corrected frames and the file's calibration in their coordinates")
  func description() throws {
    let plan = try plan(goodJob + "\n" + job, in: environment)
    #expect(plan.context.detector == Pair(10, 8) && plan.context.scan == Pair(3, 3))
    #expect(plan.context.pixelType == .u32 && plan.context.saturation == nil)
    #expect(plan.description.frameCount == 9 && plan.rawScan == Pair(6, 8))
    #expect(plan.selection.count == 6)
    // (7.5, 16.5) is seen at (16.5, 7.5) after the turn, at (14.5, 7.5) in the window.
    #expect(plan.context.calibration.center == Sourced(Pair(15.0 / 3 - 0.5, 3.5), .file))
    #expect(plan.context.deadPixels?.indices.filter { plan.context.deadPixels![$0] } == [6 * 8 + 6])
    #expect(plan.corrections.count == 2)
  }

  @Test("what the job says of the detector means the corrected frames; the resolved job gives the same plan again")
  func resolved() throws {
    let first = try plan(goodJob + "\n" + job + "\ncalibration: {center: [4, 3]}", in: environment)
    #expect(first.context.calibration.center == Sourced(Pair(4, 3), .job))
    let again = try plan(first.resolvedJob, in: environment)
    #expect(again.resolvedJob == first.resolvedJob)
    let (a, b) = (first.context.calibration, again.context.calibration)
    #expect(a.scanRotation?.value == b.scanRotation?.value && a.transpose?.value == b.transpose?.value)
    #expect(a.center?.value == b.center?.value)
    #expect(first.context.deadPixels == again.context.deadPixels && first.corrections == again.corrections)
  }

  @Test("found pixels complete the plan and change no shape")
  func found() throws {
    for action in ["exclude", "interpolate"] {
      let waiting = try plan(goodJob + "\ndetector: {dead_pixels: find, dead_pixel_action: \(action), flip_y: true}")
      #expect(waiting.findsBadPixels && waiting.context.deadPixels == nil)
      let frames = try waiting.measured(deadPixels: [2 * 32 + 5])
      #expect(frames.description.pixelType == waiting.description.pixelType)
      let dead = frames.context.deadPixels
      #expect(dead?.indices.filter { dead![$0] } == (action == "exclude" ? [13 * 32 + 5] : nil))
      #expect(try waiting.measured(deadPixels: []).context.deadPixels == nil)
    }
  }

  @Test("interpolation of no pixel is warned of")
  func idleInterpolation() throws {
    func warnings(_ section: String) throws -> [String] {
      try plan(goodJob + "\ndetector: {dead_pixel_action: interpolate\(section)}", in: environment).warnings
    }
    #expect(try warnings("").contains { $0.hasPrefix("detector.dead_pixel_action: interpolate changes nothing") })
    for section in [", dead_pixels: find", ", dead_pixels: m.npy", ", dark: m.npy", ", gain: m.npy"] {
      #expect(try warnings(section).allSatisfy { !$0.contains("dead_pixel_action") })
    }
  }

  @Test("what cannot be is refused with its line")
  func refusals() {
    func refusal(_ section: String) -> String { failure(goodJob + "\n" + section, in: environment).text }
    #expect(refusal("detector: {dark: m.npy, rotate: 45}").hasPrefix("job.yml:5: detector.rotate: '45' given; 0, 90"))
    #expect(
      refusal("detector: {crop: [[0, 17], [0, 4]]}").hasPrefix(
        "job.yml:5: detector.crop: [[0, 17], [0, 4]] given; [[y begin, y end], [x begin, x end]] within the 16 × 32"))
    #expect(
      refusal("detector: {crop: [[5, 3], [0, 4]]}").hasPrefix(
        "job.yml:5: detector.crop: [[5, 3], [0, 4]] given; [[y begin, y end], [x begin, x end]] with begin < end"))
    #expect(refusal("scan: {crop: [[4, 4], [0, 4]]}").hasPrefix("job.yml:5: scan.crop: [[4, 4], [0, 4]] given"))
    for key in ["offset", "saturation"] {
      #expect(
        refusal("detector: {\(key): a}").hasPrefix("job.yml:5: detector.\(key): 'a' given; a number is allowed"))
    }
    #expect(refusal("detector: {bin: 17}").hasPrefix("job.yml:5: detector.bin: 17 × 17 given; 1 to 16 and 1 to 32"))
    #expect(refusal("detector: {bin: 0}").hasPrefix("job.yml:5: detector.bin: '0' given"))
    #expect(refusal("scan: {bin: [7, 1]}").hasPrefix("job.yml:5: scan.bin"))
    #expect(refusal("scan: {crop: [[0, 7], [0, 8]]}").hasPrefix("job.yml:5: scan.crop"))
    #expect(refusal("detector: {dark: none.npy}").contains("detector.dark"))
    let turned = world(arrays: ["d.npy": DenseArray(shape: [32, 16], values: .init(repeating: 0, count: 512))])
    #expect(
      failure(goodJob + "\ndetector: {dark: d.npy}", in: turned).text.hasPrefix(
        "job.yml:5: detector.dark: the array has the shape 32 × 16, the file's frames 16 × 32; give an array of"))
  }
}
