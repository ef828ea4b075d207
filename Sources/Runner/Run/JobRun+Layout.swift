import Engine
import Foundation
import Jobs
import STEM
import USID

/// What a run says of itself, in the log and in the file.
extension JobRun {
  func announce(_ steps: [JobStep]) {
    let source = plan.rawSource.description
    events.info(
      "\(source.path): \(source.format), scan \(plan.rawScan.text), detector \(source.detectorShape.text) "
        + "\(source.pixelType.numpyName), \(source.storage)")
    for correction in frames.corrections { events.info(correction) }
    let blocks = steps.compactMap { $0.pass?.blocks }.last
    let cut = blocks.map { " in \($0.blockCount) blocks and \($0.leafCount) leaves" } ?? ""
    events.info(
      "\(plan.selection.count) of \(plan.scan.count) positions\(cut) on \(ranks.count) \(ranks.count == 1 ? "rank" : "ranks")"
    )
    for warning in plan.warnings { warn(warning) }
  }

  /// The encoded identity of the run, with the places of its outputs, which is the head of its checkpoints. Who waits for
  /// rank 0 calls `meanwhile` again and again.
  func layOut(_ steps: [JobStep], _ identity: RunIdentity, meanwhile: () -> Void) throws -> [UInt8] {
    let hosts = try ranks.gather(Array(ProcessInfo.processInfo.hostName.utf8)).map {
      String(decoding: $0, as: UTF8.self)
    }
    var encoded: [UInt8] = []
    try ranks.onFirst(meanwhile: meanwhile) {
      var identity = try withInput(identity)
      let provenance = Provenance(
        plan: plan, frames: frames, measured: measured, commandLine: options.commandLine, hosts: hosts,
        rankCount: ranks.count, start: start, identity: identity)
      let layout = layout(steps, provenance)
      if options.existing == .append && output.exists {
        try output.copyForAppending()
        identity.places = try ResultFile.append(output.partial, layout)
      } else {
        identity.places = try ResultFile.create(output.partial, layout)
      }
      output.beginSync()
      encoded = Array(try JSONEncoder().encode(identity))
      // The first one last: a run is known by it.
      for step in steps.reversed() {
        try Checkpoint(output.checkpoint(step.number), blockCount: 0, sums: []).create(head: encoded)
      }
    }
    return try ranks.broadcast(encoded)
  }

  private func layout(_ steps: [JobStep], _ provenance: Provenance) -> ResultFileLayout {
    let source = frames.description
    var groups: [Int: ResultGroupLayout] = [:]
    for step in steps {
      for (member, outputs) in zip(step.members, step.outputs) {
        let analysis = plan.analyses[member]
        groups[member] = ResultGroupLayout(
          analysis: analysis.name, algorithm: analysis.algorithm,
          attributes: [("algorithm_revision", .integer(analysis.revision))]
            + analysis.parameters.map { ("parameter_\($0.key)", .text("\($0.value.text) (\($0.origin.rawValue))")) },
          outputs: outputs, pass: step.number)
      }
    }
    return ResultFileLayout(
      scan: plan.scan, detector: source.detectorShape, calibration: frames.context.calibration,
      source: SourceReference(
        filePath: absolute(source.path), datasetPath: source.dataset ?? "/Raw_Data",
        digest: provenance.identity.inputDigest),
      groups: plan.analyses.indices.compactMap { groups[$0] }, provenance: provenance.attributes,
      pending: provenance.pending)
  }
}
