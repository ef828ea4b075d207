import Foundation
import TestSupport
import Testing

/// A mistake a user can make: what is run, the code it must end with, and what the message must name.
struct Mistake: Sendable, CustomTestStringConvertible {
  let name: String
  var job = "analyses: [frame_statistics: {}]"
  var input = "scan.npy"
  var arguments: [String] = []
  let code: Int32
  let says: [String]
  /// Messages; more than one where several things are wrong.
  var messages = 1

  var testDescription: String { name }
}

private let disk = "analyses:\n  - virtual_detectors:\n      detectors:\n        d: "

private let mistakes = [
  Mistake(name: "missing input", input: "nothing.npy", code: 66, says: ["nothing.npy"]),
  Mistake(name: "empty input", input: "empty.npy", code: 65, says: ["empty.npy"]),
  Mistake(name: "folder as input", input: "folder", code: 65, says: ["folder"]),
  Mistake(name: "truncated npy", input: "short.npy", code: 65, says: ["short.npy"]),
  Mistake(name: "unknown content", input: "noise.bin", code: 65, says: ["noise.bin"]),
  Mistake(name: "HDF5 signature with garbage", input: "broken.h5", code: 65, says: ["broken.h5"]),
  Mistake(name: "2-D array", input: "flat.npy", code: 65, says: ["flat.npy"]),
  Mistake(name: "3-D array without scan_shape", input: "stack.npy", code: 78, says: ["scan_shape"]),
  Mistake(
    name: "scan_shape that does not multiply out", input: "stack.npy", arguments: ["--scan-shape", "4,4"], code: 65,
    says: ["4", "12", "--scan-shape"]),
  Mistake(
    name: "raw without a shape", input: "noise.bin", arguments: ["--format", "raw"], code: 78,
    says: ["detector_shape", "pixel_type", "scan_shape"], messages: 3),
  Mistake(name: "dataset of a file without datasets", arguments: ["--dataset", "/a/b"], code: 78, says: ["dataset"]),
  Mistake(name: "unknown format", arguments: ["--format", "tiff"], code: 78, says: ["format", "npy"]),
  Mistake(name: "not YAML", job: "analyses: [", code: 78, says: ["job.yml"]),
  Mistake(
    name: "unknown key", job: "analyzes: []", code: 78, says: ["job.yml:1", "analyzes", "analyses"], messages: 2),
  Mistake(
    name: "unknown analysis", job: "analyses: [center_of_mas: {}]", code: 78, says: ["center_of_mas", "center_of_mass"]),
  Mistake(name: "no analyses", job: "analyses: []", code: 78, says: ["analyses"]),
  Mistake(
    name: "unknown parameter", job: "analyses:\n  - radial_profile: {bin: 3}", code: 78,
    says: ["job.yml:2", "analyses.0.radial_profile.bin", "bins"]),
  Mistake(
    name: "a length without unit", job: disk + "{shape: disk, radius: 5}", code: 78,
    says: ["analyses.0.virtual_detectors.detectors.d.radius", "unit"]),
  Mistake(
    name: "a wrong unit", job: disk + "{shape: disk, radius: 5 kg}", code: 78,
    says: ["detectors.d.radius", "5 kg"]),
  Mistake(
    name: "mrad without calibration", job: disk + "{shape: disk, radius: 5 mrad}", code: 78,
    says: ["detectors.d.radius", "detector_pixel"]),
  Mistake(name: "an unknown shape", job: disk + "{shape: dsk, radius: 5 px}", code: 78, says: ["detectors.d", "disk"]),
  Mistake(
    name: "an empty annulus", job: disk + "{shape: annulus, inner_radius: 90 px, outer_radius: 95 px}", code: 78,
    says: ["detectors.d"]),
  Mistake(
    name: "inner above outer", job: disk + "{shape: annulus, inner_radius: 9 px, outer_radius: 4 px}", code: 78,
    says: ["detectors.d"]),
  Mistake(
    name: "a mask of another shape", job: disk + "{shape: mask, path: stack.npy}", code: 65,
    says: ["detectors.d", "stack.npy"]),
  Mistake(name: "a mask that is not there", job: disk + "{shape: mask, path: no.npy}", code: 66, says: ["no.npy"]),
  Mistake(
    name: "bins out of range", job: "analyses: [radial_profile: {bins: 0}]", code: 78,
    says: ["radial_profile.bins", "0"]),
  Mistake(
    name: "a roi outside the scan", job: "scan: {roi: [[0, 9], [0, 2]]}\nanalyses: [frame_statistics: {}]", code: 78,
    says: ["scan.roi"]),
  Mistake(
    name: "a hint for another program's name",
    job: "calibration: {convergence_angle: 20 mrad}\nanalyses: [frame_statistics: {}]", code: 78,
    says: ["convergence_angle", "semiangle"]),
  Mistake(
    name: "a center outside the detector", job: "calibration: {center: [99, 3]}\nanalyses: [center_of_mass: {}]",
    code: 78, says: ["calibration.center", "99"]),
  Mistake(
    name: "an override of nothing", arguments: ["--set", "analyses.7.radial_profile.bins=3"], code: 78,
    says: ["analyses"]),
  Mistake(name: "an override without value", arguments: ["--set", "analyses"], code: 64, says: ["--set"]),
  Mistake(name: "an unknown option", arguments: ["--ouput", "x"], code: 64, says: ["--ouput"]),
  Mistake(name: "output folder missing", arguments: ["--output", "no/folder/r.h5"], code: 73, says: ["no/folder"]),
  Mistake(
    name: "output is the input", arguments: ["--output", "scan.npy", "--overwrite"], code: 78, says: ["scan.npy"]),
  Mistake(
    name: "--overwrite of a file that is not ours", arguments: ["--output", "exists.h5", "--overwrite"], code: 73,
    says: ["exists.h5", "not written by ronchi run"]),
  Mistake(
    name: "--append to a file that is not ours", arguments: ["--output", "stack.npy", "--append"], code: 73,
    says: ["stack.npy", "not written by ronchi run"]),
  Mistake(name: "output exists", arguments: ["--output", "exists.h5"], code: 73, says: ["exists.h5", "--overwrite"]),
]

@Suite(.serialized) struct BadInputTests {
  private func prepare() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let scan = TestScan(scan: (4, 3), detector: (12, 10))
    let bytes = scan.values.withUnsafeBytes { Data($0) }
    try scan.writeNpy(folder.path("scan.npy"))
    try writeNpyFile(folder.path("stack.npy"), type: "<u2", shape: "(12, 12, 10)", bytes)
    try writeNpyFile(folder.path("flat.npy"), type: "<u2", shape: "(12, 120)", bytes)
    try writeNpyFile(folder.path("short.npy"), type: "<u2", shape: "(5, 3, 12, 10)", bytes)
    _ = try folder.write("", to: "empty.npy")
    var noise = Random(3)
    let random = Data((0..<3000).map { _ in UInt8(truncatingIfNeeded: noise.next()) })
    try random.write(to: folder.url.appendingPathComponent("noise.bin"))
    try (Data([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]) + random)
      .write(to: folder.url.appendingPathComponent("broken.h5"))
    _ = try folder.write("not ours", to: "exists.h5")
    try FileManager.default.createDirectory(
      at: folder.url.appendingPathComponent("folder"), withIntermediateDirectories: true)
    return folder
  }

  @Test("every mistake gets one clear message, its exit code, and no output", arguments: mistakes)
  func mistake(_ mistake: Mistake) throws {
    let folder = try prepare()
    _ = try folder.write(mistake.job + "\n", to: "job.yml")
    var arguments = ["run", "job.yml", "--input", mistake.input, "--no-images"] + mistake.arguments
    if !mistake.arguments.contains("--output") { arguments += ["--output", "result.h5"] }
    let outcome = try ronchi(arguments, ranks: 2, folder: folder.url)
    #expect(outcome.status == mistake.code, "\(outcome.errors)")
    for word in mistake.says { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
    let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("error:") || $0.hasPrefix("Error:") }
    #expect(lines.count == mistake.messages, "\(outcome.errors)")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
    #expect(!names.contains("result.h5") && !names.contains { $0.contains(".partial") })
  }

  @Test(
    "with --log-format json every message is a line of JSON", arguments: [["--frobnicate"], [], ["-i", "nothing.npy"]])
  func jsonErrors(arguments: [String]) throws {
    let folder = try prepare()
    _ = try folder.write("analyses: [frame_statistics: {}]\n", to: "job.yml")
    let outcome = try ronchi(["run", "job.yml", "--log-format", "json"] + arguments, folder: folder.url)
    #expect(outcome.status != 0)
    let lines = outcome.errors.split(separator: "\n")
    #expect(!lines.isEmpty)
    for line in lines {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(object?["level"] as? String == "error" && object?["message"] is String, "\(line)")
      #expect(object?["code"] is Int, "\(line)")
    }
  }

  @Test("all problems of a job are listed at once")
  func allAtOnce() throws {
    let folder = try prepare()
    let job =
      "calibration: {energy: 300}\nanalyses:\n  - radial_profile: {bins: -1}\n  - center_of_mass: {outer_radius: 3}\n"
    _ = try folder.write(job, to: "job.yml")
    let outcome = try ronchi(
      ["run", "job.yml", "--input", "scan.npy", "--output", "r.h5"], ranks: 2, folder: folder.url)
    #expect(outcome.status == 78)
    for place in [
      "job.yml:1: calibration.energy", "job.yml:3: analyses.0.radial_profile.bins", "job.yml:4: analyses.1",
    ] {
      #expect(outcome.errors.contains(place), "\(outcome.errors)")
    }
  }

  @Test("NaN pixels are reported and stay NaN where they are used")
  func nanPixels() throws {
    let folder = try TemporaryFolder()
    var values = [Float](repeating: 1, count: 6 * 100)
    values[2 * 100 + 55] = .nan
    try writeNpyFile(folder.path("scan.npy"), type: "<f4", shape: "(2, 3, 10, 10)", values.withUnsafeBytes { Data($0) })
    _ = try folder.write("analyses: [frame_statistics: {}]\n", to: "job.yml")
    let outcome = try ronchi(
      ["run", "job.yml", "--input", "scan.npy", "--output", "r.h5", "--no-images"], ranks: 2, folder: folder.url)
    #expect(outcome.status == 0)
    #expect((outcome.output + outcome.errors).contains("1 bad frame"), "\(outcome.output)\(outcome.errors)")
    let total = try doubles(folder.path("r.h5"), "/Measurement_000/Channel_000/Raw_Data-Frame_Statistics_000/total")
    #expect(total.map(\.isNaN) == [false, false, true, false, false, false])
  }
}
