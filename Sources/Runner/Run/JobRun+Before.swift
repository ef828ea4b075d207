import Engine
import Foundation
import Jobs
import STEM

/// What is found out before a run begins: whether it is done already, or was begun.
extension JobRun {
  /// Throws also when the job does not fit the memory: before anything is read.
  func makeIdentity(ranksOnNode: Int) throws -> RunIdentity {
    provisional = try JobStep.all(plan, frames, plan.provisionalContext)
    let memory = MemoryPlan(plan, passBytes: provisional.map(\.memoryBytes).max() ?? 0, ranksOnNode: ranksOnNode)
    try memory.check()
    readerBytes = memory.readerBytes
    for note in memory.notes(plan) { warn(note) }
    let base = options.existing == .append && output.exists ? output.state : ""
    return RunIdentity(plan, blocks: provisional.compactMap { $0.pass?.blocks }, base: base)
  }

  /// On rank 0, where it is asked for.
  func withInput(_ identity: RunIdentity) throws -> RunIdentity {
    var identity = identity
    identity.input = try input.state()
    return identity
  }

  /// Throws where the output holds the result of the same job on another state of the input: neither is an old result kept
  /// silently, nor is one computed again that somebody may want to keep.
  func isFinished(_ identity: RunIdentity) throws -> Bool {
    guard options.existing == .refuse, !options.force else { return false }
    var finished = false
    try ranks.onFirst {
      guard output.exists else { return }
      switch try withInput(identity).finished(in: output.path, acceptsTouched: options.acceptsTouched) {
      case .no: break
      case .yes: finished = true
      case .otherInput(let differences):
        throw Problem(
          .cannotCreate, at: output.path,
          "holds the result of this job on the input as it was: \(differences.joined(separator: "; ")); --overwrite "
            + "computes it again")
      }
    }
    return try ranks.largest(finished ? 1 : 0) == 1
  }

  func finishedSummary() -> RunSummary {
    events.info("\(output.path) holds the result of this job on this input already; --force computes it again")
    return RunSummary(
      outputPath: output.path, wall: (ContinuousClock.now - clock).seconds, phases: [], ranks: [],
      positions: plan.scan.count, selected: plan.selection.count, scanWidth: plan.scan.x, groups: [])
  }

  /// The identity stored with an unfinished run of this job; nil where there is none. Throws when another job left it.
  func findUnfinished(_ identity: RunIdentity) throws -> RunIdentity? {
    var stored: [UInt8] = []
    try ranks.onFirst {
      stored = options.force || !output.partialExists ? [] : Checkpoint.head(output.checkpoint(0)) ?? []
      guard !stored.isEmpty else { return output.removePartial() }
      let found = try JSONDecoder().decode(RunIdentity.self, from: Data(stored))
      let differences = try withInput(identity).differences(found, acceptsTouched: options.acceptsTouched)
      guard differences.isEmpty else {
        throw Problem(
          .cannotCreate, at: output.partial,
          "belongs to another run: \(differences.joined(separator: "; ")); give that job and input to finish it, or "
            + "--force to start over"
        )
      }
    }
    stored = try ranks.broadcast(stored)
    return stored.isEmpty ? nil : try JSONDecoder().decode(RunIdentity.self, from: Data(stored))
  }
}
