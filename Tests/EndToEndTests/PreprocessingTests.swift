import Foundation
import HDF5
import TestSupport
import Testing

/// Corrected frames in a whole run, against the corrections written out here.
@Suite(.serialized) struct PreprocessingTests {
  static let height = 24, width = 22
  /// [y, x] in the file's frames: two hot pixels and one without counts in the bright disk.
  static let hot = [(3, 5), (20, 17)], dead = (12, 11)

  private struct Files {
    let input: String
    let counts: [UInt16]
    let dark: [Double]
    let gain: [Double]
  }

  private func write(_ folder: TemporaryFolder, scan: (Int, Int)) throws -> Files {
    let made = TestScan(scan: scan, detector: (Self.height, Self.width))
    var counts = made.values
    let pixels = Self.height * Self.width
    for position in 0..<made.frameCount {
      for (y, x) in Self.hot { counts[position * pixels + y * Self.width + x] = UInt16(5000 + position % 90) }
      counts[position * pixels + Self.dead.0 * Self.width + Self.dead.1] = 0
    }
    var generator = Random(3)
    let dark = (0..<pixels).map { _ in Double(generator.next() % 100) / 25 }
    let gain = (0..<pixels).map { _ in 0.75 + Double(generator.next() % 100) / 200 }
    let files = Files(input: folder.path("scan.npy"), counts: counts, dark: dark, gain: gain)
    try writeNpyFile(
      files.input, type: "<u2", shape: "(\(scan.0), \(scan.1), \(Self.height), \(Self.width))",
      counts.withUnsafeBytes { Data($0) })
    try writeReference(folder.path("dark.npy"), dark)
    try writeReference(folder.path("gain.npy"), gain)
    return files
  }

  private func writeReference(_ path: String, _ values: [Double]) throws {
    try writeNpyFile(
      path, type: "<f8", shape: "(\(Self.height), \(Self.width))", values.withUnsafeBytes { Data($0) })
  }

  private func job(_ folder: TemporaryFolder, _ more: String = "") -> String {
    """
    output: {images: false}
    calibration: {center: [12, 5.5]}
    detector:
      dark: \(folder.path("dark.npy"))
      gain: \(folder.path("gain.npy"))
      offset: 0.5
      dead_pixels: find
      dead_pixel_action: interpolate
      flip_y: true
      bin: [1, 2]
    analyses:
      - virtual_detectors: {detectors: {disk: {shape: disk, radius: 4 px}}}
      - center_of_mass: {}
      - frame_statistics: {}
    \(more)
    """
  }

  /// Row-major, 24 × 11.
  private func corrected(_ files: Files, _ position: Int) -> [Double] {
    let (height, width) = (Self.height, Self.width)
    let bad = (Self.hot + [Self.dead]).map { $0.0 * width + $0.1 }
    let good = (0..<height * width).filter { !bad.contains($0) }
    let mean = good.reduce(0) { $0 + files.gain[$1] } / Double(good.count)
    var values = (0..<height * width).map {
      (Double(files.counts[position * height * width + $0]) - files.dark[$0] - 0.5) * mean / files.gain[$0]
    }
    for pixel in bad {
      var sum = 0.0
      for y in -1...1 { for x in -1...1 where y != 0 || x != 0 { sum += values[pixel + y * width + x] } }
      values[pixel] = sum / 8
    }
    return (0..<height * width / 2).map { index in
      let row = height - 1 - index / 11, column = index % 11 * 2
      return values[row * width + column] + values[row * width + column + 1]
    }
  }

  @Test("dark, gain, found pixels, flip and bins: the numbers, and the same bits on any number of ranks")
  func everything() throws {
    let folder = try TemporaryFolder()
    let files = try write(folder, scan: (70, 60))
    let one = try runJob(job(folder), folder, input: files.input, output: "one", ranks: 1)
    let digests = try datasetDigests(one)
    for ranks in [2, 3] {
      let more = try runJob(job(folder), folder, input: files.input, output: "ranks\(ranks)", ranks: ranks)
      #expect(try datasetDigests(more) == digests)
    }

    let channel = "/Measurement_000/Channel_000/Raw_Data-"
    let total = try doubles(one, channel + "Frame_Statistics_000/total")
    let disk = try doubles(one, channel + "Virtual_Detectors_000/disk")
    let deflectionY = try doubles(one, channel + "Center_Of_Mass_000/deflection_y")
    #expect(total.count == 4200)
    for position in stride(from: 0, to: 4200, by: 61) {
      let frame = corrected(files, position)
      var (sum, moment, inDisk) = (0.0, 0.0, 0.0)
      for (pixel, value) in frame.enumerated() {
        let y = Double(pixel / 11) - 12, x = Double(pixel % 11) - 5.5
        sum += value
        moment += y * value
        if (y * y + x * x).squareRoot() < 4 { inDisk += value }
      }
      #expect(abs(total[position] - sum) < 1e-5 * sum)
      #expect(abs(disk[position] - inDisk) < 1e-5 * inDisk)
      #expect(abs(deflectionY[position] - moment / sum) < 1e-5)
    }
    let group = try File(one).openGroup(channel + "Frame_Statistics_000")
    #expect(try group.attribute("dead_pixels_found") == .int(3))
  }

  @Test("the log tells what is found and done; a result of another dark frame is not taken for this job's")
  func changedReference() throws {
    let folder = try TemporaryFolder()
    let files = try write(folder, scan: (12, 10))
    let path = try folder.write(job(folder), to: "job.yml")
    let command = ["run", path, "--input", files.input, "--output", folder.path("result.h5")]
    let first = try ronchi(command, ranks: 2)
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.errors.contains("3 hot or dead pixels found: (3, 5), (12, 11), (20, 17) in 120 frames"))
    #expect(
      first.errors.contains(
        "detector: dark, offset 0.5, gain, 3 pixels interpolated, flip_y, bin 1 × 2 -> 24 × 11 float32"),
      "\(first.errors)")
    let again = try ronchi(command, ranks: nil)
    #expect(again.status == 0 && again.errors.contains("already"), "\(again.errors)")
    try writeReference(folder.path("dark.npy"), files.dark.map { $0 + 1 })
    #expect(try ronchi(command, ranks: nil).status == 73)
  }

  @Test("few counts and flashes in single frames are no bad pixels")
  func flashes() throws {
    let folder = try TemporaryFolder()
    var generator = Random(11)
    var counts = [UInt16](repeating: 0, count: 400 * 24 * 22)
    for _ in 0..<24 * 22 { counts[Int(generator.next() % UInt64(counts.count))] += 1 }
    counts[37 * 24 * 22 + 100] = 60000
    counts[250 * 24 * 22 + 400] = 900
    try writeNpyFile(
      folder.path("scan.npy"), type: "<u2", shape: "(20, 20, 24, 22)", counts.withUnsafeBytes { Data($0) })
    let job =
      "output: {images: false}\ncalibration: {center: [12, 11]}\ndetector: {dead_pixels: find}\n"
      + "analyses: [pixel_noise]\n"
    let result = try runJob(job, folder, input: folder.path("scan.npy"), output: "result", ranks: 2)
    let group = "/Measurement_000/Channel_000/Raw_Data-Pixel_Noise_000"
    #expect(try File(result).openGroup(group).attribute("dead_pixels_found") == .int(0))
    #expect(try doubles(result, group + "/suspect").allSatisfy { $0 == 0 })
  }

  @Test("a disk that semiangle and pixel do not explain is warned of; its radius is in the result")
  func contradiction() throws {
    let folder = try TemporaryFolder()
    try TestScan(scan: (12, 10), detector: (40, 40)).writeNpy(folder.path("scan.npy"))
    for (pixel, warns) in [("1.25 mrad", false), ("1 mrad", true)] {
      let path = try folder.write(
        "output: {images: false}\ncalibration: {semiangle: 12.5 mrad, detector_pixel: \(pixel)}\n"
          + "analyses: [center_of_mass: {}]\n", to: "job.yml")
      let output = folder.path("\(warns).h5")
      let run = try ronchi(["run", path, "--input", folder.path("scan.npy"), "--output", output], ranks: 2)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.errors.contains("12.50 px by calibration.semiangle") == warns, "\(run.errors)")
      let group = try File(output).openGroup("/Measurement_000/Channel_000/Raw_Data-Center_Of_Mass_000")
      guard case .double(let radius)? = try group.attribute("measured_disk_radius_px") else {
        Issue.record("no radius")
        continue
      }
      #expect(abs(radius - 10) < 0.4)
    }
  }

  @Test("a cropped and binned scan has maps of its own shape, whose frames are sums")
  func scanBins() throws {
    let folder = try TemporaryFolder()
    let scan = TestScan(scan: (9, 8), detector: (20, 18))
    try scan.writeNpy(folder.path("scan.npy"))
    let job = """
      output: {images: false}
      calibration: {center: [10, 9]}
      scan: {crop: [[1, 8], [0, 7]], bin: [2, 3], roi: [[0, 3], [1, 2]]}
      analyses: [frame_statistics: {}]
      """
    let result = try runJob(job, folder, input: folder.path("scan.npy"), output: "result", ranks: 2)
    let total = try doubles(result, "/Measurement_000/Channel_000/Raw_Data-Frame_Statistics_000/total")
    #expect(total.count == 6)
    for position in 0..<6 {
      let (row, column) = (position / 2, position % 2)
      var sum = 0.0
      for y in 1 + 2 * row..<3 + 2 * row {
        for x in 3 * column..<3 * column + 3 { sum += scan.frame(y * 8 + x).reduce(0) { $0 + Double($1) } }
      }
      #expect(column == 1 ? total[position] == sum : total[position].isNaN)
    }
  }
}
