internal import CKernels
import STEM

/// Intensity-weighted mean position of a frame.
public final class Moments {
  private let type: PixelType
  private let pixels: Int
  private let runs: Fixed<ck_run>
  private var sums: (ck_sum, ck_sum, ck_sum) = (ck_sum(), ck_sum(), ck_sum())

  /// `selection`: the pixels that take part.
  public init(_ selection: PixelSelection, type: PixelType) {
    self.type = type
    pixels = selection.shape.count
    runs = Fixed(selection.runs())
  }

  /// Σ v·(y, x) / Σ v [px, the centre of pixel (0, 0) is (0, 0)]; NaN where Σ v = 0, or with a NaN pixel. Sums over
  /// integer pixels are exact.
  public func center(_ frame: UnsafeRawPointer) -> Pair<Double> {
    withUnsafeMutablePointer(to: &sums) {
      $0.withMemoryRebound(to: ck_sum.self, capacity: 3) {
        ck_moments(type.c, frame, Int64(pixels), runs.pointer, Int64(runs.values.count), $0)
      }
    }
    let total = type.value(sums.0)
    guard total != 0 else { return Pair(.nan, .nan) }
    return Pair(type.value(sums.1) / total, type.value(sums.2) / total)
  }
}
