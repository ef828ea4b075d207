import Foundation
import HDF5
import TestSupport
import Testing

/// Runs that end before their time, and what becomes of them.
@Suite(.serialized) struct ResumeTests {
  /// Work for a second or so on a rank.
  private let slowJob = wholeJob + "\n" + (2..<40).map { "  - radial_profile: {bins: \($0)}" }.joined(separator: "\n")

  private func slowScan(_ folder: TemporaryFolder, noise: Bool = true) throws -> String {
    let path = folder.path("scan.h5")
    let arguments = ["simulate", path, "--scan-shape", "40,41", "--detector-shape", "128,128", "--quiet"]
    let made = try ronchi(arguments + (noise ? [] : ["--no-noise"]), ranks: 2)
    #expect(made.status == 0, "\(made.errors)")
    return path
  }

  /// Starts a run, sends one of its ranks a signal after a time, and waits for its end.
  private func interrupt(_ arguments: [String], ranks: Int, _ signal: Int32, after seconds: Double) throws -> Outcome {
    try run(
      "/bin/bash",
      [
        "-c", "\"$@\" & pid=$!; sleep \(seconds); kill -\(signal) $(pgrep -P $pid | tail -n 1); wait $pid", "run",
        "mpirun", "-n", "\(ranks)", ronchiBinary,
      ] + arguments)
  }

  @Test("interrupted and killed runs go on where they stopped and end with the same bits", arguments: [true, false])
  func resume(noise: Bool) throws {
    let folder = try TemporaryFolder()
    let scan = try slowScan(folder, noise: noise)
    let job = try folder.write(slowJob, to: "job.yml")
    let whole = folder.path("whole.h5")
    let began = Date()
    #expect(try ronchi(["run", job, "-i", scan, "-o", whole], ranks: 1).status == 0)
    let duration = Date().timeIntervalSince(began)
    let result = folder.path("result.h5")
    let arguments = ["run", job, "-i", scan, "-o", result]
    var codes: [Int32] = []
    // A signal that comes before the ranks have started is lost: the first one comes well into the run.
    for (attempt, signal) in [SIGUSR1, SIGKILL, SIGUSR2].enumerated() {
      codes.append(try interrupt(arguments, ranks: 1 + attempt % 3, signal, after: duration * 0.6).status)
      if FileManager.default.fileExists(atPath: result) { break }
    }
    #expect(codes.contains(75), "\(codes)")
    let last = try ronchi(arguments, ranks: 3)
    #expect(last.status == 0, "\(last.errors)")
    #expect(try datasetDigests(result) == datasetDigests(whole))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path).filter { $0.contains("partial") }
    #expect(names.isEmpty)
  }

  @Test("a finished result is not computed twice; another job is refused; --force computes again")
  func finished() throws {
    let folder = try TemporaryFolder()
    let scan = folder.path("scan.npy")
    try TestScan(scan: (4, 5), detector: (24, 22)).writeNpy(scan)
    let job = try folder.write(wholeJob, to: "job.yml")
    let arguments = ["run", job, "-i", scan, "-o", folder.path("r.h5")]
    #expect(try ronchi(arguments, ranks: 2).status == 0)
    let written = try FileManager.default.attributesOfItem(atPath: folder.path("r.h5"))[.modificationDate] as? Date
    let again = try ronchi(arguments, ranks: 3)
    #expect(again.status == 0 && again.errors.contains("already"))
    #expect(again.output.split(separator: "\n").last == "result: \(folder.path("r.h5"))")
    let unchanged = try FileManager.default.attributesOfItem(atPath: folder.path("r.h5"))[.modificationDate] as? Date
    #expect(written == unchanged)
    let other = try ronchi(arguments + ["--set", "analyses.3.radial_profile.bins=9"], ranks: 2)
    #expect(other.status == 73 && other.errors.contains("--overwrite"))
    #expect(try ronchi(arguments + ["--force"], ranks: 2).status == 0)
  }

  @Test("an unfinished run of another job is not continued, and the difference is named")
  func mismatch() throws {
    let folder = try TemporaryFolder()
    let scan = try slowScan(folder)
    let job = try folder.write(slowJob, to: "job.yml")
    let arguments = ["run", job, "-i", scan, "-o", folder.path("r.h5")]
    var delay = 0.5
    while !FileManager.default.fileExists(atPath: folder.path("r.h5.partial.checkpoint")), delay < 2 {
      let outcome = try interrupt(arguments, ranks: 1, SIGUSR1, after: delay)
      try #require(outcome.status != 0, "finished before it was killed")
      delay += 0.15
    }
    let other = try ronchi(arguments + ["--set", "analyses.3.radial_profile.bins=9"], ranks: 2)
    #expect(other.status == 73)
    #expect(other.errors.contains("bins: 9") && other.errors.contains("--force"), "\(other.errors)")
    #expect(try ronchi(arguments, ranks: 2).status == 0)
  }

  @Test("a second job on the same output is refused while the first one runs")
  func lock() throws {
    let folder = try TemporaryFolder()
    let scan = try slowScan(folder)
    let job = try folder.write(slowJob, to: "job.yml")
    let arguments = [ronchiBinary, "run", job, "-i", scan, "-o", folder.path("r.h5"), "--quiet"]
    let script = "\"$@\" >/dev/null & sleep 0.4; \"$@\"; code=$?; wait; exit $code"
    let outcome = try run("/bin/bash", ["-c", script, "run"] + arguments)
    #expect(outcome.status == 73)
    #expect(outcome.errors.contains("another job is writing"), "\(outcome.errors)")
    #expect(FileManager.default.fileExists(atPath: folder.path("r.h5")))
  }

  @Test("a damaged chunk ends all ranks with one message naming the frame, or is masked")
  func damagedChunk() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("scan.h5")
    do {
      let file = try File(path, .create)
      let scan = TestScan(scan: (8, 8), detector: (24, 22))
      let data = try file.createDataset(
        "data", shape: [8, 8, 24, 22], of: .u16, layout: .chunked([1, 1, 24, 22], deflate: 4))
      try data.write(scan.values)
      try file.flush()
      let chunk = try #require(try data.chunk(at: [3, 4, 0, 0]))
      let address = try #require(chunk.address)
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.seek(toOffset: UInt64(address + chunk.size / 2))
      try handle.write(contentsOf: Data([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))
      try handle.close()
    }
    let job = try folder.write("calibration: {center: [12, 11]}\n" + wholeJob, to: "job.yml")
    let arguments = [
      "run", job, "-i", path, "-o", folder.path("r.h5"), "--set",
      "analyses.0.virtual_detectors.detectors.bright={shape: point, center: [3, 3]}",
    ]
    let stopped = try ronchi(arguments, ranks: 3)
    #expect(stopped.status == 65 || stopped.status == 74)
    #expect(stopped.errors.contains("28") || stopped.errors.contains("(3, 4)"), "\(stopped.errors)")
    #expect(stopped.errors.split(separator: "\n").filter { $0.hasPrefix("error:") }.count == 1, "\(stopped.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("r.h5")))

    let masked = try ronchi(arguments + ["--set", "run.on_bad_frame=mask"], ranks: 2)
    #expect(masked.status == 0, "\(masked.errors)")
    #expect(masked.output.contains("1 frame could not be read"))
    let group = "/Measurement_000/Channel_000/data-Frame_Statistics_000"
    let total = try doubles(folder.path("r.h5"), group + "/total")
    #expect(total.indices.filter { total[$0].isNaN } == [28])
    #expect(try doubles(folder.path("r.h5"), group + "/bad_frames").firstIndex(of: 1) == 28)
  }

  @Test("a job that does not fit the memory is refused before it reads, with the setting that would do")
  func memoryCeiling() throws {
    let folder = try TemporaryFolder()
    let scan = folder.path("scan.npy")
    try TestScan(scan: (4, 5), detector: (24, 22)).writeNpy(scan)
    let job = try folder.write(wholeJob, to: "job.yml")
    let arguments = ["run", job, "-i", scan, "-o", folder.path("r.h5")]
    let refused = try ronchi(arguments + ["--set", "run.memory_per_rank='20 MB'"], ranks: 2)
    #expect(refused.status == 78)
    let words = refused.errors.split(separator: "'")
    let enough = try #require(words.first { $0.hasSuffix(" MB") }, "\(refused.errors)")
    let accepted = try ronchi(arguments + ["--set", "run.memory_per_rank='\(enough)'"], ranks: 2)
    #expect(accepted.status == 0, "\(accepted.errors)")
  }

  @Test("a scan several times larger than the memory a process may have is processed")
  func smallMemory() throws {
    let folder = try TemporaryFolder()
    let scan = folder.path("scan.h5")
    // 400 MB under a data limit of 100 MB.
    let made = try ronchi(
      ["simulate", scan, "--scan-shape", "56,56", "--detector-shape", "256,256", "--quiet"], ranks: 2)
    #expect(made.status == 0, "\(made.errors)")
    let job = try folder.write(wholeJob, to: "job.yml")
    let limited = ["-c", "ulimit -d 100000 && exec \"$@\"", "run", ronchiBinary, "run", job, "-i", scan]
    let outcome = try run("/bin/bash", limited + ["-o", folder.path("r.h5"), "--quiet"])
    #expect(outcome.status == 0, "\(outcome.errors)")
  }
}
