import Foundation
import Jobs
import STEM
import USID

/// What a run says of itself, in the log and in the file.
extension JobRun {
  func announce(_ passes: [JobPass]) {
    let source = plan.rawSource.description
    console.info(
      "\(source.path): \(source.format), scan \(plan.rawScan.text), detector \(source.detectorShape.text) "
        + "\(source.pixelType.numpyName), \(source.storage)")
    for correction in plan.corrections { console.info(correction) }
    let blocks = passes[passes.count - 1].frames.blocks
    console.info(
      "\(plan.selection.count) of \(plan.scan.count) positions in \(blocks.blockCount) blocks and "
        + "\(blocks.leafCount) leaves on \(ranks.count) \(ranks.count == 1 ? "rank" : "ranks")")
    for warning in plan.warnings { console.warning(warning) }
  }

  /// The encoded identity of the run, with the places of its outputs, which is the head of its checkpoints. Who waits for
  /// rank 0 calls `meanwhile` again and again.
  func layOut(_ passes: [JobPass], _ identity: RunIdentity, meanwhile: () -> Void) throws -> [UInt8] {
    let hosts = try ranks.gather(Array(ProcessInfo.processInfo.hostName.utf8)).map {
      String(decoding: $0, as: UTF8.self)
    }
    var encoded: [UInt8] = []
    try ranks.onFirst(meanwhile: meanwhile) {
      var identity = try withInput(identity)
      let provenance = Provenance(
        plan: plan, commandLine: options.commandLine, hosts: hosts, rankCount: ranks.count, start: start,
        identity: identity)
      let layout = layout(passes, provenance)
      if options.existing == .append && output.exists {
        try output.copyForAppending()
        identity.places = try ResultFile.append(output.partial, layout)
      } else {
        identity.places = try ResultFile.create(output.partial, layout)
      }
      output.beginSync()
      encoded = Array(try JSONEncoder().encode(identity))
      // The first one last: a run is known by it.
      for pass in passes.reversed() {
        try Checkpoint(output.checkpoint(pass.number), blockCount: 0, sums: []).create(head: encoded)
      }
    }
    return try ranks.broadcast(encoded)
  }

  private func layout(_ passes: [JobPass], _ provenance: Provenance) -> ResultFileLayout {
    let source = plan.description
    var groups: [Int: ResultGroupLayout] = [:]
    for pass in passes {
      for (member, outputs) in zip(pass.members, pass.outputs) {
        let analysis = plan.analyses[member]
        groups[member] = ResultGroupLayout(
          analysis: analysis.name, algorithm: analysis.algorithm,
          attributes: [("algorithm_revision", .integer(analysis.revision))]
            + analysis.parameters.map { ("parameter_\($0.key)", .text("\($0.value.text) (\($0.origin.rawValue))")) },
          outputs: outputs, pass: pass.number)
      }
    }
    return ResultFileLayout(
      scan: plan.scan, detector: source.detectorShape, calibration: passes.calibration,
      source: SourceReference(
        filePath: absolute(source.path), datasetPath: source.dataset ?? "/Raw_Data",
        digest: provenance.identity.inputDigest),
      groups: plan.analyses.indices.compactMap { groups[$0] }, provenance: provenance.attributes,
      pending: provenance.pending)
  }

  /// From the totals of all positions where the job has them, else from a few patterns. On rank 0; nil elsewhere.
  func findDose(_ passes: [JobPass], _ reader: any FrameReader, _ writer: ResultWriter) throws -> RunDose? {
    let calibration = passes.calibration
    guard calibration.countsPerElectron != nil else { return nil }
    var dose: RunDose?
    try ranks.onFirst {
      for pass in passes {
        for (group, outputs) in zip(pass.members, pass.outputs)
        where plan.analyses[group].name == "frame_statistics" {
          guard let index = outputs.firstIndex(where: { $0.name == "total" }) else { continue }
          let totals = try writer.readWhole(group: group, output: index)
          dose = RunDose(totals, isSample: false, calibration)
          return
        }
      }
      dose = RunDose(plan.sampleTotals(reader), isSample: true, calibration)
    }
    return dose
  }
}
