internal import CKernels
import Foundation
import STEM

/// A shape on the detector around an optical axis that differs from frame to frame. Belonging of a pixel follows the
/// same rules as in `DetectorGeometry`, to the last bit.
public enum MovingShape: Sendable, Equatable {
  /// inner ≤ r < outer [px].
  case annulus(inner: Double, outer: Double)
  /// Of an annulus start ≤ φ < end [deg].
  case segment(inner: Double, outer: Double, start: Double, end: Double)
  /// [px]
  case rectangle(height: Double, width: Double)
  /// The pixel that holds the axis.
  case pixel
}

/// The runs of pixels of several shapes about one center, made anew for every center.
///
/// Where a row of the detector crosses a circle or a ray follows from a square root or a cotangent; only pixels so near
/// to the crossing that rounding matters are put to the test that defines the shape.
final class MovingRuns {
  let shapes: [MovingShape]
  private let size: Shape
  /// The different radii of all shapes.
  private let radii: [Double]
  private let sectors: [Sector?]
  /// Of each radius, a span for every row of the detector; those outside of the circle's rows are empty.
  private let spans: UnsafeMutablePointer<ck_span>
  private var rows: [Range<Int>]
  private let doubtful: UnsafeMutablePointer<UInt8>
  var runs: UnsafeMutablePointer<ck_run> { writer.runs }
  private var writer: RunWriter
  /// Runs `first[s] ..< first[s + 1]` belong to shape s.
  let first: UnsafeMutablePointer<UInt32>
  /// 0, 1, 2 …: what `ck_sum_runs` calls targets.
  let targets: UnsafeMutablePointer<UInt32>

  /// - Parameter kept: pixels that may take part; they do not move
  init(_ shapes: [MovingShape], kept selection: PixelSelection) {
    self.shapes = shapes
    size = selection.shape
    var radii: [Double] = []
    for case let (inner, outer)? in shapes.map(\.ring) {
      for radius in [inner, outer] where radius > 0 && radius.isFinite && !radii.contains(radius) {
        radii.append(radius)
      }
    }
    self.radii = radii
    rows = Array(repeating: 0..<0, count: radii.count)
    sectors = shapes.map { if case let .segment(_, _, start, end) = $0 { Sector(start, end) } else { nil } }
    spans = .allocate(capacity: max(1, radii.count * size.y))
    spans.initialize(repeating: ck_span(), count: max(1, radii.count * size.y))
    writer = RunWriter(selection, capacity: 4 * size.y * max(1, shapes.count))
    doubtful = .allocate(capacity: size.y)
    first = .allocate(capacity: shapes.count + 1)
    first.initialize(repeating: 0, count: shapes.count + 1)
    targets = .allocate(capacity: max(1, shapes.count))
    for index in shapes.indices { (targets + index).initialize(to: UInt32(index)) }
  }

  deinit {
    spans.deallocate()
    doubtful.deallocate()
    runs.deallocate()
    first.deallocate()
    targets.deallocate()
  }

  func isEmpty(_ shape: Int) -> Bool { first[shape] == first[shape + 1] }

  /// `center` [px]; without a finite one no pixel belongs to any shape.
  func move(to center: Pair<Double>) {
    // A copy, since every access to a property of an object is checked.
    var writer = writer
    writer.count = 0
    let isKnown = center.y.isFinite && center.x.isFinite
    if isKnown { for index in radii.indices { cross(index, center) } }
    for (index, shape) in shapes.enumerated() {
      if isKnown { add(shape, sectors[index], center, &writer) }
      first[index + 1] = UInt32(writer.count)
    }
    self.writer = writer
  }

  // MARK: circles

  /// The spans of circle `index`: hypot(y − cy, x − cx) < radius.
  private func cross(_ index: Int, _ center: Pair<Double>) {
    let radius = radii[index], row = spans + index * size.y
    for y in rows[index] { row[y] = ck_span() }
    let touched = touchedRows(radius, center.y)
    rows[index] = touched
    ck_circle_spans(
      center.y, center.x, radius, Int64(touched.lowerBound), Int64(touched.upperBound), Int64(size.x), row, doubtful)
    for y in touched where doubtful[y] != 0 { row[y] = exact(y, radius, center) }
  }

  /// Rows beyond these are farther from the center than rounding could say.
  private func touchedRows(_ radius: Double, _ center: Double) -> Range<Int> {
    let reach = radius * (1 + 1e-6) + 1, height = Double(size.y)
    let first = Int(max(0, min(height, center - reach)))
    return first..<max(first, Int(max(0, min(height, center + reach + 1))))
  }

  /// One row of a circle, its ends put to the test.
  private func exact(_ y: Int, _ radius: Double, _ center: Pair<Double>) -> ck_span {
    let square = radius * radius, columns = size.x, width = Double(size.x)
    // The squared distance as computed is within a few units of the last place.
    let surely = square * (1 - 1e-12), never = square * (1 + 1e-12)
    let down = Double(y) - center.y, rest = square - down * down
    guard rest > square * -1e-12 else { return ck_span() }
    @inline(__always) func inside(_ x: Int) -> Bool {
      let right = Double(x) - center.x, distance = down * down + right * right
      if distance < surely { return true }
      return distance <= never && hypot(down, right) < radius
    }
    let half = max(0, rest).squareRoot()
    // Too far left by at most one.
    var left = Int(max(0, min(width, center.x - half)))
    var end = Int(max(0, min(width, center.x + half + 1)))
    while left > 0, inside(left - 1) { left -= 1 }
    while left < end, !inside(left) { left += 1 }
    end = max(left, end)
    while end < columns, inside(end) { end += 1 }
    while end > left, !inside(end - 1) { end -= 1 }
    return ck_span(first: Int32(left), end: Int32(end))
  }

  // MARK: shapes

  private func add(_ shape: MovingShape, _ sector: Sector?, _ center: Pair<Double>, _ writer: inout RunWriter) {
    switch shape {
    case .annulus(let inner, let outer):
      addRing(inner, outer) { y, first, end in writer.append(y, first, end) }
    case .segment(let inner, let outer, _, _):
      guard let sector else { return }
      addRing(inner, outer) { y, first, end in addPart(of: sector, center, y, first..<end, &writer) }
    case .rectangle(let height, let width):
      let columns = extent(width, center.x, size.x), rows = extent(height, center.y, size.y)
      for y in rows { writer.append(y, Int32(columns.lowerBound), Int32(columns.upperBound)) }
    case .pixel:
      let row = (center.y + 0.5).rounded(.down), column = (center.x + 0.5).rounded(.down)
      guard row >= 0, column >= 0, row < Double(size.y), column < Double(size.x) else { return }
      writer.append(Int(row), Int32(column), Int32(column) + 1)
    }
  }

  @inline(__always) private func addRing(
    _ inner: Double, _ outer: Double, _ piece: (_ y: Int, _ first: Int32, _ end: Int32) -> Void
  ) {
    let outerIndex = radii.firstIndex(of: outer)
    let outerRow = outerIndex.map { spans + $0 * size.y }
    let innerRow = radii.firstIndex(of: inner).map { spans + $0 * size.y }
    if outerRow == nil, outer <= 0 { return }
    for y in outerIndex.map({ rows[$0] }) ?? 0..<size.y {
      let whole = outerRow?[y] ?? ck_span(first: 0, end: Int32(size.x))
      guard whole.first < whole.end else { continue }
      if let hole = innerRow?[y], hole.first < hole.end {
        if whole.first < hole.first { piece(y, whole.first, hole.first) }
        if hole.end < whole.end { piece(y, hole.end, whole.end) }
      } else {
        piece(y, whole.first, whole.end)
      }
    }
  }

  /// The part of a piece of a row inside a sector.
  private func addPart(
    of sector: Sector, _ center: Pair<Double>, _ y: Int, _ piece: Range<Int32>, _ writer: inout RunWriter
  ) {
    let (first, end) = (piece.lowerBound, piece.upperBound)
    let up = center.y - Double(y)
    // Near the row through the center an angle hardly changes from pixel to pixel: each is asked.
    if abs(up) < 0.05 {
      var x = first
      while x < end {
        let begin = x
        while x < end, sector.contains(y, Int(x), center) { x += 1 }
        if x > begin { writer.append(y, begin, x) }
        x += 1
      }
      return
    }
    if sector.isWhole { return writer.append(y, first, end) }
    let a = sector.boundary(sector.cotangentOfStart, sector.start, y, center, size.x)
    let b = sector.boundary(sector.cotangentOfEnd, sector.end, y, center, size.x)
    // Angles fall along a row above the center and rise along one below.
    let (low, high) = up > 0 ? (b, a) : (a, b)
    if sector.start < sector.end {
      writer.append(y, max(first, low), min(end, high))
    } else {
      writer.append(y, first, min(end, high))
      writer.append(y, max(first, low), end)
    }
  }

  /// −length/2 ≤ i − center < length/2
  private func extent(_ length: Double, _ center: Double, _ count: Int) -> Range<Int> {
    func belongs(_ index: Int) -> Bool {
      let distance = Double(index) - center
      return -length / 2 <= distance && distance < length / 2
    }
    guard let first = (0..<count).first(where: belongs) else { return 0..<0 }
    return first..<((first..<count).first { !belongs($0) } ?? count)
  }
}

/// Runs in the order in which they are found.
private struct RunWriter {
  private(set) var runs: UnsafeMutablePointer<ck_run>
  var count = 0
  private var capacity: Int
  private let width: Int
  /// Pixels that may take part, by row; nil: all.
  private let kept: [[Range<Int32>]]?

  init(_ selection: PixelSelection, capacity: Int) {
    self.capacity = capacity
    runs = .allocate(capacity: capacity)
    width = selection.shape.x
    kept = selection.included.contains(false) ? Self.rows(selection) : nil
  }

  private static func rows(_ selection: PixelSelection) -> [[Range<Int32>]] {
    var rows = Array(repeating: [Range<Int32>](), count: selection.shape.y)
    for run in selection.runs() { rows[Int(run.y)].append(Int32(run.x)..<Int32(run.x + run.length)) }
    return rows
  }

  /// The pixels of a piece of a row that may take part.
  @inline(__always) mutating func append(_ y: Int, _ first: Int32, _ end: Int32) {
    guard first < end else { return }
    guard let kept else { return store(y, first, end) }
    for range in kept[y] where range.lowerBound < end && first < range.upperBound {
      store(y, max(first, range.lowerBound), min(end, range.upperBound))
    }
  }

  @inline(__always) private mutating func store(_ y: Int, _ first: Int32, _ end: Int32) {
    if count == capacity { grow() }
    runs[count] = ck_run(
      start: UInt32(y * width) + UInt32(first), length: UInt32(end - first), y: UInt32(y), x: UInt32(first))
    count += 1
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<ck_run>.allocate(capacity: 2 * capacity)
    larger.update(from: runs, count: count)
    runs.deallocate()
    runs = larger
    capacity *= 2
  }
}

extension MovingShape {
  /// Inner and outer radius.
  fileprivate var ring: (inner: Double, outer: Double)? {
    switch self {
    case .annulus(let inner, let outer), .segment(let inner, let outer, _, _): (inner, outer)
    case .rectangle, .pixel: nil
    }
  }
}

/// start ≤ φ < end, through 360° where end ≤ start.
private struct Sector {
  /// In 0 ..< 360 [deg].
  let start: Double
  let end: Double
  let isWhole: Bool
  let cotangentOfStart: Double
  let cotangentOfEnd: Double

  init(_ start: Double, _ end: Double) {
    self.start = DetectorGeometry.turn(start)
    self.end = DetectorGeometry.turn(end)
    isWhole = self.start == self.end && start != end
    cotangentOfStart = 1 / tan(self.start * .pi / 180)
    cotangentOfEnd = 1 / tan(self.end * .pi / 180)
  }

  func contains(_ y: Int, _ x: Int, _ center: Pair<Double>) -> Bool {
    guard hypot(Double(y) - center.y, Double(x) - center.x) > 0 else { return false }
    let angle = DetectorGeometry.angle(y, x, center)
    return isWhole || (start < end ? start <= angle && angle < end : angle >= start || angle < end)
  }

  /// The first column behind the crossing of a row with the ray of an angle. Above the center, the pixels with
  /// φ ≥ angle end there; below, they begin.
  @inline(__always) func boundary(
    _ cotangent: Double, _ angle: Double, _ y: Int, _ center: Pair<Double>, _ width: Int
  ) -> Int32 {
    let up = center.y - Double(y)
    if up > 0 {
      if angle <= 0 { return Int32(width) }
      if angle >= 180 { return 0 }
    } else if angle <= 180 {
      return 0
    }
    let crossing = center.x + up * cotangent, nearest = crossing.rounded()
    guard nearest >= 0 else { return 0 }
    guard nearest < Double(width) else { return Int32(width) }
    let before: Bool
    if abs(crossing - nearest) < 0.05 {
      // A pixel on the ray has φ ≥ angle, which above the center puts it before the boundary.
      let reaches = DetectorGeometry.angle(y, Int(nearest), center) >= angle
      before = up > 0 ? reaches : !reaches
    } else {
      before = nearest < crossing
    }
    return Int32(nearest) + (before ? 1 : 0)
  }
}
