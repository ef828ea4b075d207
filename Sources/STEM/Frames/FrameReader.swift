/// Brings frames to the caller.
public protocol FrameReader: AnyObject {
  /// What `forEachGroup` will be asked for next: non-empty runs of positions, in ascending order. Readers may ignore it.
  func expect(_ runs: [Range<Int>])
  /// Hands out the frames of `positions` in ascending order, in groups as large as the way they are stored gives them
  /// without effort: what is copied, within what a core's cache holds. A group is valid during the call only; it may lie
  /// in mapped memory. Throws `Problem` naming file and frame.
  func forEachGroup(in positions: Range<Int>, _ body: (FrameGroup) throws -> Void) throws
  /// Seconds spent so far in undoing compression, which are part of the time of `forEachGroup`.
  var decodeSeconds: Double { get }
  /// Whether frames lie in a mapped file: their bytes come when a kernel touches them.
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
