import Foundation
import STEM
import Testing

@testable import Jobs

@Suite("from a job to a plan")
struct PlanTests {
  @Test("the job's calibration goes over the file's, and each value knows where it came from")
  func origins() throws {
    let plan = try plan(goodJob + "\ncalibration: {energy: 300 keV, scan_step: 0.04 nm, scan_rotation: -90 deg}")
    let calibration = plan.context.calibration
    #expect(calibration.energy == Sourced(300_000, .job))
    #expect(calibration.semiangle == Sourced(0.02, .file))
    #expect(calibration.scanStep == Sourced(Pair(0.4, 0.4), .job))
    let rotation = try #require(calibration.scanRotation)
    #expect(abs(rotation.value + Double.pi / 2) < 1e-15)
    #expect(plan.parameters.contains(ResolvedParameter(path: "calibration.energy", value: "300 keV", origin: .job)))
    #expect(
      plan.parameters.contains(ResolvedParameter(path: "calibration.semiangle", value: "0.02 rad", origin: .file)))
    #expect(plan.parameters.contains(ResolvedParameter(path: "output.images", value: "true", origin: .default)))
    #expect(plan.parameters.contains(ResolvedParameter(path: "input.scan_shape", value: "[6, 8]", origin: .file)))
  }

  @Test("pairs are y, x; a center may be in px, mrad or Å⁻¹")
  func center() throws {
    // Pixels of 4 mrad × 2 mrad at 200 keV: λ = 0.025079 Å.
    func center(_ text: String) throws -> Pair<Double> {
      let plan = try plan(
        goodJob + "\ncalibration: {detector_pixel: [4 mrad, 2 mrad], energy: 200 keV, center: \(text)}")
      return try #require(plan.context.calibration.center).value
    }
    #expect(try center("[7.5, 20]") == Pair(7.5, 20))
    #expect(try center("[7.5 px, 20]") == Pair(7.5, 20))
    let angles = try center("[30 mrad, 0.04 rad]")
    #expect(abs(angles.y - 7.5) < 1e-12 && abs(angles.x - 20) < 1e-12)
    let reciprocal = try center("[1 Å⁻¹, 10 1/nm]")
    #expect(abs(reciprocal.y - 0.0250793 / 0.004) < 1e-3 && abs(reciprocal.x - 0.0250793 / 0.002) < 1e-3)
    #expect(try center("[-0.5, 31.5]") == Pair(-0.5, 31.5))
  }

  @Test("the scan shape: from the file, from the job, and the job's over the file's with a warning")
  func scanShape() throws {
    #expect(try plan(goodJob).scan == Pair(6, 8))
    let raw = try plan("input: {path: frames.raw, scan_shape: [4, 12]}\noutput: {path: o}\nanalyses: [center_of_mass]")
    #expect(raw.scan == Pair(4, 12))
    #expect(raw.warnings.isEmpty)
    let other = try plan("input: {path: scan.h5, scan_shape: [8, 6]}\noutput: {path: o}\nanalyses: [center_of_mass]")
    #expect(other.scan == Pair(8, 6))
    #expect(other.selection.shape == Pair(8, 6))
    #expect(other.warnings == ["input.scan_shape: the file says 6 × 8, the job 8 × 6; the job's is used"])
  }

  @Test("a file's impossible calibration is ignored with a warning")
  func impossibleFile() throws {
    let plan = try plan(
      goodJob,
      in: world {
        $0.calibration.energy = Sourced(0, .file); $0.calibration.center = Sourced(Pair(99, 3), .file)
      })
    #expect(plan.context.calibration.energy == nil)
    #expect(plan.context.calibration.center == nil)
    #expect(plan.toMeasure == [.center])
    #expect(plan.warnings.count == 2)
    #expect(plan.warnings.allSatisfy { $0.hasPrefix("scan.h5: the file's") })
  }

  @Test("roi, mask and flyback leave out what they say, against a naive reference")
  func selection() throws {
    var mask = DenseArray(shape: [6, 8], values: [Double](repeating: 1, count: 48))
    mask.values[3 * 8 + 4] = 0
    let job =
      goodJob
      + "\nscan: {roi: [[1, 5], [2, 8]], mask: m.npy, exclude_flyback: {columns: 3, last_rows: 2, last_columns: 1}}"
    let selected = try #require(try plan(job, in: world(arrays: ["m.npy": mask])).selection.selected)
    for y in 0..<6 {
      for x in 0..<8 {
        let expected = (1..<5).contains(y) && (2..<8).contains(x) && x >= 3 && x < 7 && y < 4 && (y, x) != (3, 4)
        #expect(selected[y * 8 + x] == expected, "\(y), \(x)")
      }
    }
    #expect(try plan(goodJob + "\nscan: {roi: [[0, 6], [0, 8]]}").selection.selected == nil)
  }

  @Test("masks of another shape, with NaN or leaving nothing are refused")
  func badMasks() {
    func refusal(_ shape: [Int], _ value: Double, _ job: String) -> String {
      let count = shape.reduce(1, *)
      return failure(
        goodJob + job,
        in: world(arrays: ["m.npy": DenseArray(shape: shape, values: [Double](repeating: value, count: count))])
      ).text
    }
    let scan = "\nscan:\n  mask: m.npy"
    #expect(
      refusal([8, 6], 1, scan).hasPrefix(
        "job.yml:6: scan.mask: the array has the shape 8 × 6, the scan 6 × 8; give an array of"))
    #expect(refusal([6, 8], .nan, scan).hasPrefix("job.yml:6: scan.mask: NaN at [0, 0]"))
    #expect(refusal([6, 8], 0, scan).hasPrefix("job.yml:5: scan: roi, mask and exclude_flyback leave no position"))
    let dead = "\ndetector: {dead_pixels: m.npy}"
    #expect(refusal([16, 32], 1, dead).hasPrefix("job.yml:5: detector.dead_pixels: every pixel is dead"))
    #expect(refusal([16], 1, dead).contains("the array has the shape 16, the detector 16 × 32; give an array of"))
    #expect(refusal([16, 32], 0, dead).isEmpty)
  }

  @Test("what nobody knows and an analysis needs is measured, and given values stay")
  func measurement() throws {
    let job =
      "input: {path: bare.h5}\noutput: {path: o}\nanalyses:\n  - virtual_detectors: {detectors: {bf: {preset: bf}}}\n"
    let unknown = try plan(job)
    #expect(unknown.toMeasure == [.center, .disk])
    #expect(unknown.context.calibration.center == nil)
    let px = try unknown.measured(center: Pair(7, 16.5), diskRadius: 5).context
    #expect(px.calibration.center == Sourced(Pair(7, 16.5), .measured))
    #expect(px.diskRadius == 5)
    #expect(px.calibration.semiangle == nil)

    let known = try plan(job + "calibration: {center: [8, 8], detector_pixel: 4 mrad}")
    #expect(known.toMeasure == [.disk])
    let angle = try known.measured(center: Pair(7, 16.5), diskRadius: 5).context
    #expect(angle.calibration.center == Sourced(Pair(8, 8), .job))
    #expect(angle.calibration.semiangle?.origin == .measured)
    #expect(abs(angle.calibration.semiangle!.value - 0.02) < 1e-15)
    #expect(abs(angle.diskRadius! - 5) < 1e-12)
    #expect(
      try plan(job + "calibration: {center: [8, 8], detector_pixel: 4 mrad, semiangle: 8 mrad}").toMeasure.isEmpty)
  }

  @Test("the outputs of an analysis say which file and line they stem from when they are refused")
  func outputs() throws {
    let plan = try plan(goodJob.replacing("{}", with: "{outer_radius: 100 mrad}"))
    #expect(try plan.analyses[0].outputs(plan.context).map(\.name) == ["deflection_y"])
    #expect(plan.analyses[0].revision == 3)
    #expect(plan.analyses[0].algorithm == "Test, eq. 1")
    var context = plan.context
    context.calibration.detectorPixel = nil
    #expect { try plan.analyses[0].outputs(context) } throws: {
      ($0 as? Problems)?.list.first?.place == "job.yml:4: analyses.0.center_of_mass.outer_radius"
    }
    #expect { try plan.analyses[0].makeKernel(plan.context) } throws: {
      ($0 as? Problems)?.list.first?.place == "job.yml:4: analyses.0.center_of_mass"
    }
  }

  @Test("the same analysis may occur several times, as a word and as a map")
  func repeated() throws {
    let plan = try plan(
      "input: {path: scan.h5}\noutput: {path: o}\nanalyses:\n- center_of_mass\n- center_of_mass:\n- center_of_mass: {outer_radius: 3 px}"
    )
    #expect(plan.analyses.map(\.place) == (0..<3).map { "analyses.\($0).center_of_mass" })
    #expect(plan.analyses.map { $0.parameters[0].value } == [.null, .null, .text("3 px")])
  }
}

@Suite("the resolved job")
struct ResolvedJobTests {
  private let job = """
    input: {path: scan.h5, scan_shape: [8, 6]}
    output: {path: "out: 1.h5", images: false}
    calibration:
      energy: 199.87654321012 keV
      detector_pixel: 1.23456789012345 mrad
      center: [7.123456789, 0.03141592653589793 rad]
    scan: {roi: [[1, 8], [0, 6]], exclude_flyback: {columns: 1}}
    detector: {dead_pixels: "dead *.npy"}
    analyses:
      - virtual_detectors:
          detectors:
            bf: {preset: bf}
            "no": {radius: 1.00000000000001 mrad}
      - center_of_mass: {outer_radius: 3.3333333333333335 px}
      - center_of_mass
    """
  private let arrays = ["dead *.npy": DenseArray(shape: [16, 32], values: [1] + [Double](repeating: 0, count: 511))]

  @Test("gives the same plan again, to the last bit, and itself")
  func roundTrip() throws {
    let environment = world(arrays: arrays) { $0.calibration.semiangle = Sourced(0.02 / 3, .file) }
    let first = try plan(job, [.set("calibration.scan_rotation=12.3456789 deg")], in: environment)
    let again = try plan(first.resolvedJob, in: world(arrays: arrays) { $0.calibration = Calibration() })
    #expect(again.resolvedJob == first.resolvedJob)
    let (a, b) = (first.context.calibration, again.context.calibration)
    #expect(a.energy?.value == b.energy?.value)
    #expect(a.semiangle?.value == b.semiangle?.value)
    #expect(a.detectorPixel?.value == b.detectorPixel?.value)
    #expect(a.scanStep?.value == b.scanStep?.value)
    #expect(a.scanRotation?.value == b.scanRotation?.value)
    #expect(a.center?.value == b.center?.value)
    #expect(first.selection == again.selection)
    #expect(first.context.deadPixels == again.context.deadPixels)
    #expect(first.outputPath == again.outputPath && first.images == again.images && first.scan == again.scan)
    #expect(
      first.analyses.map(\.parameters).map { $0.map(\.value) }
        == again.analyses.map(\.parameters).map { $0.map(\.value) })
    let radius = (again.analyses[1].stage as? TestCenterOfMass)?.outerRadius
    #expect(radius == Quantity(3.3333333333333335, .pixel))
  }

  @Test("does not depend on whether a value came from the file or the command line")
  func sameText() throws {
    let file = try plan(goodJob + "\ncalibration: {energy: 300 keV}")
    let line = try plan(goodJob, [.set("calibration.energy=300 keV")])
    #expect(file.resolvedJob == line.resolvedJob)
    #expect(file.resolvedJob != (try plan(goodJob)).resolvedJob)
  }
}

@Suite("sampling")
struct SamplingTests {
  private func facts(_ calibration: String, meanCounts: Double? = nil) throws -> [String: SamplingFact] {
    let plan = try plan(
      "input: {path: bare.h5}\noutput: {path: o}\nanalyses: [center_of_mass]\ncalibration: {\(calibration)}")
    return Dictionary(uniqueKeysWithValues: plan.sampling(meanCounts: meanCounts).map { ($0.label, $0) })
  }

  @Test("the step is held against λ/4α: at 200 keV and 20 mrad 0.3135 Å")
  func step() throws {
    #expect(try facts("energy: 200 keV, semiangle: 20 mrad, scan_step: 0.31 Å")["scan step"]?.verdict == .ok)
    let coarse = try #require(
      try facts("energy: 200 keV, semiangle: 20 mrad, scan_step: [0.31 Å, 0.627 Å]")["scan step"])
    #expect(coarse.verdict == .warning)
    #expect(coarse.text.contains("0.31349") && coarse.text.contains("2 times too large"))
    #expect(
      try facts("energy: 200 keV, scan_step: 1 Å")["scan step"]?.text == "1 Å; calibration.semiangle is not known")
  }

  @Test("the detector's edge is held against α")
  func edge() throws {
    // 16 × 32 pixels of 4 mrad around (7.5, 15.5): the nearest edge is 8 px = 32 mrad away.
    let wide = try facts("detector_pixel: 4 mrad, semiangle: 20 mrad, center: [7.5, 15.5]")["detector edge"]
    #expect(wide == SamplingFact("detector edge", "32 mrad = 1.6 α", .ok))
    let cut = try #require(try facts("detector_pixel: 4 mrad, semiangle: 20 mrad, center: [3, 15.5]")["detector edge"])
    #expect(cut.verdict == .warning)
    #expect(cut.text.contains("14 mrad = 0.7 α"))
  }

  @Test("dose: counts over gain, over the area of a step")
  func dose() throws {
    #expect(try facts("scan_step: 1 Å")["dose"]?.verdict == .unknown)
    let dose = try facts("counts_per_electron: 2, scan_step: [0.5 Å, 0.2 nm]", meanCounts: 3000)["dose"]
    #expect(dose?.text == "1500 e/pattern, 1500 e/Å²")
  }
}
