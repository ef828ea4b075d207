import Foundation
import TestSupport
import Testing

/// Frames that a known descan displaces.
@Suite(.serialized) struct OriginTests {
  private let scan = (y: 11, x: 13)
  private let detector = 56

  private func group(_ name: String) -> String { "/Measurement_000/Channel_000/Raw_Data-\(name)_000" }

  private func write(_ values: [UInt16], _ path: String) throws {
    try writeNpyFile(
      path, type: "<u2", shape: "(\(scan.y), \(scan.x), \(detector), \(detector))",
      values.withUnsafeBytes { Data($0) })
  }

  private func write(map values: [Double], _ path: String) throws {
    try writeNpyFile(path, type: "<f8", shape: "(\(scan.y), \(scan.x))", values.withUnsafeBytes { Data($0) })
  }

  /// Disks of radius 11 whose center lies on a plane over the scan, with counts from a fixed generator; a few frames
  /// are empty.
  private func tilted() -> (values: [UInt16], y: [Double], x: [Double]) {
    var generator = Random(4), values: [UInt16] = [], ys: [Double] = [], xs: [Double] = []
    for i in 0..<scan.y {
      for j in 0..<scan.x {
        let cy = 26.3 + 0.35 * Double(i) - 0.15 * Double(j), cx = 28.1 - 0.22 * Double(i) + 0.27 * Double(j)
        let isEmpty = (i * scan.x + j) % 97 == 5
        ys.append(cy)
        xs.append(cx)
        for y in 0..<detector {
          for x in 0..<detector {
            let r = ((Double(y) - cy) * (Double(y) - cy) + (Double(x) - cx) * (Double(x) - cx)).squareRoot()
            let inside = min(1, max(0, 11.5 - r))
            let mean = isEmpty ? 0 : 200 * inside + 2
            // Roughly Poisson: a sum of uniform numbers of the right variance.
            let noise = (0..<4).reduce(0.0) { sum, _ in sum + Double(generator.next() >> 11) * 0x1p-53 - 0.5 }
            values.append(UInt16(max(0, (mean + noise * (3 * mean).squareRoot()).rounded())))
          }
        }
      }
    }
    return (values, ys, xs)
  }

  @Test(
    "a plane of descan is found to 0.02 px and followed, the same on any number of ranks",
    arguments: [
      "center_of_mass", "edge",
    ])
  func recovered(method: String) throws {
    let folder = try TemporaryFolder()
    let truth = tilted(), input = folder.path("scan.npy")
    try write(truth.values, input)
    let job = """
      output: {images: false}
      calibration: {center: fitted}
      analyses:
        - origin: {method: \(method), fit: plane}
        - center_of_mass: {outer_radius: 16 px}
        - virtual_detectors: {detectors: {bf: {preset: bf}, quarter: {shape: segment, outer_radius: 15 px, start_angle: 0 deg, end_angle: 90 deg}}}
        - radial_profile: {outer_radius: 20 px}
        - frame_statistics: {}
      """
    let result = try runJob(job, folder, input: input, output: "one", ranks: 1)
    let y = try doubles(result, group("Origin") + "/fitted_y"), x = try doubles(result, group("Origin") + "/fitted_x")
    let measured = try doubles(result, group("Origin") + "/measured_y")
    let deflection = try doubles(result, group("Center_Of_Mass") + "/deflection_y")
    let bf = try doubles(result, group("Virtual_Detectors") + "/bf")
    for position in truth.y.indices {
      #expect(abs(y[position] - truth.y[position]) < 0.02)
      #expect(abs(x[position] - truth.x[position]) < 0.02)
      let isEmpty = position % 97 == 5
      #expect(measured[position].isNaN == isEmpty)
      if !isEmpty {
        #expect(abs(deflection[position]) < 0.15)
        #expect(abs(bf[position] / 76_000 - 1) < 0.06)
      }
    }
    let serial = try datasetDigests(result)
    for count in [2, 3] {
      #expect(try datasetDigests(runJob(job, folder, input: input, output: "r\(count)", ranks: count)) == serial)
    }
  }

  @Test("analyses that follow give on displaced frames what static ones give on frames in place")
  func sameAsStatic() throws {
    let folder = try TemporaryFolder()
    var generator = Random(12), still: [UInt16] = [], moved: [UInt16] = []
    var ys: [Double] = [], xs: [Double] = []
    for _ in 0..<(scan.y * scan.x) {
      // Counts in the middle 40 × 40 pixels, displaced by at most 7.
      var frame = [UInt16](repeating: 0, count: detector * detector), other = frame
      let dy = Int(generator.next() % 15) - 7, dx = Int(generator.next() % 15) - 7
      for y in 8..<48 {
        for x in 8..<48 {
          let value = UInt16(generator.next() % 50)
          frame[y * detector + x] = value
          other[(y + dy) * detector + x + dx] = value
        }
      }
      still += frame
      moved += other
      ys.append(27.5 + Double(dy))
      xs.append(28.25 + Double(dx))
    }
    try write(still, folder.path("still.npy"))
    try write(moved, folder.path("moved.npy"))
    try write(map: ys, folder.path("y.npy"))
    try write(map: xs, folder.path("x.npy"))
    let analyses = """
        - center_of_mass: {}
        - center_of_mass: {outer_radius: 12 px}
        - virtual_detectors:
            detectors:
              disk: {shape: disk, radius: 7.3 px}
              ring: {shape: annulus, inner_radius: 7.3 px, outer_radius: 15 px}
              part: {shape: segment, inner_radius: 2 px, outer_radius: 15 px, start_angle: 45 deg, end_angle: 200 deg}
              box: {shape: rectangle, height: 9 px, width: 6 px}
              spot: {shape: point}
        - radial_profile: {outer_radius: 19 px}
      """
    let placed = try runJob(
      "output: {images: false}\ncalibration: {center: [27.5, 28.25]}\nanalyses:\n" + analyses, folder,
      input: folder.path("still.npy"), output: "static", ranks: 2)
    let origin =
      "  - origin: {measured_y: \(folder.path("y.npy")), measured_x: \(folder.path("x.npy")), fit: none}\n"
    let followed = try runJob(
      "output: {images: false}\ncalibration: {center: fitted}\nanalyses:\n" + origin + analyses, folder,
      input: folder.path("moved.npy"), output: "followed", ranks: 3)
    for name in ["disk", "ring", "part", "box", "spot"] {
      let place = group("Virtual_Detectors") + "/\(name)"
      #expect(try doubles(followed, place) == doubles(placed, place), "\(name)")
    }
    for place in [
      "Center_Of_Mass_000/deflection_y", "Center_Of_Mass_000/deflection_x", "Center_Of_Mass_001/deflection_y",
    ] {
      let path = "/Measurement_000/Channel_000/Raw_Data-" + place
      let a = try doubles(followed, path), b = try doubles(placed, path)
      #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-9 }, "\(place)")
    }
    for name in ["profile", "mean_profile", "pixels_per_bin"] {
      let path = group("Radial_Profile") + "/\(name)"
      let a = try doubles(followed, path), b = try doubles(placed, path)
      #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 1e-12 * abs($1) }, "\(name)")
    }
  }

  @Test("the ellipse of a ring is fitted in the run, corrected, and stored")
  func ellipse() throws {
    let folder = try TemporaryFolder()
    var generator = Random(3), values: [UInt16] = []
    for _ in 0..<(scan.y * scan.x) {
      for y in 0..<detector {
        for x in 0..<detector {
          // Long axis along the upper right, ratio 1.08.
          let right = Double(x) - 27.5, up = 27.5 - Double(y), c = 0.5.squareRoot()
          let along = (c * right + c * up) / 1.08.squareRoot(), across = (c * right - c * up) * 1.08.squareRoot()
          let r = (along * along + across * across).squareRoot(), inner = (right * right + up * up).squareRoot()
          let mean = (inner < 5.5 ? 100.0 : 0) + 30 * exp(-(r - 20) * (r - 20) / 4) + 3
          values.append(UInt16(mean + 4 * Double(generator.next() >> 11) * 0x1p-53))
        }
      }
    }
    try write(values, folder.path("scan.npy"))
    let job =
      "output: {images: false}\ncalibration: {ellipse: {ring: [15 px, 25 px]}}\nanalyses: [radial_profile, center_of_mass]"
    let path = try folder.write(job, to: "job.yml")
    let outcome = try ronchi(["run", path, "-i", folder.path("scan.npy"), "-o", folder.path("out.h5")], ranks: 2)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("ellipse 1.08") || outcome.errors.contains("ellipse 1.079"), "\(outcome.errors)")
    let profile = try doubles(folder.path("out.h5"), group("Radial_Profile") + "/mean_profile")
    // A circle would smear the ring over 1.5 px: its top would not reach 25.
    #expect(profile[19...20].max()! > 28)
    let none = try ronchi(
      [
        "run", path, "-i", folder.path("scan.npy"), "-o", folder.path("none.h5"), "--set",
        "calibration.ellipse.ring=[8 px, 13 px]",
      ])
    #expect(none.status == 65 && none.errors.contains("no ring was found"), "\(none.errors)")
  }
}
