import Foundation
import HDF5
import TestSupport
import Testing

/// The job that every determinism test runs: all analyses at once. Every new output joins here.
let wholeJob = """
  output: {images: false}
  analyses:
    - virtual_detectors:
        detectors:
          disk: {shape: disk, radius: 5 px}
          ring: {shape: annulus, inner_radius: 5 px, outer_radius: 9 px}
          quarter: {shape: segment, inner_radius: 2 px, outer_radius: 9 px, start_angle: 0 deg, end_angle: 90 deg}
          bright: {preset: bf}
    - center_of_mass: {}
    - frame_statistics: {}
    - radial_profile: {bins: 8}
    - radial_profile: {}
    - origin: {fit: parabola}
    - angular_symmetry: {rings: {first: {inner_radius: 4 px, outer_radius: 9 px}}, azimuth: true}
    - log_ratio: {radius: 5 px}
    - pixel_noise: {}
    - dpc: {}
    - frame_statistics: {outputs: [sum, mean, max]}
  """

/// What needs a scan of its own shape: regions of it.
func regionJob(_ folder: TemporaryFolder, scan: (y: Int, x: Int)) throws -> String {
  let labels = (0..<scan.y * scan.x).map { UInt8($0 % 7 == 3 ? 2 : $0 % 5 == 0 ? 1 : 0) }
  try writeNpyFile(folder.path("labels.npy"), type: "|u1", shape: "(\(scan.y), \(scan.x))", Data(labels))
  let mask = "mask: \(folder.path("labels.npy"))"
  return "\n  - region_patterns: {regions: {one: {\(mask), label: 1}, all: {\(mask)}}}\n"
}

/// Dense masks, which need a detector of their own: weights in single and in double precision.
func weightedJob(_ folder: TemporaryFolder, detector: (y: Int, x: Int)) throws -> String {
  let weights = (0..<detector.y * detector.x).map { 1 + sin(Double($0)) }, shape = "(\(detector.y), \(detector.x))"
  try writeNpyFile(
    folder.path("single.npy"), type: "<f4", shape: shape, weights.map { Float($0) }.withUnsafeBytes { Data($0) })
  try writeNpyFile(folder.path("double.npy"), type: "<f8", shape: shape, weights.withUnsafeBytes { Data($0) })
  return ["single", "double"].map {
    "\n  - virtual_detectors: {detectors: {\($0): {shape: mask, path: \(folder.path("\($0).npy"))}}}\n"
  }.joined()
}

/// Runs a job on a scan; returns the output's path. Fails the test when the run fails.
func runJob(
  _ job: String, _ folder: TemporaryFolder, input: String, output: String, ranks: Int?, _ more: [String] = []
) throws -> String {
  let path = try folder.write(job, to: "\(output).yml")
  let result = folder.path("\(output).h5")
  let outcome = try ronchi(["run", path, "--input", input, "--output", result] + more, ranks: ranks)
  #expect(outcome.status == 0, "\(outcome.errors)")
  #expect(outcome.output.split(separator: "\n").last == "result: \(result)")
  return result
}

@Suite(.serialized) struct RanksTests {
  @Test("any number of ranks gives the serial result, bit for bit", arguments: ["u16", "f32"])
  func ranksAgree(type: String) throws {
    let folder = try TemporaryFolder()
    let scan = TestScan(scan: (19, 17), detector: (24, 22))
    let input = folder.path("scan.npy")
    if type == "u16" {
      try scan.writeNpy(input)
    } else {
      // Values whose sums round: their order would show.
      let floats = scan.values.map { Float($0) * 0.1 }
      try writeNpyFile(input, type: "<f4", shape: "(19, 17, 24, 22)", floats.withUnsafeBytes { Data($0) })
    }
    // Sums of means and ratios round: with them, the order of leaves counts for integers too.
    let job =
      try wholeJob + regionJob(folder, scan: (19, 17)) + weightedJob(folder, detector: (24, 22))
      + (type == "f32" ? "  - fem: {}\n" : "")
    let serial = try datasetDigests(runJob(job, folder, input: input, output: "serial", ranks: nil))
    #expect(serial.count > 40)
    for count in [1, 2, 3, 5] {
      let parallel = try runJob(job, folder, input: input, output: "ranks\(count)", ranks: count)
      #expect(try datasetDigests(parallel) == serial)
    }
  }

  @Test("pixels in the other byte order give the same bits")
  func byteOrders() throws {
    let folder = try TemporaryFolder()
    let scan = TestScan(scan: (19, 17), detector: (24, 22)), shape = "(19, 17, 24, 22)"
    let (little, big) = (folder.path("little.npy"), folder.path("big.npy"))
    let values = scan.values.map { UInt16($0) }
    try writeNpyFile(little, type: "<u2", shape: shape, values.map(\.littleEndian).withUnsafeBytes { Data($0) })
    try writeNpyFile(big, type: ">u2", shape: shape, values.map(\.bigEndian).withUnsafeBytes { Data($0) })
    let job = try wholeJob + weightedJob(folder, detector: (24, 22)) + "  - fem: {}\n"
    let expected = try datasetDigests(runJob(job, folder, input: little, output: "little", ranks: nil))
    #expect(expected.count > 40)
    for count in [1, 2, 3] {
      let found = try runJob(job, folder, input: big, output: "big\(count)", ranks: count)
      #expect(try datasetDigests(found) == expected)
    }
    // Corrected frames are read in this machine's order.
    let flipped = "detector: {flip_y: true}\n" + job
    let turned = try [little, big].enumerated().map {
      try datasetDigests(runJob(flipped, folder, input: $1, output: "flipped\($0)", ranks: 2))
    }
    #expect(turned[0] == turned[1] && turned[0] != expected)
  }

  @Test("chunks that are handed out from the mapped file give the bits of those that HDF5 reads")
  func mappedChunks() throws {
    let folder = try TemporaryFolder()
    let scan = TestScan(scan: (19, 17), detector: (24, 22))
    let input = folder.path("scan.h5")
    do {
      let file = try File(input, .create)
      try file.createDataset("data", shape: [19, 17, 24, 22], of: .u16, layout: .chunked([1, 2, 24, 22]))
        .write(scan.values)
      try file.close()
    }
    let job = try folder.write(wholeJob, to: "job.yml")
    func digests(_ name: String, ranks: Int?, reading: String) throws -> [String: String] {
      let output = folder.path("\(name).h5")
      let outcome = try ronchi(
        ["run", job, "--input", input, "--output", output], ranks: ranks, environment: ["RONCHI_READ": reading])
      #expect(outcome.status == 0, "\(outcome.errors)")
      return try datasetDigests(output)
    }
    let expected = try digests("copied", ranks: nil, reading: "pread")
    #expect(expected.count > 40)
    for count in [1, 2, 3] { #expect(try digests("mapped\(count)", ranks: count, reading: "mmap") == expected) }
  }

  @Test("parts dealt out in advance give the bits of those taken one by one", arguments: [true, false])
  func scheduling(noise: Bool) throws {
    let slow = try SlowRun(noise: noise, job: wholeJob)
    let expected = try slow.undisturbed()
    for count in [1, 2, 3] {
      for scheduling in ["static", "dynamic"] {
        let output = slow.folder.path("\(scheduling)\(count).h5")
        let outcome = try ronchi(
          slow.arguments(output) + ["--set", "run.scheduling=\(scheduling)"], ranks: count)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try datasetDigests(output) == expected)
      }
    }
  }

  @Test("dpc with field, charge and phase, whole and with missing positions: the same bits on any number of ranks")
  func phaseContrast() throws {
    let folder = try TemporaryFolder()
    let scan = folder.path("scan.h5")
    let made = try ronchi(
      [
        "simulate", scan, "--scan-shape", "14,11", "--detector-shape", "48,52", "--detector-pixel", "2.5 mrad",
        "--object", "atoms",
      ])
    #expect(made.status == 0, "\(made.errors)")
    let job = """
      output: {images: false}
      scan: {roi: [[1, 13], [0, 11]]}
      analyses:
        - dpc: {rotation: fit, descan: plane}
        - dpc: {method: iterative, interpretation: magnetic, regularization: 0.1}
        - dpc: {detector: segments, response: disk, segments: {q: {outer_radius: 40 mrad, start_angle: 45 deg}}}
      """
    let serial = try runJob(job, folder, input: scan, output: "serial", ranks: nil)
    let group = "/Measurement_000/Channel_000/Raw_Data-Dpc_000"
    #expect(try doubles(serial, group + "/phase").count { $0.isFinite } == 12 * 11)
    #expect(try datasetDigests(serial).keys.contains(group + "/charge_density"))
    let parallel = try runJob(job, folder, input: scan, output: "ranks3", ranks: 3)
    #expect(try datasetDigests(parallel) == datasetDigests(serial))
  }

  @Test("more ranks than blocks")
  func moreRanksThanBlocks() throws {
    let folder = try TemporaryFolder()
    try TestScan(scan: (1, 2), detector: (24, 22)).writeNpy(folder.path("scan.npy"))
    let one = try runJob(wholeJob, folder, input: folder.path("scan.npy"), output: "one", ranks: 1)
    let five = try runJob(wholeJob, folder, input: folder.path("scan.npy"), output: "five", ranks: 5)
    #expect(try datasetDigests(one) == datasetDigests(five))
  }

  @Test("nothing but the result is left in the folder")
  func leavesNothingBehind() throws {
    let folder = try TemporaryFolder()
    try TestScan(scan: (3, 4), detector: (24, 22)).writeNpy(folder.path("scan.npy"))
    _ = try runJob(wholeJob, folder, input: folder.path("scan.npy"), output: "result", ranks: 2)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted()
    #expect(names == ["result.h5", "result.yml", "scan.npy"])
  }

  @Test("an output may be named by one letter, in the current folder")
  func shortName() throws {
    let folder = try TemporaryFolder()
    try TestScan(scan: (3, 4), detector: (24, 22)).writeNpy(folder.path("scan.npy"))
    _ = try folder.write("analyses: [frame_statistics: {}]\n", to: "job.yml")
    let outcome = try ronchi(["run", "job.yml", "-i", "scan.npy", "-o", "x"], ranks: 2, folder: folder.url)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.split(separator: "\n").last == "result: x")
    let pictures = try FileManager.default.contentsOfDirectory(atPath: folder.path("x_images"))
    #expect(pictures.count == 8)
  }
}
