/// How a scan is cut: blocks of consecutive positions (reading, checkpointing), leaves of consecutive blocks
/// (scheduling, summation). Follows from the dataset and the job, never from the number of ranks.
public struct BlockPlan: Sendable, Equatable {
  public let positions: Int
  public let blockPositions: Int
  public let leafBlocks: Int

  static let targetBlockBytes = 2 << 20
  static let mostLeaves = 256
  static let fewestLeaves = 16

  /// - Parameters:
  ///   - frameBytes: bytes of a frame in memory
  ///   - chunkPositions: positions stored together; a block is a whole number of chunks
  ///   - accumulatorBytes: bytes of all accumulators of the pass, which every leaf stores once
  public init(positions: Int, frameBytes: Int, chunkPositions: Int, accumulatorBytes: Int) {
    self.positions = positions
    let wanted = max(1, Self.targetBlockBytes / max(1, frameBytes))
    let chunk = max(1, chunkPositions)
    // A sum over a block must fit 32 bits for 16-bit pixels: at most 65,536 frames.
    blockPositions = max(1, min(max(chunk, wanted / chunk * chunk), 65_536, max(1, positions)))
    let blocks = (positions + blockPositions - 1) / blockPositions
    // Every leaf stores the accumulators once, and all are read again: that traffic stays below a few percent of the data's.
    let affordable = max(Self.fewestLeaves, positions * frameBytes / 100 / max(1, accumulatorBytes))
    let leaves = max(1, min(blocks, Self.mostLeaves, affordable))
    leafBlocks = max(1, (blocks + leaves - 1) / leaves)
  }

  public var blockCount: Int { (positions + blockPositions - 1) / blockPositions }
  public var leafCount: Int { (blockCount + leafBlocks - 1) / leafBlocks }

  public func positions(ofLeaves leaves: Range<Int>) -> Range<Int> {
    let blocks = blocks(ofLeaves: leaves)
    return positions(ofBlock: blocks.lowerBound).lowerBound..<positions(ofBlock: blocks.upperBound - 1).upperBound
  }

  public func positions(ofBlock block: Int) -> Range<Int> {
    block * blockPositions..<min(positions, (block + 1) * blockPositions)
  }

  public func blocks(ofLeaves leaves: Range<Int>) -> Range<Int> {
    leaves.lowerBound * leafBlocks..<min(blockCount, leaves.upperBound * leafBlocks)
  }

  /// All leaves as the tasks of `ranks` ranks: of what is left, every rank in turn takes one part of twice as many, so that
  /// tasks become smaller toward the end (factoring: Hummel, Schonberg and Flynn, Commun. ACM 35(8):90 (1992)).
  /// - Parameter most: leaves of a task
  public func tasks(of ranks: Int, most: Int) -> [Range<Int>] {
    var tasks: [Range<Int>] = []
    var next = 0
    while next < leafCount {
      let size = max(1, min(most, (leafCount - next) / (2 * ranks)))
      for _ in 0..<ranks where next < leafCount {
        tasks.append(next..<min(leafCount, next + size))
        next += size
      }
    }
    return tasks
  }
}

/// Which positions of the scan take part: inside the roi, not masked, not flyback.
public struct PositionSelection: Sendable, Equatable {
  public let shape: Shape
  /// nil: all.
  public let selected: [Bool]?

  public init(shape: Shape, selected: [Bool]? = nil) {
    self.shape = shape
    self.selected = selected
  }

  public var count: Int { selected.map { $0.reduce(0) { $0 + ($1 ? 1 : 0) } } ?? shape.count }

  /// The runs of selected positions in a range.
  public func runs(in range: Range<Int>) -> [Range<Int>] {
    guard let selected else { return [range] }
    var runs: [Range<Int>] = []
    var start: Int?
    for position in range {
      if selected[position] {
        start = start ?? position
      } else if let first = start {
        runs.append(first..<position)
        start = nil
      }
    }
    if let first = start { runs.append(first..<range.upperBound) }
    return runs
  }
}
