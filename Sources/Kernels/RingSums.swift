internal import CKernels
import STEM

/// Sums of a frame over rings around an axis.
public final class RingSums {
  public let bins: Int
  /// Pixels of each ring.
  public let pixels: [Int]
  let type: PixelType
  let runs: Fixed<ck_run>
  let bin: Fixed<UInt16>
  let sums: Fixed<ck_sum>
  private let work: Fixed<UInt64>
  /// Frames whose sums fit the core's first-level cache together.
  private let most: Int

  /// - Parameters:
  ///   - bins: at most 65,535
  ///   - ring: of each pixel, row-major, in 0 ..< `bins`; nil: the pixel takes part in none
  public init(_ ring: [Int?], bins: Int, shape: Shape, type: PixelType) {
    self.bins = bins
    self.type = type
    var counts = Array(repeating: 0, count: bins)
    for case let ring? in ring { counts[ring] += 1 }
    pixels = counts
    runs = Fixed(PixelSelection(shape, ring.map { $0 != nil }).runs())
    bin = Fixed(ring.map { UInt16($0 ?? 0) })
    // Four copies, of 4 bytes a sum where pixels have up to two.
    most = 4 * bins * 8 * (type.size <= 2 ? 4 : 8) <= 24 << 10 ? 8 : 4
    sums = Fixed(repeatElement(ck_sum(), count: most * bins))
    work = Fixed(repeatElement(0, count: 4 * most * bins))
  }

  /// Σ v of each ring, to be read before the next call: exact for integer pixels.
  func sum(_ frame: Frame) {
    ck_sum_bins(
      type.c, frame.pixels(type, bin.values.count), runs.pointer, Int64(runs.values.count), bin.pointer, Int64(bins),
      sums.pointer, work.pointer)
  }

  /// Σ v of each ring for the frames of a group, four or eight: one after the other in `sums`.
  private func sum(_ group: FrameGroup) {
    ck_sum_bins_few(
      type.c, group.pixels(type, bin.values.count), Int64(group.strideBytes / type.size), Int64(group.positions.count),
      runs.pointer, Int64(runs.values.count), bin.pointer, Int64(bins),
      sums.pointer, work.pointer)
  }

  /// Adds a frame's sums to `total` (see `makeTotal`), and passes its means over the rings, NaN for an empty one, to
  /// `means`.
  public func add(_ frame: Frame, means: UnsafeMutablePointer<Float>, total: any Accumulator) {
    sum(frame)
    take(0, means: means, total: total)
  }

  /// The same for contiguous frames; `means`: of a frame, counted from the group's first.
  public func add(
    _ group: FrameGroup, total: any Accumulator, means: (_ index: Int) -> UnsafeMutablePointer<Float>
  ) {
    let (first, end) = (group.positions.lowerBound, group.positions.upperBound)
    var next = first
    while next < end {
      let count = end - next >= most ? most : end - next >= 4 ? 4 : 1
      if count == 1 { sum(group[next]) } else { sum(group[next..<next + count]) }
      for frame in 0..<count { take(frame, means: means(next - first + frame), total: total) }
      next += count
    }
  }

  /// `frame`: whose sums of those in `sums`.
  private func take(_ frame: Int, means: UnsafeMutablePointer<Float>, total: any Accumulator) {
    let sums = UnsafeBufferPointer(rebasing: sums.values[frame * bins..<(frame + 1) * bins])
    if type.isInteger {
      let total = total.bytes.assumingMemoryBound(to: Int64.self)
      for k in 0..<bins { total[k] &+= sums[k].integer }
    } else {
      let total = total.bytes.assumingMemoryBound(to: Double.self)
      for k in 0..<bins { total[k] += sums[k].real }
    }
    for k in 0..<bins { means[k] = Float(type.value(sums[k]) / Double(pixels[k])) }
  }

  /// The accumulator that `add` expects: a `PixelSum<Int64>` for integer pixels and a `PixelSum<Double>` for others.
  public func makeTotal() -> any Accumulator {
    type.isInteger ? PixelSum<Int64>(bins) : PixelSum<Double>(bins)
  }

  /// Mean over rings and frames; NaN for an empty ring or without frames.
  public func means(_ total: any Accumulator, frames: UInt64) -> [Double] {
    let sums: [Double] =
      type.isInteger
      ? total.bytes.bindMemory(to: Int64.self).map(Double.init) : Array(total.bytes.bindMemory(to: Double.self))
    return zip(sums, pixels).map { sum, count in
      count == 0 || frames == 0 ? .nan : sum / (Double(count) * Double(frames))
    }
  }
}
