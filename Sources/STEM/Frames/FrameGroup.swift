/// Frames of consecutive positions in the same layout, at equal distances in memory.
public struct FrameGroup {
  public let layout: FrameLayout
  public let positions: Range<Int>
  private let first: UnsafeRawPointer
  /// From one frame to the next; a multiple of the pixel's size.
  public let strideBytes: Int

  /// - Parameter first: where the first frame lies
  public init(_ layout: FrameLayout, _ positions: Range<Int>, first: UnsafeRawPointer, strideBytes: Int) {
    self.layout = layout
    self.positions = positions
    self.first = first
    self.strideBytes = strideBytes
  }

  public init(_ position: Int, _ frame: Frame) {
    self.init(frame.layout, position..<position + 1, first: frame.address, strideBytes: 0)
  }

  /// How many frames are best taken together within `bytes`, or a little more: as many as kernels take at a time, which
  /// is eight or four, where four are at most 2 MiB.
  public static func frames(of frameBytes: Int, within bytes: Int) -> Int {
    let most = max(1, min(4, (2 << 20) / frameBytes), bytes / 8 * 9 / frameBytes)
    return most >= 8 ? most / 8 * 8 : min(most, 4)
  }

  public subscript(position: Int) -> Frame {
    Frame(layout, first + (position - positions.lowerBound) * strideBytes)
  }

  public subscript(some: Range<Int>) -> FrameGroup {
    FrameGroup(layout, some, first: self[some.lowerBound].address, strideBytes: strideBytes)
  }
}
