import Foundation
import TestSupport
import Testing

/// `Tests/two-nodes`, which gives a command two nodes with TCP between them.
private enum TwoNodes {
  static let script = packageRoot.appendingPathComponent("Tests/two-nodes").path

  /// Why this machine does not allow it.
  static let obstacle: String? = {
    do {
      let outcome = try run(script, ["true"])
      return outcome.status == 0 ? nil : outcome.errors
    } catch { return "\(error)" }
  }()

  static func mpirun(_ ranks: Int, _ arguments: [String]) throws -> Outcome {
    try run(script, ["mpirun", "-n", "\(ranks)", "--map-by", "node", ronchiBinary] + arguments)
  }
}

/// Runs with MPI as it is installed, on two nodes: what works within a machine need not work between machines.
@Suite(.serialized, .enabled(if: TwoNodes.obstacle == nil, "no two nodes here: \(TwoNodes.obstacle ?? "")"))
struct TwoNodesTests {
  @Test("ranks are on both nodes, and nothing is left of the nodes afterwards")
  func nodes() throws {
    let interfaces = try FileManager.default.contentsOfDirectory(atPath: "/sys/class/net").sorted()
    // A second process that would go on, out of the shell's reach.
    let mark = "86399.\(UInt32.random(in: 1...99999))"
    let script = "mpirun -n 4 --map-by node sh -c 'cat /proc/sys/kernel/hostname'; setsid sleep \(mark) & exit 3"
    let outcome = try run(TwoNodes.script, ["sh", "-c", script])
    #expect(outcome.status == 3)
    #expect(outcome.output.split(separator: "\n").sorted() == ["node1", "node1", "node2", "node2"], "\(outcome)")
    let killed = try run(
      "/bin/bash", ["-c", "\"$0\" sleep \(mark) & sleep 2; kill -KILL $!; wait $!; sleep 0.2", TwoNodes.script])
    #expect(killed.status == 0)
    #expect(try run("/usr/bin/env", ["pgrep", "-f", mark]).output == "")
    #expect(try FileManager.default.contentsOfDirectory(atPath: "/sys/class/net").sorted() == interfaces)
  }

  @Test("simulate and run give the bits of one rank")
  func bits() throws {
    let folder = try TemporaryFolder()
    let (scan, copy) = (folder.path("scan.h5"), folder.path("copy.h5"))
    let shape = ["--scan-shape", "20,18", "--detector-shape", "64,64", "--quiet"]
    #expect(try ronchi(["simulate", scan] + shape).status == 0)
    let simulated = try TwoNodes.mpirun(4, ["simulate", copy] + shape)
    #expect(simulated.status == 0, "\(simulated.errors)")
    #expect(try datasetDigests(copy) == datasetDigests(scan))
    for scheduling in ["dynamic", "static"] {
      let job = try folder.write("run: {scheduling: \(scheduling)}\n" + wholeJob, to: "job.yml")
      let (one, four) = (folder.path("one-\(scheduling).h5"), folder.path("four-\(scheduling).h5"))
      #expect(try ronchi(["run", job, "-i", scan, "-o", one]).status == 0)
      let outcome = try TwoNodes.mpirun(4, ["run", job, "-i", scan, "-o", four])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try datasetDigests(four) == datasetDigests(one))
    }
  }

  @Test(
    "a run that is interrupted or killed on the second node goes on, on two nodes, with the same bits",
    arguments: ["USR1", "KILL"])
  func resume(signal: String) throws {
    let slow = try SlowRun(noise: signal == "KILL")
    let output = slow.folder.path("r.h5")
    // A rank is on the other node when its host name is another one.
    // The kernel keeps 15 characters of a name.
    let name = URL(fileURLWithPath: ronchiBinary).lastPathComponent.prefix(15)
    let script = """
      for rank in $(pgrep -x \(name)); do
        [ "$(readlink /proc/$rank/ns/uts)" = "$(readlink /proc/self/ns/uts)" ] || other=$rank
      done
      kill -\(signal) $other
      """
    let ended = try slow.disturbed(
      output, ranks: 4, script, more: ["--set", "run.checkpoint_interval=0 s"], within: [TwoNodes.script],
      mpirun: ["--map-by", "node"])
    #expect(signal == "USR1" ? ended.status == 75 : ended.status != 0, "\(ended.errors)")
    #expect(!FileManager.default.fileExists(atPath: output))
    let resumed = try TwoNodes.mpirun(4, slow.arguments(output))
    #expect(resumed.status == 0 && resumed.errors.contains("resumed: "), "\(resumed.errors)")
    #expect(!resumed.errors.contains("resumed: 0 of"), "\(resumed.errors)")
    #expect(try datasetDigests(output) == slow.undisturbed())
  }

  @Test("what is wrong with an input is said once, with its code")
  func problems() throws {
    let folder = try TemporaryFolder()
    let job = try folder.write(wholeJob, to: "job.yml")
    let missing = try TwoNodes.mpirun(4, ["run", job, "-i", folder.path("none.h5"), "-o", folder.path("r.h5")])
    #expect(missing.status == 66 && missing.messages.count == 1, "\(missing.errors)")
  }
}

@Suite(.serialized) struct OneSidedMPITests {
  /// MPI_Win_allocate fails with these settings, as it does between nodes.
  private let noWindows = ["OMPI_MCA_btl": "tcp,self", "OMPI_MCA_osc": "rdma"]

  @Test("ranks without shared memory and one-sided calls give the bits of one rank")
  func bits() throws {
    let folder = try TemporaryFolder()
    let scan = folder.path("scan.npy")
    try TestScan(scan: (19, 17), detector: (24, 22)).writeNpy(scan)
    let job = try folder.write(wholeJob, to: "job.yml")
    let (one, three) = (folder.path("one.h5"), folder.path("three.h5"))
    #expect(try ronchi(["run", job, "-i", scan, "-o", one]).status == 0)
    let outcome = try ronchi(["run", job, "-i", scan, "-o", three], ranks: 3, environment: noWindows)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try datasetDigests(three) == datasetDigests(one))
  }
}
