import Kernels
import STEM

/// The center of mass of every frame from the optical axis [px], and how much of the intensity lies at the edge of what
/// is collected.
final class BeamKernel: FrameKernel {
  /// Names in `finish()`: intensity in the outermost pixels, and in all.
  static let edgeSum = "edge sum", wholeSum = "whole sum"

  let rows = [Rows("com_y"), Rows("com_x")]
  private let moments: Moments
  private let edge: Moments
  private let sums: ExactSums
  private var center: Pair<Double>

  init(_ selection: PixelSelection, _ context: FrameContext) {
    moments = Moments(selection, type: context.pixelType)
    edge = Moments(Self.outline(selection), type: context.pixelType)
    sums = ExactSums(2, type: context.pixelType)
    center = context.center
  }

  var accumulators: [any Accumulator] { [sums.accumulator] }

  func follow(_ center: Pair<Double>) { self.center = center }

  func add(_ frame: UnsafeRawPointer, row: Int) {
    let found = moments.sums(frame)
    guard found.total != 0, found.total.isFinite else { return }
    rows[0].set(row, found.y / found.total - center.y)
    rows[1].set(row, found.x / found.total - center.x)
    sums.add(0, edge.sums(frame).total)
    sums.add(1, found.total)
  }

  func finish() -> [String: [Double]] { [Self.edgeSum: [sums.values[0]], Self.wholeSum: [sums.values[1]]] }

  /// The first and the last pixel of every row and column of a selection.
  static func outline(_ selection: PixelSelection) -> PixelSelection {
    let shape = selection.shape
    var isOutline = Array(repeating: false, count: shape.count)
    func mark(_ line: [Int]) {
      for index in [line.first { selection.included[$0] }, line.last { selection.included[$0] }] {
        if let index { isOutline[index] = true }
      }
    }
    for y in 0..<shape.y { mark((0..<shape.x).map { y * shape.x + $0 }) }
    for x in 0..<shape.x { mark((0..<shape.y).map { $0 * shape.x + x }) }
    return PixelSelection(shape, isOutline)
  }
}

/// The signals of all segments at every position, and the moments of the mean pattern in each.
final class SegmentKernel: FrameKernel {
  /// In `finish()`: intensity, and its first moments along y and x [px from pixel (0, 0)], of every segment.
  static let sums = "segment sums", momentsY = "segment moments y", momentsX = "segment moments x"

  let rows: [Rows]
  private let segments: [Moments]
  private let total: ExactSums
  private var center: Pair<Double>

  init(_ segments: [PixelSelection], _ context: FrameContext) {
    self.segments = segments.map { Moments($0, type: context.pixelType) }
    total = ExactSums(3 * segments.count, type: context.pixelType)
    center = context.center
    rows =
      [Rows("segments", width: segments.count)]
      + (context.followsOrigin ? [Rows("origin_y"), Rows("origin_x")] : [])
  }

  var accumulators: [any Accumulator] { [total.accumulator] }

  func follow(_ center: Pair<Double>) { self.center = center }

  func add(_ frame: UnsafeRawPointer, row: Int) {
    let values = rows[0].doubles(row)
    for (index, segment) in segments.enumerated() {
      let found = segment.sums(frame)
      values[index] = found.total
      total.add(3 * index, found.total)
      total.add(3 * index + 1, found.y)
      total.add(3 * index + 2, found.x)
    }
    guard rows.count > 1 else { return }
    rows[1].set(row, center.y)
    rows[2].set(row, center.x)
  }

  func finish() -> [String: [Double]] {
    let values = total.values
    let every = { (part: Int) in stride(from: part, to: values.count, by: 3).map { values[$0] } }
    return [Self.sums: every(0), Self.momentsY: every(1), Self.momentsX: every(2)]
  }
}
