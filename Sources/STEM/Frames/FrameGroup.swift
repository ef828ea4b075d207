/// Frames of consecutive positions, at equal distances in memory: `detectorShape.count` pixels of the described type each,
/// row-major (y, x).
public struct FrameGroup {
  public let positions: Range<Int>
  public let first: UnsafeRawPointer
  /// From one frame to the next; a multiple of the pixel's size.
  public let strideBytes: Int

  public init(_ positions: Range<Int>, first: UnsafeRawPointer, strideBytes: Int) {
    self.positions = positions
    self.first = first
    self.strideBytes = strideBytes
  }

  public init(_ position: Int, _ frame: UnsafeRawPointer) {
    self.init(position..<position + 1, first: frame, strideBytes: 0)
  }

  /// How many frames are best taken together within `bytes`, or a little more: as many as kernels take at a time, which
  /// is eight or four, where four are at most 2 MiB.
  public static func frames(of frameBytes: Int, within bytes: Int) -> Int {
    let most = max(1, min(4, (2 << 20) / frameBytes), bytes / 8 * 9 / frameBytes)
    return most >= 8 ? most / 8 * 8 : min(most, 4)
  }

  public subscript(position: Int) -> UnsafeRawPointer { first + (position - positions.lowerBound) * strideBytes }

  public subscript(some: Range<Int>) -> FrameGroup {
    FrameGroup(some, first: self[some.lowerBound], strideBytes: strideBytes)
  }
}
