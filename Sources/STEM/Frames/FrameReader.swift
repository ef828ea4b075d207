/// Brings frames to the caller.
public protocol FrameReader: AnyObject {
  /// What `forEachGroup` will be asked for next: non-empty runs of positions, in ascending order. Readers may ignore it.
  func expect(_ runs: [Range<Int>])
  /// Passes the frames of `positions` to `body` in ascending order, in groups as large as their storage gives them
  /// without a copy; copied groups fit a core's cache. A group is valid only during the call; it may be
  /// in mapped memory. Throws `Problem` naming file and frame.
  func forEachGroup(in positions: Range<Int>, _ body: (FrameGroup) throws -> Void) throws
  /// Seconds spent so far in undoing compression, which are part of the time of `forEachGroup`.
  var decodeSeconds: Double { get }
  /// Whether frames are in a mapped file, whose bytes are read when a kernel touches them.
  var isMapped: Bool { get }
}

extension FrameReader {
  public var decodeSeconds: Double { 0 }
  public var isMapped: Bool { false }
  public func expect(_ runs: [Range<Int>]) {}

  /// Calls `body(position, frame)` for every position of `positions` in ascending order.
  public func forEachFrame(in positions: Range<Int>, _ body: (Int, Frame) throws -> Void) throws {
    try forEachGroup(in: positions) { group in
      for position in group.positions { try body(position, group[position]) }
    }
  }
}
