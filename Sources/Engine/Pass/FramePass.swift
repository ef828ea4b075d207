import Foundation
import STEM

/// Where finished rows go.
package protocol RowSink {
  /// Rows `positions` of every kernel, whose first rows are those of position `start`.
  func write(_ kernels: [BoundKernel], positions: Range<Int>, start: Int) throws
  /// The rows of these positions, and what they add to the sums, are safe.
  func markCompleted(_ positions: Range<Int>) throws
  /// The frames of these positions could not be read.
  func markBad(_ positions: Range<Int>) throws
  /// Returns once everything written is on the disk.
  func sync() throws
}

/// One pass over the scan: task → block → frame → every kernel.
package final class FramePass {
  package let blocks: BlockPlan
  package let selection: PositionSelection
  package let kernels: [BoundKernel]
  /// Of all kernels.
  package let rows: [Rows]
  /// Those that take frame by frame, and the others.
  private let frameKernels: [any FrameKernel]
  private let groupKernels: [any GroupKernel]
  /// The optical axis of every position, where kernels follow it.
  package var origins: OriginField?
  /// Blocks that are left out are not read; their rows stay missing.
  package var includes: (Int) -> Bool = { _ in true }
  package var sink: (any RowSink)?
  package var progress: (PassStatistics) -> Void = { _ in }
  /// Who computes what.
  package var scheduling = Scheduling.dynamic
  /// Asked after every block; true ends the pass on all ranks with a checkpoint.
  package var isInterrupted: () -> Bool = { false }
  /// Told how many of how many blocks an earlier run has done.
  package var announceResumed: (Int, Int) -> Void = { _, _ in }
  /// Whether a frame that cannot be read is left out; otherwise it ends the pass.
  package var masksBadFrames = false
  /// Time between saves that a loss of the machine survives.
  package var checkpointInterval = Duration.seconds(30)
  /// Whether the last save is one of them.
  package var endsSynced = false
  package var statistics = PassStatistics()
  package let accumulators: [any Accumulator]
  /// Frames that could not be read, and are not written down yet.
  private var unreadable: [Range<Int>] = []
  private let frameBytes: Int
  private let storedBytes: Int
  package let sumsAreExact: Bool

  /// Rows and sums are handed to the operating system at the latest after this time, so that a kill loses little.
  package let flushInterval = Duration.milliseconds(250)
  private let cachedBytes = 1 << 20

  package init(_ description: SourceDescription, selection: PositionSelection, kernels: [BoundKernel]) {
    self.selection = selection
    self.kernels = kernels
    rows = kernels.flatMap { $0.outputs.rows.map(\.rows) }
    frameKernels = kernels.map(\.kernel).filter { !($0 is any GroupKernel) }
    groupKernels = kernels.compactMap { $0.kernel as? any GroupKernel }
    accumulators = kernels.flatMap(\.kernel.accumulators)
    sumsAreExact = accumulators.allSatisfy(\.isExact)
    frameBytes = description.frameBytes
    storedBytes = description.storedBytes ?? frameBytes
    blocks = BlockPlan(
      positions: selection.shape.count, frameBytes: frameBytes, chunkPositions: description.chunkPositions,
      accumulatorBytes: sumsAreExact ? 0 : accumulators.reduce(0) { $0 + $1.bytes.count })
  }

  /// What a rank holds at a time beside its reader: the rows of a task, the accumulators, and two records of them while
  /// the newer one is looked for.
  package var memoryBytes: Int {
    let sums = accumulators.reduce(0) { $0 + $1.bytes.count }
    let work = kernels.reduce(0) { $0 + $1.kernel.workBytes }
    return mostLeaves * leafRowBytes + 3 * sums + work
  }

  private var leafRowBytes: Int {
    blocks.blockPositions * blocks.leafBlocks * rows.reduce(0) { $0 + $1.rowBytes }
  }

  /// Leaves of a task. Where records are per leaf, one; else several, whose rows go into the file together.
  private var mostLeaves: Int {
    sumsAreExact ? max(1, min(blocks.leafCount, Self.taskRowBytes / max(1, leafRowBytes))) : 1
  }

  private static let taskRowBytes = 1 << 20

  package func checkpoint(at path: String) -> Checkpoint {
    Checkpoint(path, blockCount: blocks.blockCount, sums: accumulators)
  }

  // MARK: collective

  /// Runs what the checkpoint does not hold yet; afterwards the kernels of rank 0 hold the combined sums. Collective.
  /// Throws `RunFailure`; with code `.tryAgain` when it was interrupted.
  package func run(_ reader: any FrameReader, ranks: any Ranks, checkpoint: Checkpoint) throws {
    try run(TaskWork(self, reader, ranks, checkpoint))
  }

  /// - Parameter work: of this rank; ahead of the run it can only begin where nothing is done yet
  package func run(_ work: TaskWork) throws {
    let (ranks, checkpoint) = (work.ranks, work.checkpoint)
    try ranks.together { try checkpoint.openForWriting() }
    let state = try resumedState(ranks, checkpoint)
    let tasks = tasks(of: ranks.count)
    let queue = try TaskQueue(ranks, count: tasks.count, scheduling, isInterrupted: isInterrupted)
    let (began, ahead) = (ContinuousClock.now, statistics.wall)
    let mine = Result { try takeTasks(tasks, queue, work, state) }
    try queue.finish()
    let outcome = Result {
      try ranks.together {
        try mine.get()
        if queue.isStopped, isInterrupted() {
          throw Problem(.tryAgain, "interrupted; the same command continues where it stopped")
        }
      }
    }
    // Ranks that had come to their end before another was interrupted.
    if queue.isStopped { try? ranks.together { try work.saveWhatIsWhole() } }
    statistics.waiting += max(0, (ContinuousClock.now - began).seconds - (statistics.wall - ahead))
    try outcome.get()
    checkpoint.close()
    let reducing = ContinuousClock.now
    defer { statistics.reducing += (ContinuousClock.now - reducing).seconds }
    try ranks.onFirst {
      try checkpoint.openForWriting()
      try combine(checkpoint, state.boots)
      checkpoint.close()
    }
  }

  /// What was done before this run, the same on all ranks.
  private struct State {
    var done: BlockSet
    var boots: Set<UInt64>
    /// The first unused record; exact sums use one record per rank from there.
    var firstRecord: Int
  }

  private func resumedState(_ ranks: any Ranks, _ checkpoint: Checkpoint) throws -> State {
    var state = State(done: BlockSet(count: blocks.blockCount), boots: Set(try ranks.boots()), firstRecord: 0)
    try ranks.onFirst {
      state.firstRecord = checkpoint.recordCount()
      var unsynced: [Int] = []
      state.done = try forEachRecord(checkpoint, state.boots) { if !$1.isSynced { unsynced.append($0) } }
      if !unsynced.isEmpty {
        try sink?.sync()
        try checkpoint.keep(unsynced)
        try checkpoint.sync()
      }
    }
    state.done = BlockSet(bytes: try ranks.broadcast(state.done.bytes))
    state.firstRecord = try ranks.largest(state.firstRecord)
    announceResumed(state.done.count, blocks.blockCount)
    // What an earlier run computed but did not get to mark.
    try ranks.onFirst { for range in doneRanges(state.done) { try sink?.markCompleted(range) } }
    return state
  }

  private func doneRanges(_ done: BlockSet) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    for block in 0..<blocks.blockCount where done.contains(block) {
      let positions = blocks.positions(ofBlock: block)
      if let last = ranges.last, last.upperBound == positions.lowerBound {
        ranges[ranges.count - 1] = last.lowerBound..<positions.upperBound
      } else {
        ranges.append(positions)
      }
    }
    return ranges
  }

  /// Records in their order: that of the leaves where it matters.
  private func combine(_ checkpoint: Checkpoint, _ boots: Set<UInt64>) throws {
    for accumulator in accumulators { accumulator.reset() }
    guard !accumulators.isEmpty else { return }
    _ = try forEachRecord(checkpoint, boots) { $1.combine(into: accumulators) }
  }

  /// The records that count, and the blocks that they hold. A block counts once: what one machine did not know of another
  /// was computed again there, and both records may count later.
  private func forEachRecord(
    _ checkpoint: Checkpoint, _ boots: Set<UInt64>, _ body: (Int, Checkpoint.Found) -> Void
  ) throws -> BlockSet {
    var done = BlockSet(count: blocks.blockCount)
    for record in 0..<checkpoint.recordCount() {
      guard let found = try checkpoint.load(record, boots: boots), !found.blocks.intersects(done) else { continue }
      done.formUnion(found.blocks)
      body(record, found)
    }
    return done
  }

  // MARK: one rank

  /// Takes tasks until none is left. An error here ends the other ranks' loops too.
  private func takeTasks(_ tasks: [Range<Int>], _ queue: TaskQueue, _ work: TaskWork, _ state: State) throws {
    let start = ContinuousClock.now
    do {
      if sumsAreExact, !work.isAhead { work.startRecord(state.firstRecord + work.ranks.rank, nil) }
      while let task = try queue.next() {
        guard try work.isAhead || begin(tasks[task], work, state) else { continue }
        try work.finishTask(queue)
        if queue.isStopped { break }
        statistics.leaves += tasks[task].count
      }
      try work.save(endsSynced || queue.isStopped ? .synced : .thisBoot)
      // Another machine sees what was written here only after it was synced.
      if state.boots.count > 1 { try work.checkpoint.sync() }
    } catch {
      work.isBroken = true
      try queue.stop()
      throw error
    }
    statistics.wall += (ContinuousClock.now - start).seconds
  }

  package func tasks(of ranks: Int) -> [Range<Int>] { blocks.tasks(of: ranks, most: mostLeaves) }

  /// Begins what is not done of a task; false where all is.
  private func begin(_ leaves: Range<Int>, _ work: TaskWork, _ state: State) throws -> Bool {
    let open = blocks.blocks(ofLeaves: leaves).filter { !state.done.contains($0) }
    if open.isEmpty { return false }
    if !sumsAreExact {
      let record = leaves.lowerBound
      work.startRecord(record, try work.checkpoint.load(record, boots: state.boots))
    }
    work.begin(blocks.positions(ofLeaves: leaves), open)
    return true
  }

  package func compute(_ block: Range<Int>, start: Int, _ reader: any FrameReader) throws {
    let began = ContinuousClock.now
    let decodedBefore = reader.decodeSeconds
    let runs = selection.runs(in: block)
    var kernelTime = Duration.zero
    // A clock around every group costs too much for small ones: only some blocks have it.
    let isTimed = statistics.timesKernels
    for run in runs {
      try read(run, reader) { group in
        let began = isTimed ? ContinuousClock.now : nil
        takeParts(of: group, start)
        if let began { kernelTime += ContinuousClock.now - began }
      }
      statistics.frames += run.count
      statistics.bytes += run.count * storedBytes
    }
    statistics.addBlock(
      busy: ContinuousClock.now - began, kernels: kernelTime, decoding: reader.decodeSeconds - decodedBefore)
  }

  /// Several kernels find a frame in the core's cache, where one alone takes what comes.
  private func takeParts(of group: FrameGroup, _ start: Int) {
    let most = kernels.count > 1 ? FrameGroup.frames(of: frameBytes, within: cachedBytes) : group.positions.count
    var next = group.positions.lowerBound
    while next < group.positions.upperBound {
      let end = min(next + most, group.positions.upperBound)
      take(group[next..<end], start)
      next = end
    }
  }

  private func take(_ group: FrameGroup, _ start: Int) {
    for position in group.positions {
      let frame = group[position]
      if let origins { for kernel in frameKernels { kernel.follow(origins[position]) } }
      for kernel in frameKernels { kernel.add(frame, row: position - start) }
    }
    for kernel in groupKernels { kernel.add(group, firstRow: group.positions.lowerBound - start) }
  }

  /// Reads the frames of a run; with `masksBadFrames` those that cannot be read are left out and listed.
  private func read(_ run: Range<Int>, _ reader: any FrameReader, _ body: (FrameGroup) -> Void) throws {
    var next = run.lowerBound
    var step = run.count
    while next < run.upperBound {
      let end = min(run.upperBound, next + step)
      do {
        try reader.forEachGroup(in: next..<end) { group in
          body(group)
          next = group.positions.upperBound
        }
      } catch let problem as Problem where masksBadFrames && [.badData, .inputOutput].contains(problem.code) {
        // Readers bring several frames at once: the bad one is found by going on one by one.
        if end - next > 1 {
          step = 1
          continue
        }
        unreadable.append(next..<end)
        statistics.masked += 1
        next = end
      }
    }
  }

  private func countBadFrames(_ positions: Range<Int>, start: Int) {
    let maps = rows.filter { $0.width == 1 && $0.element == .float64 }
    for position in selection.runs(in: positions).joined()
    where maps.contains(where: { $0.doubles(position - start)[0].isNaN }) {
      statistics.badFrames += 1
      if statistics.badPositions.count < 10 { statistics.badPositions.append(position) }
    }
  }

  /// Passes on finished rows; `positions` were computed since the last call.
  package func write(_ positions: Range<Int>, _ start: Int) throws {
    let began = ContinuousClock.now
    for bound in kernels { bound.kernel.flush() }
    statistics.addFlush(ContinuousClock.now - began)
    countBadFrames(positions, start: start)
    guard let sink else { return }
    let writing = ContinuousClock.now
    for frames in unreadable { try sink.markBad(frames) }
    unreadable = []
    try sink.write(kernels, positions: positions, start: start)
    statistics.writing += (ContinuousClock.now - writing).seconds
  }
}
