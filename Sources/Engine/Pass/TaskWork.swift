import STEM

/// What one rank of a pass has computed and not yet saved.
package final class TaskWork {
  package let ranks: any Ranks
  package let checkpoint: Checkpoint
  private unowned let pass: FramePass
  private let reader: any FrameReader
  private var record = 0
  private var sequence: UInt64 = 0
  private var saved: BlockSet
  /// Positions whose rows are written and whose sums are not saved.
  private var unmarked: [Range<Int>] = []
  private var lastSave = ContinuousClock.now
  private var lastSync = ContinuousClock.now
  private var isSynced = true
  /// Whether an error may have left a part of a block in the sums, or rows unwritten.
  package var isBroken = false
  /// Records that are complete and were only saved for this boot.
  private var unsynced: [Int] = []
  /// The task at hand: its first position, its blocks that were not done, how many of them are now, and from where on
  /// rows are not written.
  private var start = 0
  private var open: [Int] = []
  private var computed = 0
  private var unwritten = 0
  /// Whether this rank has begun with its first task before the pass began.
  package private(set) var isAhead = false
  /// The leaves of the task with the rank's own number; nil where there are more ranks than tasks.
  private lazy var firstTask: Range<Int>? = {
    let tasks = pass.tasks(of: ranks.count)
    return ranks.rank < tasks.count ? tasks[ranks.rank] : nil
  }()
  private var failure: (any Error)?

  package init(_ pass: FramePass, _ reader: any FrameReader, _ ranks: any Ranks, _ checkpoint: Checkpoint) {
    self.pass = pass
    self.reader = reader
    self.ranks = ranks
    self.checkpoint = checkpoint
    saved = BlockSet(count: pass.blocks.blockCount)
    pass.statistics.isMapped = reader.isMapped
  }

  /// Computes a block of the first task, while the output and the checkpoint are made: of a pass of which nothing is done
  /// yet. What goes wrong is said in the pass.
  package func computeAhead() {
    let began = ContinuousClock.now
    defer { pass.statistics.wall += (ContinuousClock.now - began).seconds }
    if !isAhead {
      guard let leaves = firstTask else { return }
      isAhead = true
      startRecord(pass.sumsAreExact ? ranks.rank : leaves.lowerBound, nil)
      begin(pass.blocks.positions(ofLeaves: leaves), Array(pass.blocks.blocks(ofLeaves: leaves)))
    }
    guard failure == nil, computed < open.count else { return }
    do { try computeBlock() } catch { failure = error }
  }

  /// Goes on from what a record holds, or from nothing.
  package func startRecord(_ number: Int, _ found: Checkpoint.Found?) {
    record = number
    for accumulator in pass.accumulators { accumulator.reset() }
    found?.restore(pass.accumulators)
    sequence = found?.sequence ?? 0
    saved = found?.blocks ?? BlockSet(count: pass.blocks.blockCount)
  }

  /// Begins a task.
  /// - Parameter open: its blocks that are not done yet, ascending; at least one
  package func begin(_ positions: Range<Int>, _ open: [Int]) {
    (start, self.open, computed) = (positions.lowerBound, open, 0)
    unwritten = pass.blocks.positions(ofBlock: open[0]).lowerBound
    for bound in pass.kernels {
      bound.kernel.begin(at: start)
      bound.outputs.prepare(rows: positions.count)
    }
    reader.expect(open.filter(pass.includes).flatMap { pass.selection.runs(in: pass.blocks.positions(ofBlock: $0)) })
  }

  /// Computes the rest of the task and writes its rows; less once the pass is stopped.
  package func finishTask(_ queue: TaskQueue) throws {
    isAhead = false
    if let failure { throw failure }
    if computed > 0, try settle(queue) { return }
    while computed < open.count {
      // Rank 0 answers between its own blocks. Asked earlier, a rank would keep a task that others could have.
      if open.count - computed <= 2 { try queue.expectNext() }
      try computeBlock()
      if try settle(queue) { return }
    }
    // A record holds a task where sums round.
    guard !pass.sumsAreExact else { return }
    try save()
    if !isSynced { unsynced.append(record) }
  }

  private func computeBlock() throws {
    let block = open[computed]
    if pass.includes(block) { try pass.compute(pass.blocks.positions(ofBlock: block), start: start, reader) }
    saved.insert(block)
    computed += 1
    pass.progress(pass.statistics)
  }

  /// Writes rows where it is time to, and saves the sums that go with them.
  /// - Returns: whether the pass is stopped
  private func settle(_ queue: TaskQueue) throws -> Bool {
    let isStopped = try queue.checkStop()
    let end = pass.blocks.positions(ofBlock: open[computed - 1]).upperBound
    let next = computed < open.count ? pass.blocks.positions(ofBlock: open[computed]).lowerBound : nil
    let isDue = ContinuousClock.now - lastSave > pass.flushInterval
    // Rows of blocks in between are in the file already, and not here.
    if isStopped || next != end || isDue {
      try pass.write(unwritten..<end, start)
      unmarked.append(unwritten..<end)
      unwritten = next ?? end
      if isDue { try save() }
    }
    return isStopped
  }

  private func save() throws {
    try save(ContinuousClock.now - lastSync > pass.checkpointInterval ? .synced : .thisBoot)
  }

  /// Synced, after the pass was stopped.
  package func saveWhatIsWhole() throws {
    if !isBroken { try save(.synced) }
  }

  package func save(_ durability: Checkpoint.Durability) throws {
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
