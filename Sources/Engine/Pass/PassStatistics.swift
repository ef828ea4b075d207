/// What one rank did in a pass, and where its time went [s].
public struct PassStatistics: Codable, Sendable {
  package init() {}

  /// In reading frames, undoing compression and kernels.
  public var busy = 0.0
  /// Whether frames were read from a mapped file: kernels bring the bytes by touching them.
  public var isMapped = false
  /// Of `busy`: undoing compression.
  public var decoding = 0.0
  /// In writing rows and saving sums.
  public var writing = 0.0
  /// In the loop over the leaves, and in what was computed before it.
  public var wall = 0.0
  /// For the other ranks, after the last leaf.
  public var waiting = 0.0
  /// In combining the ranks' sums.
  public var reducing = 0.0
  public var frames = 0
  /// Frames with a value that is not a number in some map: empty, or with NaN pixels.
  public var badFrames = 0
  /// Frames that could not be read and were masked.
  public var masked = 0
  /// The first few of the bad ones.
  public var badPositions: [Int] = []
  public var bytes = 0
  public var leaves = 0
  private var blocks = 0
  private var flushing = 0.0
  private var busyInTimedBlocks = 0.0
  private var kernelsInTimedBlocks = 0.0

  /// Whether the kernels are timed in the next block: in one of four, without a period, since kernels that collect
  /// frames have one (multiples of the golden ratio; Knuth, The Art of Computer Programming 3, 6.4).
  package var timesKernels: Bool { (UInt64(blocks) &* 0x9E37_79B9_7F4A_7C15) >> 62 == 0 }

  package mutating func addBlock(busy time: Duration, kernels: Duration, decoding: Double) {
    if timesKernels {
      busyInTimedBlocks += time.seconds
      kernelsInTimedBlocks += kernels.seconds
    }
    busy += time.seconds
    self.decoding += decoding
    blocks += 1
  }

  /// What kernels do after their frames.
  package mutating func addFlush(_ time: Duration) {
    busy += time.seconds
    flushing += time.seconds
  }

  /// Of `busy`: kernels, as seen in the timed blocks.
  public var computing: Double {
    guard busyInTimedBlocks > 0 else { return flushing }
    return flushing + min(busy - flushing - decoding, (busy - flushing) * kernelsInTimedBlocks / busyInTimedBlocks)
  }
  /// Of `busy`: bringing the bytes of the file.
  public var reading: Double { max(0, busy - decoding - computing) }
}
