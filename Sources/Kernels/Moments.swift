internal import CKernels
import STEM

/// Intensity-weighted mean position of a frame.
public final class Moments {
  private let type: PixelType
  private let pixels: Int
  private let runs: Fixed<ck_run>
  private var buffer: (ck_sum, ck_sum, ck_sum) = (ck_sum(), ck_sum(), ck_sum())

  /// `selection`: the pixels that take part.
  public init(_ selection: PixelSelection, type: PixelType) {
    self.type = type
    pixels = selection.shape.count
    runs = Fixed(selection.runs())
  }

  /// Σ v·(y, x) / Σ v [px, the centre of pixel (0, 0) is (0, 0)]; NaN where Σ v = 0, or with a NaN pixel. Sums over
  /// integer pixels are exact.
  public func center(_ frame: UnsafeRawPointer) -> Pair<Double> {
    let sums = sums(frame)
    guard sums.total != 0 else { return Pair(.nan, .nan) }
    return Pair(sums.y / sums.total, sums.x / sums.total)
  }

  /// Σ v, Σ v·y and Σ v·x.
  public func sums(_ frame: UnsafeRawPointer) -> (total: Double, y: Double, x: Double) {
    withUnsafeMutablePointer(to: &buffer) {
      $0.withMemoryRebound(to: ck_sum.self, capacity: 3) {
        ck_moments(type.c, frame, Int64(pixels), runs.pointer, Int64(runs.values.count), $0)
      }
    }
    return (type.value(buffer.0), type.value(buffer.1), type.value(buffer.2))
  }
}
