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
    sums = Fixed(repeatElement(ck_sum(), count: 4 * bins))
    work = Fixed(repeatElement(0, count: 16 * bins))
  }

  /// Σ v of each ring, to be read before the next call: exact for integer pixels.
  func sum(_ frame: UnsafeRawPointer) {
    ck_sum_bins(
      type.c, frame, runs.pointer, Int64(runs.values.count), bin.pointer, Int64(bins), sums.pointer, work.pointer)
  }

  /// Σ v of each ring for four frames `stride` pixels apart: one after the other in `sums`.
  private func sum4(_ frames: UnsafeRawPointer, stride: Int) {
    ck_sum_bins4(
      type.c, frames, Int64(stride), runs.pointer, Int64(runs.values.count), bin.pointer, Int64(bins), sums.pointer,
      work.pointer)
  }

  /// Adds a frame's sums to `total` (see `makeTotal`), and hands its means over the rings, NaN for an empty one, to
  /// `means`.
  public func add(_ frame: UnsafeRawPointer, means: UnsafeMutablePointer<Float>, total: any Accumulator) {
    sum(frame)
    take(0, means: means, total: total)
  }

  /// The same for frames that lie together; `means`: of a frame, counted from the group's first.
  public func add(
    _ group: FrameGroup, total: any Accumulator, means: (_ index: Int) -> UnsafeMutablePointer<Float>
  ) {
    let count = group.positions.count, whole = count / 4 * 4
    for index in stride(from: 0, to: whole, by: 4) {
      sum4(group.first + index * group.strideBytes, stride: group.strideBytes / type.size)
      for frame in 0..<4 { take(frame, means: means(index + frame), total: total) }
    }
    for index in whole..<count {
      add(group.first + index * group.strideBytes, means: means(index), total: total)
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
