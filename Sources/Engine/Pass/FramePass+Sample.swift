import STEM

extension FramePass {
  /// Runs over a sample of the scan, with a checkpoint at `path` that does not outlive it. Collective.
  /// - Returns: how many frames all ranks have read.
  package func runSample(atMost most: Int, _ reader: any FrameReader, ranks: any Ranks, path: String) throws -> Int {
    includes = Self.sample(blocks, selection, atMost: most).contains
    let checkpoint = checkpoint(at: path)
    try ranks.onFirst { try checkpoint.create(head: []) }
    defer { if ranks.rank == 0 { checkpoint.remove() } }
    try run(reader, ranks: ranks, checkpoint: checkpoint)
    return try ranks.sum([statistics.frames])[0]
  }

  /// Blocks spread evenly over those that hold a selected position.
  package static func sample(_ blocks: BlockPlan, _ selection: PositionSelection, atMost most: Int) -> Set<Int> {
    let eligible = (0..<blocks.blockCount).filter { !selection.runs(in: blocks.positions(ofBlock: $0)).isEmpty }
    let wanted = max(1, most / blocks.blockPositions)
    guard eligible.count > wanted else { return Set(eligible) }
    return Set((0..<wanted).map { eligible[$0 * eligible.count / wanted] })
  }
}
