import Foundation
import TestSupport
import Testing

/// A run that takes a second or two, for tests that end it before its time.
struct SlowRun {
  let folder: TemporaryFolder
  let scan: String
  let job: String

  /// - Parameters:
  ///   - noise: counts in whole numbers, whose sums are exact; otherwise numbers whose sums round
  ///   - rows: of the scan; with 56, two ranks may come to the end soon after their first save
  init(noise: Bool = true, rows: Int = 56, job: String = SlowRun.manyProfiles) throws {
    folder = try TemporaryFolder()
    scan = folder.path("scan.h5")
    self.job = try folder.write(job, to: "job.yml")
    let arguments = ["simulate", scan, "--scan-shape", "\(rows),57", "--detector-shape", "128,128", "--quiet"]
    let made = try ronchi(arguments + (noise ? [] : ["--no-noise"]), ranks: 2)
    try #require(made.status == 0, "\(made.errors)")
  }

  static let manyProfiles =
    wholeJob + "\n" + (2..<80).map { "  - radial_profile: {bins: \($0)}" }.joined(separator: "\n")

  func arguments(_ output: String) -> [String] { ["run", job, "-i", scan, "-o", output] }

  /// Digests of what a run gives that nobody disturbs.
  func undisturbed() throws -> [String: String] {
    let output = folder.path("whole.h5")
    let outcome = try ronchi(arguments(output), ranks: 2)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try datasetDigests(output)
  }

  /// Finishes what is there, on two ranks, and returns the outcome and the digests.
  func resumed(_ output: String) throws -> (outcome: Outcome, digests: [String: String]) {
    let outcome = try ronchi(arguments(output), ranks: 2)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return (outcome, try datasetDigests(output))
  }

  /// Starts a run (`ranks` nil: without mpirun), and once a state of its pass is saved, or one was before, a script of
  /// bash that knows mpirun as `$pid`, its ranks as `${ranks[0]}` and so on, and `$output`. Ends with mpirun's status.
  /// - Parameters:
  ///   - prefix: a command that runs the script, with the run in it
  ///   - options: of mpirun
  func disturbed(
    _ output: String, ranks: Int?, _ script: String, more: [String] = [], within prefix: [String] = [],
    mpirun options: [String] = []
  ) throws -> Outcome {
    let log = folder.path("log-\(UUID().uuidString)")
    // A checkpoint's head says at byte 8 how long it is; behind it come the states.
    let whole = """
      output="$1"; log="$2"; shift 2
      states() {
        local head=$(od -An -t u8 -j 8 -N 8 "$1" 2> /dev/null)
        (( $(stat -c %s "$1" 2> /dev/null || echo 0) > ${head:-0} + 32 ))
      }
      "$@" 2> "$log" & pid=$!
      for i in $(seq 1000); do
        grep -q "blocks and" "$log" && states "$output.partial.checkpoint" && break
        sleep 0.01
      done
      sleep 0.05
      ranks=($(pgrep -P $pid | sort -n))
      { \(script)
      } 2> /dev/null
      wait $pid; code=$?
      # Ranks may outlive their launcher for a moment, and the output's lock with them.
      for i in $(seq 100); do kill -0 ${ranks[@]} 2> /dev/null || break; sleep 0.05; done
      cat "$log" >&2
      exit $code
      """
    return try run(
      "/usr/bin/env",
      prefix + ["/bin/bash", "-c", whole, "disturbed", output, log]
        + (ranks.map { ["mpirun", "-n", "\($0)"] + options } ?? []) + [ronchiBinary] + arguments(output) + more)
  }
}

extension Outcome {
  /// Lines that begin with `error:`.
  var messages: [Substring] { errors.split(separator: "\n").filter { $0.hasPrefix("error:") } }
}
