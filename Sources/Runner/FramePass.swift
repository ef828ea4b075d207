import Foundation
import STEM

/// Where finished rows go.
protocol RowSink {
  /// Rows `positions` of the leaf that starts at `leafStart`, of every kernel.
  func write(_ kernels: [any FrameKernel], positions: Range<Int>, leafStart: Int) throws
  /// After this, a kill loses nothing of these positions.
  func markCompleted(_ positions: Range<Int>) throws
}

/// What one rank did in a pass.
public struct PassStatistics: Codable, Sendable {
  /// Seconds in reading frames and kernels, in writing, and in the whole loop.
  public var busy = 0.0
  public var writing = 0.0
  public var wall = 0.0
  public var frames = 0
  /// Frames with a value that is not a number in some map: empty, or with NaN pixels.
  public var badFrames = 0
  /// The first few of them.
  public var badPositions: [Int] = []
  public var bytes = 0
  public var leaves = 0
}

/// One pass over the scan: leaf → block → frame → every kernel.
final class FramePass {
  let blocks: BlockPlan
  let selection: PositionSelection
  let kernels: [any FrameKernel]
  /// Blocks that are left out are not read; their rows stay missing.
  var includes: (Int) -> Bool = { _ in true }
  var sink: (any RowSink)?
  var progress: (PassStatistics) -> Void = { _ in }
  private(set) var statistics = PassStatistics()
  private let accumulators: [any Accumulator]
  private let frameBytes: Int

  /// Rows are handed on at the latest after this time, so that a kill loses little of a long leaf.
  private let flushInterval = Duration.milliseconds(250)

  init(_ description: SourceDescription, selection: PositionSelection, kernels: [any FrameKernel]) {
    self.selection = selection
    self.kernels = kernels
    accumulators = kernels.flatMap(\.accumulators)
    frameBytes = description.frameBytes
    blocks = BlockPlan(
      positions: selection.shape.count, frameBytes: frameBytes, chunkPositions: description.chunkPositions,
      accumulatorBytes: accumulators.reduce(0) { $0 + $1.bytes.count })
  }

  /// What a rank holds at a time: a block of frames, the rows of a leaf, the accumulators and one more of them.
  var memoryBytes: Int {
    let rowBytes = kernels.flatMap(\.rows).reduce(0) { $0 + $1.rowBytes }
    let sums = accumulators.reduce(0) { $0 + $1.bytes.count }
    return blocks.blockPositions * (frameBytes + blocks.leafBlocks * rowBytes) + 2 * sums
  }

  /// Runs the whole pass; afterwards the kernels of rank 0 hold the combined sums. Collective.
  func run(_ reader: any FrameReader, ranks: any Ranks, storePath: String) throws {
    let store = LeafStore(storePath, recordBytes: accumulators.reduce(0) { $0 + $1.bytes.count })
    defer { if ranks.rank == 0 { store.remove() } }
    try ranks.onFirst { try store.create(leaves: blocks.leafCount) }
    try ranks.startTasks()
    let outcome = Result { try ranks.together { try takeLeaves(reader, ranks, store) } }
    try ranks.endTasks()
    try outcome.get()
    try ranks.onFirst { try store.combine(leaves: blocks.leafCount, into: accumulators) }
  }

  /// Takes leaves until none is left. An error here ends the other ranks' loops too.
  private func takeLeaves(_ reader: any FrameReader, _ ranks: any Ranks, _ store: LeafStore) throws {
    let start = ContinuousClock.now
    do {
      try store.openForWriting()
      while case let leaf = try ranks.nextTask(), leaf < blocks.leafCount {
        try process(leaf, reader, ranks)
        if try ranks.tasksAreStopped() { break }
        try store.save(leaf: leaf, accumulators)
        try sink?.markCompleted(blocks.positions(ofLeaf: leaf))
        statistics.leaves += 1
      }
    } catch {
      try ranks.stopTasks()
      throw error
    }
    statistics.wall = (ContinuousClock.now - start).seconds
  }

  private func process(_ leaf: Int, _ reader: any FrameReader, _ ranks: any Ranks) throws {
    let positions = blocks.positions(ofLeaf: leaf)
    for accumulator in accumulators { accumulator.reset() }
    for kernel in kernels { for rows in kernel.rows { rows.prepare(rows: positions.count) } }
    var written = positions.lowerBound
    var lastWrite = ContinuousClock.now
    for block in blocks.blocks(ofLeaf: leaf) where includes(block) {
      let began = ContinuousClock.now
      let range = blocks.positions(ofBlock: block)
      try compute(range, leafStart: positions.lowerBound, reader)
      let ended = ContinuousClock.now
      statistics.busy += (ended - began).seconds
      progress(statistics)
      if try ranks.tasksAreStopped() { return }
      if ended - lastWrite > flushInterval, let sink {
        try timedWrite(sink, written..<range.upperBound, positions.lowerBound)
        written = range.upperBound
        lastWrite = ContinuousClock.now
      }
    }
    if let sink, written < positions.upperBound {
      try timedWrite(sink, written..<positions.upperBound, positions.lowerBound)
    }
  }

  private func compute(_ block: Range<Int>, leafStart: Int, _ reader: any FrameReader) throws {
    let kernels = kernels
    let runs = selection.runs(in: block)
    for run in runs {
      try reader.forEachFrame(in: run) { position, frame in
        for kernel in kernels { kernel.add(frame, row: position - leafStart) }
      }
      statistics.frames += run.count
      statistics.bytes += run.count * frameBytes
    }
    for kernel in kernels { kernel.endBlock() }
    for run in runs { countBadFrames(run, leafStart: leafStart) }
  }

  private func countBadFrames(_ run: Range<Int>, leafStart: Int) {
    let maps = kernels.flatMap(\.rows).filter { $0.width == 1 && $0.element == .float64 }
    for position in run where maps.contains(where: { $0.doubles(position - leafStart)[0].isNaN }) {
      statistics.badFrames += 1
      if statistics.badPositions.count < 10 { statistics.badPositions.append(position) }
    }
  }

  private func timedWrite(_ sink: any RowSink, _ positions: Range<Int>, _ leafStart: Int) throws {
    let began = ContinuousClock.now
    try sink.write(kernels, positions: positions, leafStart: leafStart)
    statistics.writing += (ContinuousClock.now - began).seconds
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
