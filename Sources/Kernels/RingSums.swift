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
    sums = Fixed(Array(repeating: ck_sum(), count: bins))
    work = Fixed(Array(repeating: 0, count: 4 * bins))
  }

  /// Σ v of each ring, to be read before the next call: exact for integer pixels.
  func sum(_ frame: UnsafeRawPointer) {
    ck_sum_bins(
      type.c, frame, runs.pointer, Int64(runs.values.count), bin.pointer, Int64(bins), sums.pointer, work.pointer)
  }

  /// Writes the means over the rings of a frame, NaN for an empty ring, and adds its sums to `total`, which is a
  /// `PixelSum<Int64>` for integer pixels and a `PixelSum<Double>` for others.
  public func add(_ frame: UnsafeRawPointer, means: UnsafeMutablePointer<Float>, total: any Accumulator) {
    sum(frame)
    if type.isInteger {
      let total = total.bytes.assumingMemoryBound(to: Int64.self)
      for k in 0..<bins { total[k] &+= sums.values[k].integer }
    } else {
      let total = total.bytes.assumingMemoryBound(to: Double.self)
      for k in 0..<bins { total[k] += sums.values[k].real }
    }
    for k in 0..<bins { means[k] = Float(type.value(sums.values[k]) / Double(pixels[k])) }
  }

  /// The accumulator that `add` expects.
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
