import Foundation
import TestSupport
import Testing

/// Disks that fill up while a run writes: one message, an exit code, and a resume with the same bits once there is room.
@Suite(.serialized) struct DiskFullTests {
  /// A job whose rows are large, and one whose sums are.
  private static let jobs = [
    "rows": SlowRun.manyProfiles,
    "sums": "output: {images: false}\nanalyses:\n"
      + (0..<6).map { _ in "  - frame_statistics: {}\n  - radial_profile: {bins: 30}" }.joined(separator: "\n"),
  ]

  /// A command of bash in a mount namespace of its own with an empty disk of so many MB at `$disk`; nil where that is not
  /// allowed.
  private func withSmallDisk(_ slow: SlowRun, megabytes: Int, _ script: String) throws -> Outcome? {
    let disk = slow.folder.path("disk")
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    let mount = "disk='\(disk)'; mount -t tmpfs -o size=\(megabytes)m none \"$disk\" || exit 99\n"
    let outcome = try run(
      "/usr/bin/env",
      ["unshare", "--mount", "/bin/bash", "-c", mount + script, "disk", ronchiBinary] + slow.arguments(disk + "/r.h5"))
    if outcome.status == 99 || outcome.errors.contains("unshare") {
      print("skipped: no file system can be mounted here (\(outcome.errors))")
      return nil
    }
    return outcome
  }

  @Test("a disk that fills up in the pass", arguments: ["rows", "sums"])
  func pass(kind: String) throws {
    let slow = try SlowRun(noise: kind == "rows", job: Self.jobs[kind]!)
    let script = """
      mpirun -n 3 "$@" 2> "$disk/../log" > /dev/null & pid=$!
      for i in $(seq 500); do grep -q "blocks and" "$disk/../log" && break; sleep 0.01; done
      # The run waits for the filler: it could be done before.
      sleep 0.01; ranks=$(pgrep -P $pid); kill -STOP $ranks
      head -c 1G /dev/zero > "$disk/filler" 2> /dev/null
      kill -CONT $ranks
      wait $pid; echo "code $?"
      cat "$disk/../log"; ls "$disk"
      rm "$disk/filler"
      mpirun -n 2 "$@" > /dev/null 2> "$disk/../log"; echo "again $?"
      cp "$disk/r.h5" "$disk/../r.h5"
      """
    guard let outcome = try withSmallDisk(slow, megabytes: 150, script) else { return }
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.contains("code 74"), "\(outcome.output)\(outcome.errors)")
    #expect(lines.filter { $0.hasPrefix("error:") }.count == 1, "\(outcome.output)")
    #expect(
      lines.contains { $0.hasPrefix("error:") && $0.contains("the disk is full: No space left") }, "\(outcome.output)")
    #expect(!lines.contains("r.h5"), "a result that is not whole has its final name")
    #expect(lines.contains("again 0"), "\(outcome.output)")
    #expect(try datasetDigests(slow.folder.path("r.h5")) == slow.undisturbed())
  }

  @Test("a disk that is too small for the output is refused before anything is computed")
  func layout() throws {
    let slow = try SlowRun()
    let script = "mpirun -n 2 \"$@\"; code=$?; ls \"$disk\"; exit $code"
    guard let outcome = try withSmallDisk(slow, megabytes: 4, script) else { return }
    #expect(outcome.status == 74, "\(outcome.errors)")
    #expect(outcome.messages.count == 1 && outcome.errors.contains("too full"), "\(outcome.errors)")
    #expect(outcome.output.isEmpty, "left behind: \(outcome.output)")
  }

  @Test("a file that may not grow, while it is laid out and in the pass", arguments: [4500, 9000, 20_000])
  func fileSizeLimit(kilobytes: Int) throws {
    // Needs no rights: where a file system without room answers ENOSPC, a limit of the process answers EFBIG. MPI's own
    // files need 4 MB; the output has 6.
    let slow = try SlowRun(noise: false, job: Self.jobs["sums"]!)
    let output = slow.folder.path("r.h5")
    let limited = ["-c", "ulimit -f \(kilobytes) && exec \"$@\"", "limited", ronchiBinary]
    let outcome = try run("/bin/bash", limited + slow.arguments(output))
    #expect(outcome.status == 74, "\(outcome.errors)")
    #expect(outcome.messages.count == 1 && outcome.errors.contains("File too large"), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: output))
    #expect(try slow.resumed(output).digests == slow.undisturbed())
  }
}
