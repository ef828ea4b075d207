import STEM

/// What one rank of a pass has computed and not yet saved.
final class TaskWork {
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
  /// Whether an error may have left a part of a block in the sums, or rows unwritten.
  var isBroken = false
  /// Records that are complete and were only saved for this boot.
  private var unsynced: [Int] = []

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

  /// The blocks of a task that are not done yet, ascending.
  func process(_ positions: Range<Int>, _ open: [Int], endsRecord: Bool) throws {
    let start = positions.lowerBound
    for kernel in pass.kernels {
      kernel.begin(at: start)
      for rows in kernel.rows { rows.prepare(rows: positions.count) }
    }
    reader.expect(open.filter(pass.includes).flatMap { pass.selection.runs(in: pass.blocks.positions(ofBlock: $0)) })
    var written = pass.blocks.positions(ofBlock: open[0]).lowerBound
    for (index, block) in open.enumerated() {
      let next = index + 1 < open.count ? open[index + 1] : nil
      let range = pass.blocks.positions(ofBlock: block)
      if pass.includes(block) { try pass.compute(range, start: start, reader) }
      saved.insert(block)
      pass.progress(pass.statistics)
      let now = ContinuousClock.now
      if pass.isInterrupted() { try ranks.stopTasks() }
      let isStopped = try ranks.tasksAreStopped()
      // Rows of blocks in between are in the file already, and not here.
      if isStopped || next != block + 1 || now - lastSave > pass.flushInterval {
        try pass.write(written..<range.upperBound, start)
        unmarked.append(written..<range.upperBound)
        written = next.map { pass.blocks.positions(ofBlock: $0).lowerBound } ?? range.upperBound
        if now - lastSave > pass.flushInterval { try save() }
      }
      if isStopped { return }
    }
    guard endsRecord else { return }
    try save()
    if !isSynced { unsynced.append(record) }
  }

  private func save() throws {
    try save(ContinuousClock.now - lastSync > pass.checkpointInterval ? .synced : .thisBoot)
  }

  /// Synced, after the pass was stopped.
  func saveWhatIsWhole() throws {
    if !isBroken { try save(.synced) }
  }

  func save(_ durability: Checkpoint.Durability) throws {
    if unmarked.isEmpty && (isSynced || durability == .thisBoot) { return }
    let began = ContinuousClock.now
    if durability == .synced {
      try pass.sink?.sync()
      try checkpoint.keep(unsynced)
      unsynced = []
    }
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
