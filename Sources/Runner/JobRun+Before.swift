import Foundation
import Jobs
import STEM

/// What is found out before a run begins: whether it is done already, or was begun, and what must be measured.
extension JobRun {
  /// Throws also when the job does not fit the memory: before anything is read.
  func makeIdentity(ranksOnNode: Int) throws -> RunIdentity {
    provisional = try JobPass.all(plan, plan.provisionalContext)
    let memory = MemoryPlan(plan, passBytes: provisional.map(\.memoryBytes).max() ?? 0, ranksOnNode: ranksOnNode)
    try memory.check()
    readerBytes = memory.readerBytes
    for note in memory.notes(plan) { console.warning(note) }
    let base = options.existing == .append && output.exists ? output.state : ""
    return RunIdentity(plan, blocks: provisional.map(\.frames.blocks), base: base)
  }

  /// On rank 0, where it is asked for.
  func withInput(_ identity: RunIdentity) throws -> RunIdentity {
    var identity = identity
    if fingerprint == nil { fingerprint = try Provenance.fingerprint(plan.description.path) }
    (identity.inputSize, identity.inputDigest) = fingerprint!
    return identity
  }

  func isFinished(_ identity: RunIdentity) throws -> Bool {
    guard options.existing == .refuse, !options.force else { return false }
    var finished = false
    try ranks.onFirst { finished = try output.exists && withInput(identity).isFinished(in: output.path) }
    return try ranks.largest(finished ? 1 : 0) == 1
  }

  func finishedSummary() -> RunSummary {
    console.info("\(output.path) holds the result of this job on this input already; --force computes it again")
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
      let differences = try withInput(identity).differences(found)
      guard differences.isEmpty else {
        throw Problem(
          .cannotCreate, at: output.partial,
          "belongs to another run: \(differences.joined(separator: "; ")); give that job to finish it, or --force to start over"
        )
      }
    }
    stored = try ranks.broadcast(stored)
    return stored.isEmpty ? nil : try JSONDecoder().decode(RunIdentity.self, from: Data(stored))
  }

  // MARK: measuring

  /// Completes the plan by the bad pixels of the file's frames, where the job wants them found.
  func findBadPixels(_ identity: RunIdentity) throws -> RunIdentity {
    guard plan.findsBadPixels else { return identity }
    var identity = identity
    let width = plan.rawSource.description.detectorShape.x
    let found: [Int]
    if let known = identity.badPixels {
      found = known
    } else {
      let search = try BadPixelSearch(plan, readerBytes: readerBytes, ranks: ranks, path: output.measurement)
      found = search.found
      console.info("\(BadPixelSearch.text(found, width: width)) in \(search.positions) frames")
    }
    identity.badPixels = found
    plan = try ranks.together { try plan.with(badPixels: found) }
    return identity
  }

  /// `Measurement.values`; empty when nothing is to be measured.
  func measure(_ reader: any FrameReader) throws -> [Double] {
    guard !plan.toMeasure.isEmpty else { return [] }
    let measurement = try Measurement(plan, reader, ranks: ranks, path: output.measurement)
    for note in measurement.notes { console.info(note) }
    if measurement.disk?.clipped == true {
      console.warning("the bright disk is cut by the detector's edge; its center may be off")
    }
    if let warning = measurement.contradiction(plan.context.diskRadius) { console.warning(warning) }
    return measurement.values
  }

  func context(_ measured: [Double]) -> FrameContext { Measurement.context(plan, measured) }
}
