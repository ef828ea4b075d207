import Kernels
import STEM

/// The center of mass of every frame from the optical axis [px], and how much of the intensity lies at the edge of what
/// is collected.
final class BeamKernel: FrameKernel {
  /// Sums for the solver: intensity in the outermost pixels, and in all.
  static let edgeSum = "edge sum", wholeSum = "whole sum"

  private let comY, comX: Rows
  private let ofEdge, ofWhole: Whole
  private let moments: Moments
  private let edge: Moments
  private let sums: ExactSums
  private var center: Pair<Double>

  init(_ selection: PixelSelection, _ context: FrameContext, _ outputs: OutputBinding) throws {
    (comY, comX) = (try outputs.rows("com_y"), try outputs.rows("com_x"))
    (ofEdge, ofWhole) = (try outputs.sum(Self.edgeSum, count: 1), try outputs.sum(Self.wholeSum, count: 1))
    moments = Moments(selection, type: context.pixelType)
    edge = Moments(Self.outline(selection), type: context.pixelType)
    sums = ExactSums(2, type: context.pixelType)
    center = context.center
  }

  var accumulators: [any Accumulator] { [sums.accumulator] }

  func follow(_ center: Pair<Double>) { self.center = center }

  func add(_ frame: Frame, row: Int) {
    let found = moments.sums(frame)
    guard found.total != 0, found.total.isFinite else { return }
    comY.set(row, found.y / found.total - center.y)
    comX.set(row, found.x / found.total - center.x)
    sums.add(0, edge.sums(frame).total)
    sums.add(1, found.total)
  }

  func finish() {
    ofEdge.set([sums.values[0]])
    ofWhole.set([sums.values[1]])
  }

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
  /// Sums for the solver: intensity, and its first moments along y and x [px from pixel (0, 0)], of every segment.
  static let sums = "segment sums", momentsY = "segment moments y", momentsX = "segment moments x"

  private let signals: Rows
  /// The optical axis, where it differs from position to position.
  private let origin: (y: Rows, x: Rows)?
  private let intensity, firstY, firstX: Whole
  private let segments: [Moments]
  private let total: ExactSums
  private var center: Pair<Double>

  init(_ segments: [PixelSelection], _ context: FrameContext, _ outputs: OutputBinding) throws {
    signals = try outputs.rows("segments")
    origin = context.followsOrigin ? (try outputs.rows("origin_y"), try outputs.rows("origin_x")) : nil
    intensity = try outputs.sum(Self.sums, count: segments.count)
    firstY = try outputs.sum(Self.momentsY, count: segments.count)
    firstX = try outputs.sum(Self.momentsX, count: segments.count)
    self.segments = segments.map { Moments($0, type: context.pixelType) }
    total = ExactSums(3 * segments.count, type: context.pixelType)
    center = context.center
  }

  var accumulators: [any Accumulator] { [total.accumulator] }

  func follow(_ center: Pair<Double>) { self.center = center }

  func add(_ frame: Frame, row: Int) {
    let values = signals.doubles(row)
    for (index, segment) in segments.enumerated() {
      let found = segment.sums(frame)
      values[index] = found.total
      total.add(3 * index, found.total)
      total.add(3 * index + 1, found.y)
      total.add(3 * index + 2, found.x)
    }
    origin?.y.set(row, center.y)
    origin?.x.set(row, center.x)
  }

  func finish() {
    let values = total.values
    for (part, place) in [intensity, firstY, firstX].enumerated() {
      place.set(stride(from: part, to: values.count, by: 3).map { values[$0] })
    }
  }
}
