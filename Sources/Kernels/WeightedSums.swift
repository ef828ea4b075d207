internal import CKernels
import STEM

/// Sums of frames weighted by dense patterns, in double precision: products of blocks of frames with all patterns.
final class WeightedSums {
  private let type: PixelType
  private let pixels: Int
  private let masks: Int
  /// Tile by tile, as `ck_weigh` wants them.
  private let weights: Fixed<Double>
  private let products: Fixed<Double>
  private let work: Fixed<Double>
  private let batch: FrameBatch

  init(_ weights: [[Double]], shape: Shape, type: PixelType) {
    self.type = type
    pixels = shape.count
    masks = weights.count
    let tiles = (pixels + Self.tile - 1) / Self.tile
    self.weights = Fixed(Array(repeating: 0, count: tiles * Self.whole(masks) * Self.tile))
    batch = FrameBatch(frameBytes: pixels * type.size, counts: [4, 8, 16, 32], budget: 4 << 20)
    products = Fixed(Array(repeating: 0, count: batch.frames * weights.count))
    work = Fixed(Array(repeating: 0, count: 8 * Self.whole(batch.frames) * Self.whole(masks)))
    for (mask, values) in weights.enumerated() {
      for (pixel, value) in values.enumerated() { self.weights.values[place(mask, pixel)] = value }
    }
  }

  private static let tile = Int(CK_TILE)

  /// A number of frames or masks in whole groups.
  private static func whole(_ count: Int) -> Int { (count + Int(CK_GROUP) - 1) / Int(CK_GROUP) * Int(CK_GROUP) }

  private func place(_ mask: Int, _ pixel: Int) -> Int {
    (pixel / Self.tile * Self.whole(masks) + mask) * Self.tile + pixel % Self.tile
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
      type.c, frames, Int64(rows.count), Int64(pixels), weights.pointer, Int64(masks), products.pointer, work.pointer)
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
    var sum = 0.0
    for (pixel, value) in type.doubles(frame, count: pixels).enumerated() {
      let weight = weights.values[place(mask, pixel)]
      if weight != 0 { sum += weight * value }
    }
    return sum
  }
}
