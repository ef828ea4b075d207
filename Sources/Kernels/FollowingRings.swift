internal import CKernels
import STEM

/// Rings of equal width around a center, possibly of an elliptically distorted pattern.
public struct RingGeometry: Sendable {
  public var count: Int
  /// [px]
  public var width: Double
  /// Where the last ring ends [px].
  public var outer: Double
  /// Whether the last ring holds everything from `outer` on too.
  public var closed: Bool
  public var ellipse: Ellipse?

  public init(count: Int, width: Double, outer: Double, closed: Bool, ellipse: Ellipse? = nil) {
    self.count = count
    self.width = width
    self.outer = outer
    self.closed = closed
    self.ellipse = ellipse
  }
}

/// Sums of a frame over rings around a center that differs from frame to frame. Like `RingSums`, but the ring of each
/// pixel, and with it the number of pixels of a ring, is found anew for every frame.
public final class FollowingRings {
  private let type: PixelType
  private let shape: Shape
  private let dead: [Int]
  private var rings: ck_rings
  private let bin: Fixed<UInt16>
  private let sums: Fixed<ck_sum>
  private let counts: Fixed<UInt64>
  private let work: Fixed<UInt64>
  public let bins: Int

  /// - Parameter dead: pixels that belong to no ring, row-major
  public init(_ geometry: RingGeometry, shape: Shape, dead: [Bool]?, type: PixelType) {
    self.type = type
    self.shape = shape
    self.dead = dead.map { dead in dead.indices.filter { dead[$0] } } ?? []
    bins = geometry.count
    // The columns of the matrix are what `corrected` makes of a step down and a step to the right.
    let down = geometry.ellipse?.corrected(Pair(1, 0)) ?? Pair(1, 0)
    let right = geometry.ellipse?.corrected(Pair(0, 1)) ?? Pair(0, 1)
    rings = ck_rings(
      y: 0, x: 0, a: down.y, b: right.y, c: down.x, d: right.x, outer: geometry.outer, width: geometry.width,
      rings: Int64(geometry.count), closed: geometry.closed ? 1 : 0)
    bin = Fixed(Array(repeating: 0, count: shape.count))
    // One more for the pixels that belong to none.
    sums = Fixed(Array(repeating: ck_sum(), count: bins + 1))
    counts = Fixed(Array(repeating: 0, count: bins + 1))
    work = Fixed(Array(repeating: 0, count: 8 * (bins + 1)))
  }

  /// Writes the means over the rings of a frame, NaN for an empty ring, and adds its sums to `total` (as
  /// `RingSums.makeTotal`) and its pixels to `pixels`. Without a finite center all are empty.
  public func add(
    _ frame: Frame, around center: Pair<Double>, means: UnsafeMutablePointer<Float>,
    total: any Accumulator, pixels: PixelSum<UInt64>
  ) {
    guard center.y.isFinite, center.x.isFinite else {
      for k in 0..<bins { means[k] = .nan }
      return
    }
    rings.y = center.y
    rings.x = center.x
    ck_ring_bins(&rings, Int64(shape.y), Int64(shape.x), bin.pointer)
    for index in dead { bin.values[index] = UInt16(bins) }
    ck_sum_count_bins(
      type.c, frame.pixels(type, shape.count), Int64(shape.count), bin.pointer, Int64(bins + 1), sums.pointer,
      counts.pointer, work.pointer)
    if type.isInteger {
      let total = total.bytes.assumingMemoryBound(to: Int64.self)
      for k in 0..<bins { total[k] &+= sums.values[k].integer }
    } else {
      let total = total.bytes.assumingMemoryBound(to: Double.self)
      for k in 0..<bins { total[k] += sums.values[k].real }
    }
    for k in 0..<bins {
      pixels.values[k] += counts.values[k]
      means[k] = Float(type.value(sums.values[k]) / Double(counts.values[k]))
    }
  }

  /// Mean over rings and frames; NaN for a ring that was always empty.
  public func means(_ total: any Accumulator, pixels: PixelSum<UInt64>) -> [Double] {
    let sums: [Double] =
      type.isInteger
      ? total.bytes.bindMemory(to: Int64.self).map(Double.init) : Array(total.bytes.bindMemory(to: Double.self))
    return zip(sums, pixels.values).map { $1 == 0 ? .nan : $0 / Double($1) }
  }

  public func makeTotal() -> any Accumulator {
    type.isInteger ? PixelSum<Int64>(bins) : PixelSum<Double>(bins)
  }
}
