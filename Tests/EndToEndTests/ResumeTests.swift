import Foundation
import HDF5
import TestSupport
import Testing

/// Runs that end before their time, and what becomes of them.
@Suite(.serialized) struct ResumeTests {
  @Test("interrupted and killed runs go on where they stopped and end with the same bits", arguments: [true, false])
  func resume(noise: Bool) throws {
    let slow = try SlowRun(noise: noise)
    let output = slow.folder.path("result.h5")
    let asked = try slow.disturbed(output, ranks: 1, "kill -\(noise ? "USR1" : "USR2") ${ranks[0]}")
    #expect(asked.status == 75, "\(asked.errors)")
    let killed = try slow.disturbed(output, ranks: 3, "sleep 0.1; kill -KILL ${ranks[-1]}")
    #expect(killed.status != 0 && killed.errors.contains("resumed: "), "\(killed.errors)")
    #expect(try slow.resumed(output).digests == slow.undisturbed())
    let names = try FileManager.default.contentsOfDirectory(atPath: slow.folder.url.path)
    #expect(!names.contains { $0.contains("partial") })
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
    let slow = try SlowRun()
    let output = slow.folder.path("r.h5")
    #expect(try slow.disturbed(output, ranks: 1, "kill -USR1 ${ranks[0]}").status == 75)
    let other = try ronchi(slow.arguments(output) + ["--set", "analyses.3.radial_profile.bins=9"], ranks: 2)
    #expect(other.status == 73)
    #expect(other.errors.contains("bins: 9") && other.errors.contains("--force"), "\(other.errors)")
    #expect(try ronchi(slow.arguments(output), ranks: 2).status == 0)
  }

  @Test("a second job on the same output is refused while the first one runs, and so is a third")
  func lock() throws {
    let slow = try SlowRun(rows: 200)
    let output = slow.folder.path("r.h5")
    let outcome = try slow.disturbed(
      output, ranks: nil, "for job in second third; do \"$@\" 2>&1; echo \"$job $?\"; done")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("second 73") && outcome.output.contains("third 73"), "\(outcome.output)")
    #expect(outcome.output.contains("another job is writing"), "\(outcome.output)")
    #expect(FileManager.default.fileExists(atPath: output))
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
    #expect(!masked.output.contains(" among the "), "\(masked.output)")
    let group = "/Measurement_000/Channel_000/data-Frame_Statistics_000"
    let total = try doubles(folder.path("r.h5"), group + "/total")
    #expect(total.indices.filter { total[$0].isNaN } == [28])
    #expect(try doubles(folder.path("r.h5"), group + "/bad_frames").firstIndex(of: 1) == 28)

    // Where it is the only one, nothing is left, however often it is tried.
    let alone = try folder.write(
      "scan: {roi: [[3, 4], [4, 5]]}\nrun: {on_bad_frame: mask}\nanalyses: [frame_statistics]\n", to: "alone.yml")
    for _ in 1...2 {
      let nothing = try ronchi(["run", alone, "-i", path, "-o", folder.path("alone.h5")], ranks: 2)
      #expect(nothing.status == 65 && nothing.errors.contains("not one frame can be read"), "\(nothing.errors)")
    }
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
