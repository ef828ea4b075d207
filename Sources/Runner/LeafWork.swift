import STEM

/// What one rank of a pass has computed and not yet saved.
final class LeafWork {
  private unowned let pass: FramePass
  private let reader: any FrameReader
  private let ranks: any Ranks
  private let checkpoint: Checkpoint
  var record = 0
  private var sequence: UInt64 = 0
  private var saved: BlockSet
  /// Positions whose rows are written and whose sums are not saved.
  private var unmarked: [Range<Int>] = []
  private var lastSave = ContinuousClock.now
  private var lastSync = ContinuousClock.now
  private var isSynced = true

  init(_ pass: FramePass, _ reader: any FrameReader, _ ranks: any Ranks, _ checkpoint: Checkpoint) {
    self.pass = pass
    self.reader = reader
    self.ranks = ranks
    self.checkpoint = checkpoint
    saved = BlockSet(count: pass.blocks.blockCount)
  }

  /// Goes on from what a record holds, or from nothing.
  func startRecord(_ found: Checkpoint.Found?) {
    for accumulator in pass.accumulators { accumulator.reset() }
    found?.restore(pass.accumulators)
    sequence = found?.sequence ?? 0
    saved = found?.blocks ?? BlockSet(count: pass.blocks.blockCount)
  }

  func process(_ leaf: Int, _ open: [Int], endsRecord: Bool) throws {
    let leafStart = pass.blocks.positions(ofLeaf: leaf).lowerBound
    for kernel in pass.kernels {
      kernel.begin(leafStart: leafStart)
      for rows in kernel.rows { rows.prepare(rows: pass.blocks.positions(ofLeaf: leaf).count) }
    }
    reader.expect(open.filter(pass.includes).flatMap { pass.selection.runs(in: pass.blocks.positions(ofBlock: $0)) })
    var written = pass.blocks.positions(ofBlock: open[0]).lowerBound
    for (index, block) in open.enumerated() {
      let next = index + 1 < open.count ? open[index + 1] : nil
      let range = pass.blocks.positions(ofBlock: block)
      if pass.includes(block) { try pass.compute(range, leafStart: leafStart, reader) }
      saved.insert(block)
      pass.progress(pass.statistics)
      let now = ContinuousClock.now
      if pass.isInterrupted() { try ranks.stopTasks() }
      let isStopped = try ranks.tasksAreStopped()
      // Rows of blocks in between are in the file already, and not here.
      if isStopped || next != block + 1 || now - lastSave > pass.flushInterval {
        try pass.write(written..<range.upperBound, leafStart)
        unmarked.append(written..<range.upperBound)
        written = next.map { pass.blocks.positions(ofBlock: $0).lowerBound } ?? range.upperBound
        if now - lastSave > pass.flushInterval {
          try save(now - lastSync > pass.checkpointInterval ? .synced : .thisBoot)
        }
      }
      if isStopped { return }
    }
    if endsRecord { try save(.thisBoot) }
  }

  func save(_ durability: Checkpoint.Durability) throws {
    if unmarked.isEmpty && (isSynced || durability == .thisBoot) { return }
    let began = ContinuousClock.now
    if durability == .synced { try pass.sink?.sync() }
    sequence += 1
    try checkpoint.save(record, sequence: sequence, durability, saved, pass.accumulators)
    for range in unmarked { try pass.sink?.markCompleted(range) }
    unmarked = []
    lastSave = ContinuousClock.now
    isSynced = durability == .synced
    if isSynced { lastSync = lastSave }
    pass.statistics.writing += (lastSave - began).seconds
  }
}
