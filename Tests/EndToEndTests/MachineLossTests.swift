import Foundation
import TestSupport
import Testing

/// What counts after a restart of the machine: the saves that were synced, and no others.
@Suite(.serialized) struct MachineLossTests {
  /// Ends a run, then continues it as if on a machine with another start, which a file mounted over the kernel's
  /// boot identifier fakes. What the run says of being resumed, empty where it starts over; nil where nothing may be
  /// mounted.
  private func resumeElsewhere(
    _ slow: SlowRun, _ output: String, interval: String, _ end: String = "kill -KILL $pid ${ranks[@]}"
  ) throws -> String? {
    let setting = ["--set", "run.checkpoint_interval=\(interval)"]
    let ended = try slow.disturbed(output, ranks: 2, end, more: setting)
    try #require(ended.status != 0)
    let script = """
      echo 01234567-89ab-cdef-0123-456789abcdef > "$1/boot"
      mount --bind "$1/boot" /proc/sys/kernel/random/boot_id || exit 99
      shift; exec mpirun -n 2 "$@"
      """
    let outcome = try run(
      "/usr/bin/env",
      ["unshare", "--mount", "/bin/bash", "-c", script, "elsewhere", slow.folder.url.path, ronchiBinary]
        + slow.arguments(output) + setting)
    if outcome.status == 99 || outcome.errors.contains("unshare") {
      print("skipped: nothing can be mounted here (\(outcome.errors))")
      return nil
    }
    #expect(outcome.status == 0, "\(outcome.errors)")
    return outcome.errors.split(separator: "\n").first { $0.hasPrefix("resumed: ") }.map(String.init) ?? ""
  }

  @Test("a run of which nothing was synced starts over, with the same bits", arguments: [false])
  func unsynced(noise: Bool) throws {
    let slow = try SlowRun(noise: noise)
    let output = slow.folder.path("r.h5")
    guard let resumed = try resumeElsewhere(slow, output, interval: "10 min") else { return }
    #expect(resumed.isEmpty, "\(resumed)")
    #expect(try datasetDigests(output) == slow.undisturbed())
  }

  @Test("an interrupted run goes on", arguments: [false, true])
  func interrupted(noise: Bool) throws {
    let slow = try SlowRun(noise: noise, rows: 150)
    let output = slow.folder.path("r.h5")
    guard let resumed = try resumeElsewhere(slow, output, interval: "10 min", "kill -USR1 ${ranks[1]}") else { return }
    #expect(!resumed.isEmpty && !resumed.hasPrefix("resumed: 0 of "), "\(resumed)")
    #expect(try datasetDigests(output) == slow.undisturbed())
  }

  @Test("saves that were synced count", arguments: [true, false])
  func synced(noise: Bool) throws {
    let slow = try SlowRun(noise: noise)
    let output = slow.folder.path("r.h5")
    guard let resumed = try resumeElsewhere(slow, output, interval: "0 s") else { return }
    #expect(!resumed.isEmpty && !resumed.hasPrefix("resumed: 0 of "), "\(resumed)")
    #expect(try datasetDigests(output) == slow.undisturbed())
  }
}
