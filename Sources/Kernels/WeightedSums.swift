internal import CKernels
import STEM

/// Sums of frames weighted by dense patterns, in double precision: products of blocks of frames with all patterns.
final class WeightedSums {
  private let type: PixelType
  private let pixels: Int
  private let masks: Int
  /// Each padded with zeros to a multiple of 8 pixels.
  private let weights: Fixed<Double>
  private let products: Fixed<Double>
  private let batch: FrameBatch

  init(_ weights: [[Double]], shape: Shape, type: PixelType) {
    self.type = type
    pixels = shape.count
    masks = weights.count
    let padding = Array(repeating: 0.0, count: (8 - pixels % 8) % 8)
    self.weights = Fixed(weights.flatMap { $0 + padding })
    batch = FrameBatch(frameBytes: pixels * type.size, counts: [4, 8, 16], budget: 4 << 20)
    products = Fixed(Array(repeating: 0, count: batch.frames * weights.count))
  }

  func add(_ frame: UnsafeRawPointer, row: Int, _ output: (_ mask: Int, _ row: Int, Double) -> Void) {
    batch.add(frame, row: row) { process($0, rows: $1, output) }
  }

  func flush(_ output: (_ mask: Int, _ row: Int, Double) -> Void) {
    batch.flush { process($0, rows: $1, output) }
  }

  private func process(
    _ frames: UnsafeRawPointer, rows: [Int], _ output: (_ mask: Int, _ row: Int, Double) -> Void
  ) {
    ck_weigh(
      type.c, frames, Int64(rows.count), Int64(pixels), weights.pointer, Int64(masks), products.pointer)
    for (index, row) in rows.enumerated() {
      for mask in 0..<masks {
        var value = products.values[index * masks + mask]
        if !value.isFinite { value = careful(frames + index * pixels * type.size, mask) }
        output(mask, row, value)
      }
    }
  }

  /// Leaves out pixels of weight 0, of which NaN would make NaN.
  private func careful(_ frame: UnsafeRawPointer, _ mask: Int) -> Double {
    let stride = (pixels + 7) / 8 * 8
    var sum = 0.0
    for (pixel, value) in type.doubles(frame, count: pixels).enumerated() {
      let weight = weights.values[mask * stride + pixel]
      if weight != 0 { sum += weight * value }
    }
    return sum
  }
}
