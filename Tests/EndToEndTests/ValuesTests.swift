import Foundation
import HDF5
import TestSupport
import Testing

/// Numbers of the built program against sums written out in the test.
@Suite(.serialized) struct ValuesTests {
  let scan = TestScan(scan: (7, 5), detector: (20, 26), seed: 7)
  let center = (y: 9.5, x: 13.0)
  let job = """
    output: {images: false}
    calibration: {center: [9.5, 13.0]}
    analyses:
      - virtual_detectors:
          detectors:
            ring: {shape: annulus, inner_radius: 3 px, outer_radius: 8 px}
      - center_of_mass: {}
      - frame_statistics: {}
    """

  private func group(_ name: String, source: String = "Raw_Data") -> String {
    "/Measurement_000/Channel_000/\(source)-\(name)_000"
  }

  @Test("maps and patterns are the sums of the counts, exactly", arguments: ["npy", "raw"])
  func exactSums(format: String) throws {
    let folder = try TemporaryFolder()
    let input = folder.path("scan.\(format)")
    var more: [String] = []
    if format == "npy" {
      try scan.writeNpy(input)
    } else {
      try scan.writeRaw(input)
      more = ["--format", "raw", "--scan-shape", "7,5", "--detector-shape", "20,26", "--pixel-type", "u16"]
    }
    let result = try runJob(job, folder, input: input, output: "result", ranks: 2, more)

    let ring = try doubles(result, group("Virtual_Detectors") + "/ring")
    let total = try doubles(result, group("Frame_Statistics") + "/total")
    let deflectionY = try doubles(result, group("Center_Of_Mass") + "/deflection_y")
    let deflectionX = try doubles(result, group("Center_Of_Mass") + "/deflection_x")
    for position in 0..<scan.frameCount {
      var inRing = 0.0
      var sum = 0.0
      var moment = (y: 0.0, x: 0.0)
      for (pixel, value) in scan.frame(position).enumerated() {
        let y = Double(pixel / 26) - center.y
        let x = Double(pixel % 26) - center.x
        let r = (y * y + x * x).squareRoot()
        if r >= 3 && r < 8 { inRing += Double(value) }
        sum += Double(value)
        moment.y += y * Double(value)
        moment.x += x * Double(value)
      }
      #expect(ring[position] == inRing)
      #expect(total[position] == sum)
      #expect(abs(deflectionY[position] - moment.y / sum) < 1e-9)
      #expect(abs(deflectionX[position] - moment.x / sum) < 1e-9)
    }

    let pattern = try doubles(result, group("Frame_Statistics") + "/sum")
    let deviation = try doubles(result, group("Frame_Statistics") + "/std")
    for pixel in 0..<scan.framePixels {
      let values = (0..<scan.frameCount).map { Double(scan.values[$0 * scan.framePixels + pixel]) }
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      #expect(pattern[pixel] == values.reduce(0, +))
      #expect(abs(deviation[pixel] - variance.squareRoot()) <= 1e-9 * max(1, deviation[pixel]))
    }
  }

  @Test("region patterns, log ratio, pixel noise and fluctuation curves are those of their definitions")
  func moreAnalyses() throws {
    let folder = try TemporaryFolder()
    try scan.writeNpy(folder.path("scan.npy"))
    let job = """
      output: {images: false}
      calibration: {center: [9.5, 13.0], counts_per_electron: 4, scan_step: [0.5 Å, 2 Å]}
      analyses:
        - log_ratio: {radius: 5 px}
        - pixel_noise: {}
        - fem: {bins: 1, outer_radius: 7 px}
      """
    let result = try runJob(
      job + regionJob(folder, scan: scan.scan), folder, input: folder.path("scan.npy"), output: "result", ranks: 2)

    let ratio = try doubles(result, group("Log_Ratio") + "/log_ratio")
    var means: [Double] = []
    for position in 0..<scan.frameCount {
      var bright = 0.0, total = 0.0, ring = 0.0, pixels = 0.0
      for (pixel, value) in scan.frame(position).enumerated() {
        let y = Double(pixel / 26) - center.y, x = Double(pixel % 26) - center.x
        let r = (y * y + x * x).squareRoot()
        total += Double(value)
        if r < 5 { bright += Double(value) }
        if r < 7 { (ring, pixels) = (ring + Double(value), pixels + 1) }
      }
      #expect(abs(ratio[position] - log(total / bright)) < 1e-12)
      means.append(ring / pixels)
    }
    let mean = means.reduce(0, +) / 35
    let spread = means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 35
    let omega = try doubles(result, group("Fem") + "/v_omega")
    #expect(omega.count == 1 && abs(omega[0] - spread / (mean * mean)) < 1e-12)

    let regions = [1: "one", 0: "all"]
    for (label, name) in regions {
      let members = (0..<35).filter { label == 1 ? $0 % 7 != 3 && $0 % 5 == 0 : $0 % 7 == 3 || $0 % 5 == 0 }
      let pattern = try doubles(result, group("Region_Patterns") + "/\(name)_mean")
      for pixel in 0..<scan.framePixels {
        let sum = members.reduce(0) { $0 + Double(scan.values[$1 * scan.framePixels + pixel]) }
        #expect(pattern[pixel] == sum / Double(members.count))
      }
    }
    let noise = try doubles(result, group("Pixel_Noise") + "/variance")
    let again = try doubles(result, group("Pixel_Noise") + "/mean")
    for pixel in 0..<scan.framePixels {
      let values = (0..<35).map { Double(scan.values[$0 * scan.framePixels + pixel]) }
      let mean = values.reduce(0, +) / 35
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 35
      #expect(again[pixel] == mean && abs(noise[pixel] - variance) < 1e-9 * max(1, variance))
    }
  }

  @Test("the dose is in the summary and in the file, from all totals or from a sample", arguments: [true, false])
  func dose(hasTotals: Bool) throws {
    let folder = try TemporaryFolder()
    try scan.writeNpy(folder.path("scan.npy"))
    let job = """
      output: {images: false}
      calibration: {center: [9.5, 13.0], counts_per_electron: 4, scan_step: [0.5 Å, 2 Å]}
      analyses:
        - center_of_mass: {}
        - \(hasTotals ? "frame_statistics" : "pixel_noise"): {}
      """
    let path = try folder.write(job, to: "job.yml")
    let result = folder.path("result.h5")
    let outcome = try ronchi(
      [
        "run", path, "--input", folder.path("scan.npy"), "--output", result, "--log-format",
        hasTotals ? "text" : "json",
      ],
      ranks: 2)
    let positions = hasTotals ? Array(0..<35) : (0..<16).map { $0 * 35 / 16 }
    let counts = positions.map { scan.frame($0).reduce(0) { $0 + Double($1) } }.reduce(0, +) / Double(positions.count)
    let source = hasTotals ? "mean of 35 patterns" : "mean of a sample of 16 patterns"
    if hasTotals {
      #expect(outcome.output.contains("dose: ") && outcome.output.contains("e/Å² (\(source))"))
    } else {
      #expect(outcome.output.contains("\"dose_source\":\"\(source)\""))
      #expect(outcome.output.contains("\"dose_electrons_per_square_angstrom\":"))
    }
    for place in ["/Measurement_000", group("Center_Of_Mass"), group(hasTotals ? "Frame_Statistics" : "Pixel_Noise")] {
      let attributes = try File(result).openGroup(place)
      let electrons = try #require(try attributes.attribute("dose_electrons_per_pattern")?.double)
      #expect(abs(electrons - counts / 4) < 1e-9 * electrons)
      #expect(try attributes.attribute("dose_electrons_per_square_angstrom")?.double == electrons)
      #expect(try attributes.attribute("dose_source")?.string == source)
    }
    let pattern = group(hasTotals ? "Frame_Statistics" : "Pixel_Noise") + "/mean"
    #expect(try File(result).openDataset(pattern).attribute("counts_per_electron")?.double == 4)
  }

  @Test("positions outside the roi, in the mask or in the flyback are missing, not zero")
  func selection() throws {
    let folder = try TemporaryFolder()
    try scan.writeNpy(folder.path("scan.npy"))
    let result = try runJob(
      job + "\nscan: {roi: [[1, 6], [0, 4]], exclude_flyback: {columns: 1}}\n", folder, input: folder.path("scan.npy"),
      output: "result", ranks: 3)
    let total = try doubles(result, group("Frame_Statistics") + "/total")
    let pattern = try doubles(result, group("Frame_Statistics") + "/sum")
    var expected = [Double](repeating: 0, count: scan.framePixels)
    for position in 0..<scan.frameCount {
      let inside = (1..<6).contains(position / 5) && (1..<4).contains(position % 5)
      #expect(total[position].isNaN == !inside)
      if inside { for (pixel, value) in scan.frame(position).enumerated() { expected[pixel] += Double(value) } }
    }
    #expect(pattern == expected)
  }

  @Test("a second job appends _001 and leaves the first result as it was")
  func append() throws {
    let folder = try TemporaryFolder()
    try scan.writeNpy(folder.path("scan.npy"))
    let input = folder.path("scan.npy")
    let result = try runJob(job, folder, input: input, output: "result", ranks: 2)
    let before = try datasetDigests(result)
    _ = try runJob(job, folder, input: input, output: "result", ranks: 2, ["--append"])
    let after = try datasetDigests(result)
    for (path, digest) in before { #expect(after[path] == digest) }

    #expect(after.keys.contains { $0.hasPrefix("/Measurement_000/Channel_000/Raw_Data-Frame_Statistics_001/") })
  }
}
