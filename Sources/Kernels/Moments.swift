internal import CKernels
import STEM

/// Intensity-weighted mean position of a frame.
public final class Moments {
  private let type: PixelType
  private let pixels: Int
  private let columns: Int
  private let runs: Fixed<ck_run>
  private let work: Fixed<UInt64>
  private var buffer: (ck_sum, ck_sum, ck_sum) = (ck_sum(), ck_sum(), ck_sum())

  /// `selection`: the pixels that take part.
  public init(_ selection: PixelSelection, type: PixelType) {
    self.type = type
    pixels = selection.shape.count
    columns = selection.shape.x
    runs = Fixed(selection.runs())
    work = Self.work(columns: columns)
  }

  /// What `ck_moments` needs for a detector of `columns` columns.
  static func work(columns: Int) -> Fixed<UInt64> { Fixed(Array(repeating: 0, count: columns + 64)) }

  /// Σ v·(y, x) / Σ v [px, the center of pixel (0, 0) is (0, 0)]; NaN where Σ v = 0, or with a NaN pixel. Sums over
  /// integer pixels are exact.
  public func center(_ frame: Frame) -> Pair<Double> {
    let sums = sums(frame)
    guard sums.total != 0 else { return Pair(.nan, .nan) }
    return Pair(sums.y / sums.total, sums.x / sums.total)
  }

  /// Σ v, Σ v·y and Σ v·x.
  public func sums(_ frame: Frame) -> (total: Double, y: Double, x: Double) {
    withUnsafeMutablePointer(to: &buffer) {
      $0.withMemoryRebound(to: ck_sum.self, capacity: 3) {
        ck_moments(
          type.c, frame.pixels(type, pixels), Int64(pixels), runs.pointer, Int64(runs.values.count), Int64(columns), $0,
          work.pointer)
      }
    }
    return (type.value(buffer.0), type.value(buffer.1), type.value(buffer.2))
  }
}
