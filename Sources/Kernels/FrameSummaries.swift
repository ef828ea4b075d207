internal import CKernels
import STEM

/// Sum, largest value and number of bad pixels of a frame.
public struct FrameSummary: Sendable, Equatable {
  public var sum: Double
  /// NaN with a NaN pixel, as in NumPy, and without pixels.
  public var largest: Double
  /// Pixels that are saturated, NaN or infinite.
  public var bad: Int
}

public final class FrameSummaries {
  private let type: PixelType
  private let pixels: Int
  private let runs: Fixed<ck_run>
  let saturation: Double
  /// Whether all pixels take part.
  let isOfWholeFrames: Bool

  /// - Parameter saturation: pixels of at least this value are bad; nil: none.
  public init(_ selection: PixelSelection, type: PixelType, saturation: Double?) {
    self.type = type
    pixels = selection.shape.count
    self.saturation = saturation ?? .infinity
    isOfWholeFrames = !selection.included.contains(false)
    let whole = ck_run(start: 0, length: UInt32(selection.shape.count), y: 0, x: 0)
    runs = Fixed(isOfWholeFrames ? [whole] : selection.runs())
  }

  public func summarize(_ frame: Frame) -> FrameSummary {
    FrameSummary(
      ck_summarize(type.c, frame.pixels(type, pixels), runs.pointer, Int64(runs.values.count), saturation), type)
  }
}

extension FrameSummary {
  init(_ result: ck_summary, _ type: PixelType) {
    self.init(sum: type.value(result.sum), largest: result.largest, bad: Int(result.bad))
  }
}
