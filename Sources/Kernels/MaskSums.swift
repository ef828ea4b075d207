internal import CKernels
import STEM

/// What a virtual detector makes of a frame: a plain or a weighted sum of pixels.
public enum PixelWeights: Sendable {
  case selection(PixelSelection)
  /// One finite weight a pixel, row-major; pixels with weight 0 do not take part, even if they are NaN.
  case weights([Double])

  /// `weights` in the form that is summed fastest.
  public init(_ shape: Shape, weights: [Double]) {
    self =
      weights.allSatisfy { $0 == 0 || $0 == 1 }
      ? .selection(PixelSelection(shape, weights.map { $0 == 1 }))
      : .weights(weights)
  }
}

/// Sums of a frame over any number of masks. Integer pixels are summed in 64-bit integers: exact.
///
/// Masks made of rows of pixels read only their pixels, band by band of the frame, so that overlapping masks find the
/// rows in the first-level cache; ragged ones are laid over the frame as bytes; those with a few different weights are
/// split into such classes; all others are products with blocks of frames (`WeightedSums`).
public final class MaskSums {
  private struct Class {
    var mask: Int
    var weight: Double
    var selection: PixelSelection
  }

  /// A class costs as much as a dense mask once there are more than a few.
  private static let mostClasses = 4
  /// Few masks are summed nearly row by row, as memory comes; many in bands that, with the next one, fit the first-level
  /// cache. The last bits of floating sums can differ between the two.
  private static func bandBytes(masks: Int) -> Int { masks <= Int(CK_FEW) ? 2 << 10 : 16 << 10 }

  private let type: PixelType
  private let shape: Shape
  private let runs: Fixed<ck_run>
  private let first: Fixed<UInt32>
  private let target: Fixed<UInt32>
  private let sums: Fixed<ck_sum>
  private let values: Fixed<Double>
  private let runClasses: [(mask: Int, weight: Double)]
  private let ragged: [(mask: Int, weight: Double, bytes: Fixed<UInt8>)]
  /// Those in single and those in double precision, and which masks they are.
  private let dense: [(masks: [Int], sums: WeightedSums)]
  private let directMasks: [Int]

  public init(_ masks: [PixelWeights], shape: Shape, type: PixelType) {
    self.type = type
    self.shape = shape
    var classes: [Class] = []
    var weights: [(Int, [Double])] = []
    for (index, mask) in masks.enumerated() {
      switch mask {
      case .selection(let selection): classes.append(Class(mask: index, weight: 1, selection: selection))
      case .weights(let values):
        let levels = Self.levels(values)
        if let levels {
          classes += levels.map { level in
            Class(mask: index, weight: level, selection: PixelSelection(shape, values.map { $0 == level }))
          }
        } else {
          weights.append((index, values))
        }
      }
    }
    // Measured: a run costs as much as 50 pixels under a byte mask.
    let isRagged = classes.map { $0.selection.runs().count * 50 > shape.count }
    ragged = zip(classes, isRagged).filter(\.1).map { item, _ in
      (item.mask, item.weight, Fixed(item.selection.included.map { $0 ? 255 : 0 }))
    }
    let smooth = zip(classes, isRagged).filter { !$0.1 }.map(\.0)
    runClasses = smooth.map { ($0.mask, $0.weight) }
    let parts = Self.bands(smooth.map(\.selection), shape, rowBytes: shape.x * type.size)
    runs = Fixed(parts.runs)
    first = Fixed(parts.first)
    target = Fixed(parts.target)
    sums = Fixed(Array(repeating: ck_sum(), count: smooth.count))
    values = Fixed(Array(repeating: 0, count: masks.count))
    directMasks = masks.indices.filter { index in !weights.contains { $0.0 == index } }
    dense = Dictionary(grouping: weights) { WeightedSums.isSingle($0.1, type) }.map { isSingle, masks in
      (masks.map(\.0), WeightedSums(masks.map(\.1), shape: shape, type: type, isSingle: isSingle))
    }
  }

  /// Of dense weights, and of frames that wait.
  public var workBytes: Int { dense.reduce(0) { $0 + $1.sums.workBytes } }

  /// The sums of one frame: `output(mask, row, value)`. Those of weighted masks come later, at the latest from `flush`.
  public func add(_ frame: Frame, row: Int, _ output: (_ mask: Int, _ row: Int, Double) -> Void) {
    add(FrameGroup(row, frame), firstRow: row, output)
  }

  /// The same for contiguous frames, the first of which belongs to `firstRow`.
  public func add(_ group: FrameGroup, firstRow: Int, _ output: (_ mask: Int, _ row: Int, Double) -> Void) {
    if !directMasks.isEmpty {
      for (index, position) in group.positions.enumerated() {
        addDirect(group[position], row: firstRow + index, output)
      }
    }
    for part in dense { part.sums.add(group, firstRow: firstRow) { output(part.masks[$0], $1, $2) } }
  }

  private func addDirect(_ frame: Frame, row: Int, _ output: (_ mask: Int, _ row: Int, Double) -> Void) {
    sums.values.update(repeating: ck_sum())
    values.values.update(repeating: 0)
    let pixels = frame.pixels(type, shape.count)
    ck_sum_runs(
      type.c, pixels, Int64(shape.count), runs.pointer, first.pointer, target.pointer, Int64(target.values.count),
      Int64(sums.values.count), sums.pointer)
    for (index, item) in runClasses.enumerated() {
      values.values[item.mask] += item.weight * type.value(sums.values[index])
    }
    for item in ragged {
      let sum = ck_sum_mask(type.c, pixels, Int64(shape.count), item.bytes.pointer)
      values.values[item.mask] += item.weight * type.value(sum)
    }
    for mask in directMasks { output(mask, row, values.values[mask]) }
  }

  /// Finishes the frames that wait for others.
  public func flush(_ output: (_ mask: Int, _ row: Int, Double) -> Void) {
    for part in dense { part.sums.flush { output(part.masks[$0], $1, $2) } }
  }

  /// The distinct weights but 0, when they are few.
  private static func levels(_ weights: [Double]) -> [Double]? {
    var levels: [Double] = []
    for weight in weights where weight != 0 && !levels.contains(weight) {
      levels.append(weight)
      if levels.count > mostClasses { return nil }
    }
    return levels
  }

  /// The runs of all masks, ordered by band of rows and then by mask: parts `first[p] ..< first[p + 1]` of mask
  /// `target[p]`.
  private static func bands(
    _ masks: [PixelSelection], _ shape: Shape, rowBytes: Int
  ) -> (runs: [ck_run], first: [UInt32], target: [UInt32]) {
    let rows = max(1, bandBytes(masks: masks.count) / rowBytes)
    var runs: [ck_run] = []
    var first: [UInt32] = [0]
    var target: [UInt32] = []
    for start in stride(from: 0, to: shape.y, by: rows) {
      for (index, mask) in masks.enumerated() {
        let part = mask.runs(rows: start..<min(start + rows, shape.y))
        guard !part.isEmpty else { continue }
        runs += part
        first.append(UInt32(runs.count))
        target.append(UInt32(index))
      }
    }
    return (runs, first, target)
  }
}
