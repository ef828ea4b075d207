internal import CKernels
import STEM

/// Sums of frames weighted by dense patterns: products of blocks of frames with all patterns.
///
/// Where pixels and weights are single precision numbers anyway (pixels of up to 16 bits and f32 under weights that a
/// float holds), products and the sums of 256 of them are made in single precision, and these added up in double
/// precision: an error of some 10⁻⁸ of Σ|weight·v|, at most 2·10⁻⁶ (20 roundings). Everything else is in double
/// precision, integer weights on integer pixels also, whose sums are exact.
final class WeightedSums {
  private let type: PixelType
  private let pixels: Int
  private let masks: Int
  private let weights: Weights
  private let sums: Fixed<Double>
  private let batch: FrameBatch
  /// Frames that are multiplied in one call.
  private static let most = Int(CK_MOST_WEIGHED)

  /// - Parameter isSingle: what `isSingle` says of each of the patterns
  init(_ weights: [[Double]], shape: Shape, type: PixelType, isSingle: Bool) {
    self.type = type
    pixels = shape.count
    masks = weights.count
    self.weights = isSingle ? .single(Fixed(tiled: weights, pixels)) : .double(Fixed(tiled: weights, pixels))
    batch = FrameBatch(frameBytes: pixels * type.size, counts: [4, 8, 16, 32], budget: 2 << 20)
    sums = Fixed(repeatElement(0, count: Self.most * wholeGroups(masks)))
  }

  private enum Weights {
    case single(Fixed<Float>)
    case double(Fixed<Double>)

    var bytes: Int {
      switch self {
      case .single(let values): 4 * values.values.count
      case .double(let values): 8 * values.values.count
      }
    }
  }

  /// Of weights, and of frames that wait.
  var workBytes: Int { weights.bytes + batch.bytes }

  /// Whether a pattern's products are made in single precision. A question to each pattern: its sums must not depend on
  /// the others.
  static func isSingle(_ weights: [Double], _ type: PixelType) -> Bool {
    guard type.size <= 2 || type == .f32, weights.allSatisfy({ Double(Float($0)) == $0 }) else { return false }
    return type == .f32 || !weights.allSatisfy { $0 == $0.rounded() }
  }

  func add(_ frame: Frame, row: Int, _ output: (_ mask: Int, _ row: Int, Double) -> Void) {
    batch.add(frame.pixels(type, pixels), row: row) { process($0, batch.frameBytes, $1, output) }
  }

  /// Adds contiguous frames: whole groups are multiplied in place, only the remaining frames are copied.
  func add(_ group: FrameGroup, firstRow: Int, _ output: (_ mask: Int, _ row: Int, Double) -> Void) {
    let (first, end) = (group.positions.lowerBound, group.positions.upperBound)
    let whole = batch.frames == 1 ? end : first + (end - first) / Int(CK_GROUP) * Int(CK_GROUP)
    for next in stride(from: first, to: whole, by: Self.most) {
      let rows = next - first + firstRow..<min(next + Self.most, whole) - first + firstRow
      process(group[next].pixels(type, pixels), group.strideBytes, rows, output)
    }
    for next in whole..<end { add(group[next], row: next - first + firstRow, output) }
  }

  func flush(_ output: (_ mask: Int, _ row: Int, Double) -> Void) {
    batch.flush { process($0, batch.frameBytes, $1, output) }
  }

  private func process(
    _ frames: UnsafeRawPointer, _ strideBytes: Int, _ rows: some RandomAccessCollection<Int>,
    _ output: (_ mask: Int, _ row: Int, Double) -> Void
  ) {
    let (frameCount, pixelCount, maskCount) = (Int64(rows.count), Int64(pixels), Int64(masks))
    let stride = Int64(strideBytes / type.size)
    switch weights {
    case .single(let values):
      ck_weigh_single(type.c, frames, stride, frameCount, pixelCount, values.pointer, maskCount, sums.pointer)
    case .double(let values):
      ck_weigh(type.c, frames, stride, frameCount, pixelCount, values.pointer, maskCount, sums.pointer)
    }
    let group = Int(CK_GROUP), groups = wholeGroups(masks) / group
    for (index, row) in rows.enumerated() {
      for mask in 0..<masks {
        let place = (index / group * groups + mask / group) * group + index % group
        var value = sums.values[place * group + mask % group]
        if !value.isFinite { value = careful(frames + index * strideBytes, mask) }
        output(mask, row, value)
      }
    }
  }

  /// Leaves out pixels of weight 0, of which NaN would make NaN.
  private func careful(_ frame: UnsafeRawPointer, _ mask: Int) -> Double {
    var sum = 0.0
    for (pixel, value) in type.doubles(frame, count: pixels).enumerated() {
      let place = tilePlace(mask, pixel, of: masks)
      let weight =
        switch weights {
        case .single(let values): Double(values.values[place])
        case .double(let values): values.values[place]
        }
      if weight != 0 { sum += weight * value }
    }
    return sum
  }
}

/// A number of frames or masks in whole groups.
private func wholeGroups(_ count: Int) -> Int { (count + Int(CK_GROUP) - 1) / Int(CK_GROUP) * Int(CK_GROUP) }

/// Where the weights of a tile of pixels lie, mask by mask.
private func tilePlace(_ mask: Int, _ pixel: Int, of masks: Int) -> Int {
  let tile = Int(CK_TILE)
  return (pixel / tile * wholeGroups(masks) + mask) * tile + pixel % tile
}

extension Fixed where Element: BinaryFloatingPoint {
  /// Weights in the form that `ck_weigh` requires, padded with zeros to whole tiles and groups.
  fileprivate convenience init(tiled weights: [[Double]], _ pixels: Int) {
    let tile = Int(CK_TILE), tiles = (pixels + tile - 1) / tile
    self.init(repeatElement(0, count: tiles * wholeGroups(weights.count) * tile))
    for (mask, values) in weights.enumerated() {
      for start in stride(from: 0, to: pixels, by: tile) {
        let place = tilePlace(mask, start, of: weights.count)
        for pixel in start..<min(start + tile, pixels) { self.values[place + pixel - start] = Element(values[pixel]) }
      }
    }
  }
}
