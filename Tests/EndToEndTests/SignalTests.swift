import Foundation
import TestSupport
import Testing

/// Ends that are asked for, where a rank does not answer.
@Suite(.serialized) struct SignalTests {
  @Test("a second INT ends at once with 130, and a resume gives the same bits")
  func secondInterrupt() throws {
    let slow = try SlowRun()
    let output = slow.folder.path("r.h5")
    // A rank that stands still keeps the first INT from ending the run.
    let outcome = try slow.disturbed(
      output, ranks: 3, "kill -STOP ${ranks[1]}; kill -INT ${ranks[0]}; sleep 0.3; kill -INT ${ranks[0]}")
    // The end of the grace, which comes without a second INT, has another code.
    #expect(outcome.status == 130, "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: output))
    let (resumed, digests) = try slow.resumed(output)
    #expect(resumed.errors.contains("resumed: "), "\(resumed.errors)")
    #expect(try digests == slow.undisturbed())
  }

  @Test("a rank that stands still does not make a run outlive its grace", arguments: [0, 1])
  func grace(deaf: Int) throws {
    let slow = try SlowRun()
    let output = slow.folder.path("r.h5")
    let outcome = try slow.disturbed(
      output, ranks: 2, "kill -STOP ${ranks[\(deaf)]}; kill -USR1 ${ranks[\(1 - deaf)]}", more: ["--grace", "2"])
    // A run that hangs is killed, which is another code; one that stops by itself, and does not need its grace, says so.
    #expect(outcome.status == 75, "\(outcome.errors)")
    #expect(outcome.messages.isEmpty, "\(outcome.errors)")
    let (resumed, digests) = try slow.resumed(output)
    #expect(resumed.errors.contains("resumed: "), "\(resumed.errors)")
    #expect(try digests == slow.undisturbed())
  }

  @Test("a signal to a rank that has no work left is heard by the others")
  func idleRank() throws {
    let slow = try SlowRun(rows: 112)
    let output = slow.folder.path("r.h5")
    let outcome = try slow.disturbed(
      output, ranks: 2,
      "kill -STOP ${ranks[0]}; sleep 5; kill -USR1 ${ranks[1]}; sleep 0.1; kill -CONT ${ranks[0]}")
    #expect(outcome.status == 75, "\(outcome.errors)")
    #expect(outcome.messages.count == 1, "\(outcome.errors)")
    #expect(try slow.resumed(output).digests == slow.undisturbed())
  }

  @Test("INT on mpirun, once or twice, leaves a run that goes on", arguments: [1, 2])
  func interruptedLauncher(times: Int) throws {
    let slow = try SlowRun(noise: false)
    let output = slow.folder.path("r.h5")
    let again = times == 2 ? "; sleep 0.1; kill -INT $pid" : ""
    // Open MPI answers at its leisure: a rank may come to its end before.
    let outcome = try slow.disturbed(output, ranks: 2, "kill -INT $pid" + again)
    // 9: it had to be killed.
    #expect(outcome.status != 0 && outcome.status != 9, "\(outcome.errors)")
    #expect(try slow.resumed(output).digests == slow.undisturbed())
  }

  @Test("one rank, with a launcher or without, ends with 75 too", arguments: ["${ranks[0]}", "$pid"])
  func alone(target: String) throws {
    let slow = try SlowRun()
    let output = slow.folder.path("r.h5")
    let outcome = try slow.disturbed(output, ranks: target == "$pid" ? nil : 1, "kill -TERM \(target)")
    #expect(outcome.status == 75, "\(outcome.errors)")
    #expect(outcome.messages.isEmpty || outcome.messages.count == 1, "\(outcome.errors)")
    #expect(try slow.resumed(output).digests == slow.undisturbed())
  }

  @Test("a signal that comes as soon as it is listened to ends the run with 75")
  func earlySignal() throws {
    let slow = try SlowRun()
    // Bit 9 of the caught signals is USR1.
    let caught = "0x$(awk '/SigCgt/ {print $2}' /proc/$pid/status) & 0x200"
    let script = "\"$@\" & pid=$!; until (( \(caught) )); do sleep 0.002; done; kill -USR1 $pid; wait $pid"
    let arguments = [ronchiBinary] + slow.arguments(slow.folder.path("r.h5"))
    let outcome = try run("/bin/bash", ["-c", script, "early"] + arguments)
    #expect(outcome.status == 75, "\(outcome.errors)")
  }
}
