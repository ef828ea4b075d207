internal import CKernels
import Foundation
import STEM

/// Detector pixels that take part, row-major.
public struct PixelSelection: Sendable, Equatable {
  public let shape: Shape
  public private(set) var included: [Bool]

  /// `included`: `shape.count` values.
  public init(_ shape: Shape, _ included: [Bool]) {
    precondition(included.count == shape.count)
    self.shape = shape
    self.included = included
  }

  public init(_ shape: Shape, where belongs: (_ y: Int, _ x: Int) -> Bool) {
    self.shape = shape
    included = []
    included.reserveCapacity(shape.count)
    for y in 0..<shape.y { for x in 0..<shape.x { included.append(belongs(y, x)) } }
  }

  /// Whole ranges of columns of every row.
  init(_ shape: Shape, columns: (_ y: Int) -> [Range<Int>]) {
    self.shape = shape
    included = Array(repeating: false, count: shape.count)
    included.withUnsafeMutableBufferPointer { included in
      for y in 0..<shape.y {
        let row = y * shape.x
        for range in columns(y) {
          included[row + range.lowerBound..<row + range.upperBound].update(repeating: true)
        }
      }
    }
  }

  /// Every pixel of the detector that is not dead.
  public static func alive(_ shape: Shape, dead: [Bool]?) -> PixelSelection {
    PixelSelection(shape, dead.map { $0.map(!) } ?? Array(repeating: true, count: shape.count))
  }

  public var count: Int {
    included.withUnsafeBufferPointer { included in
      var count = 0
      for isIncluded in included { count &+= isIncluded ? 1 : 0 }
      return count
    }
  }
  public var isEmpty: Bool { !included.contains(true) }

  public func intersection(_ other: PixelSelection) -> PixelSelection {
    precondition(other.shape == shape)
    var both = self
    both.included.withUnsafeMutableBufferPointer { mine in
      other.included.withUnsafeBufferPointer { theirs in
        // Not `&&`, whose jump at every pixel takes as long as making the shape.
        for i in mine.indices { mine[i] = theirs[i] ? mine[i] : false }
      }
    }
    return both
  }

  /// The runs of consecutive pixels of rows `rows`; none crosses from a row to the next.
  func runs(rows: Range<Int>? = nil) -> [ck_run] {
    var runs: [ck_run] = []
    included.withUnsafeBufferPointer { included in
      for y in rows ?? 0..<shape.y {
        let row = UnsafeBufferPointer(rebasing: included[y * shape.x..<(y + 1) * shape.x])
        var x = 0
        while x < row.count {
          let first = x
          while x < row.count, row[x] { x += 1 }
          if x > first {
            runs.append(
              ck_run(start: UInt32(y * shape.x + first), length: UInt32(x - first), y: UInt32(y), x: UInt32(first)))
          }
          x += 1
        }
      }
    }
    return runs
  }
}

/// Shapes on a detector, after docs/conventions.md: distances between pixel centers, half-open, no antialiasing.
public struct DetectorGeometry: Sendable {
  public var shape: Shape
  /// [px], the center of pixel (0, 0) is (0, 0).
  public var center: Pair<Double>

  public init(_ shape: Shape, center: Pair<Double>) {
    self.shape = shape
    self.center = center
  }

  /// Distance of a pixel's center from `center` [px].
  public func radius(_ y: Int, _ x: Int) -> Double { hypot(Double(y) - center.y, Double(x) - center.x) }

  /// Where the detector ends: the largest distance of any pixel [px], which is that of a corner.
  public var edge: Double {
    let corners = [(0, 0), (0, shape.x - 1), (shape.y - 1, 0), (shape.y - 1, shape.x - 1)]
    return corners.map { radius($0.0, $0.1) }.max() ?? 0
  }

  /// inner ≤ r < outer [px].
  public func annulus(inner: Double, outer: Double) -> PixelSelection {
    PixelSelection(shape) { y in
      let disk = columns(y, within: outer), hole = columns(y, within: inner).clamped(to: disk)
      return hole.isEmpty ? [disk] : [disk.lowerBound..<hole.lowerBound, hole.upperBound..<disk.upperBound]
    }
  }

  /// Where r < `radius` [px] in row y: one range, since r falls toward the center and grows behind it.
  private func columns(_ y: Int, within radius: Double) -> Range<Int> {
    let down = Double(y) - center.y, half = max(0, radius * radius - down * down).squareRoot()
    func column(_ place: Double) -> Int { Int(min(max(place, 0), Double(shape.x))) }
    func isInside(_ x: Int) -> Bool { self.radius(y, x) < radius }
    var first = column((center.x - half).rounded(.up)), end = column((center.x + half).rounded(.down) + 1)
    // What r itself says decides, not the rounding of `half`.
    while first > 0, isInside(first - 1) { first -= 1 }
    while end < shape.x, isInside(end) { end += 1 }
    while first < end, !isInside(first) { first += 1 }
    while first < end, !isInside(end - 1) { end -= 1 }
    return first..<end
  }

  /// The part of an annulus with start ≤ φ < end [deg], counter-clockwise on screen from +x, y pointing down.
  /// Through 360° where end ≤ start; a full circle where they differ by 360°. Without r = 0, which has no φ.
  public func segment(inner: Double, outer: Double, start: Double, end: Double) -> PixelSelection {
    let first = Self.turn(start), last = Self.turn(end)
    let whole = first == last && start != end
    let ring = annulus(inner: inner, outer: outer)
    return PixelSelection(shape) { y, x in
      guard ring.included[y * shape.x + x], Double(y) != center.y || Double(x) != center.x else { return false }
      let angle = Self.angle(y, x, center)
      return whole || (first < last ? first <= angle && angle < last : angle >= first || angle < last)
    }
  }

  /// −h/2 ≤ y − center < h/2, the same with x and w.
  public func rectangle(height: Double, width: Double) -> PixelSelection {
    PixelSelection(shape) { y, x in
      let down = Double(y) - center.y, right = Double(x) - center.x
      return -height / 2 <= down && down < height / 2 && -width / 2 <= right && right < width / 2
    }
  }

  /// The pixel whose area holds `center`; empty when it is outside of the detector.
  public func pixel() -> PixelSelection {
    let row = (center.y + 0.5).rounded(.down), column = (center.x + 0.5).rounded(.down)
    return PixelSelection(shape) { y, x in Double(y) == row && Double(x) == column }
  }

  /// φ of a pixel about a center [deg], in 0 ..< 360.
  static func angle(_ y: Int, _ x: Int, _ center: Pair<Double>) -> Double {
    turn(atan2(center.y - Double(y), Double(x) - center.x) * 180 / .pi)
  }

  /// In 0 ..< 360, to 10⁻⁹ degrees, so that a pixel on a boundary of whole degrees lies exactly on it.
  static func turn(_ angle: Double) -> Double {
    let rounded = (angle * 1e9).rounded() / 1e9
    let turned = rounded - (rounded / 360).rounded(.down) * 360
    return turned >= 360 ? 0 : turned
  }
}
