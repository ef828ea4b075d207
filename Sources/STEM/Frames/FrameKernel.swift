/// The work of one analysis on one rank. It takes the places of its outputs from an `OutputBinding` when it is made: `Rows`
/// are written position by position and never communicated, a `Whole` is set once at the end.
public protocol FrameKernel: AnyObject {
  /// Combined elementwise over leaves, in leaf order.
  var accumulators: [any Accumulator] { get }
  /// What it keeps beside rows and accumulators, where that is as large as a frame [bytes].
  var workBytes: Int { get }
  /// The rows to come belong to a stretch of the scan that begins at this position: row r is position `start` + r.
  /// Called before the first frame of every stretch.
  func begin(at start: Int)
  /// The optical axis [px] of the next frame; called before each `add` where `FrameContext.followsOrigin`, else never.
  func follow(_ center: Pair<Double>)
  /// `frame`: of `FrameContext.detector` pixels of `FrameContext.pixelType`; `row`: place in the block's `Rows`.
  func add(_ frame: Frame, row: Int)
  /// Called before rows are written and sums saved: finishes frames that wait for others, and moves short-lived partial
  /// sums into the accumulators.
  func flush()
  /// Sets every `Whole` that it took, from the combined accumulators.
  func finish()
}

extension FrameKernel {
  public var workBytes: Int { 0 }
  public func begin(at start: Int) {}
  public func follow(_ center: Pair<Double>) {}
  public func flush() {}
  public func finish() {}
}

/// A kernel that takes frames together, because its own state is read and written once for all of them. It does not
/// follow the origin. The result does not depend on how frames are grouped.
public protocol GroupKernel: FrameKernel {
  /// `firstRow`: the place in `Rows` of the group's first frame.
  func add(_ group: FrameGroup, firstRow: Int)
}

extension GroupKernel {
  public func add(_ frame: Frame, row: Int) { add(FrameGroup(row, frame), firstRow: row) }
}
