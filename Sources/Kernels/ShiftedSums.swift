import STEM

/// Sums of floating pixels and of their squares around a value of each pixel's own, its first one: what would cancel in a
/// variance is then small. Chan, Golub & LeVeque, The American Statistician 37 (1983) 242: shifted data, and the sums of
/// two parts.
final class ShiftedSums: Accumulator {
  /// The count of frames on a line of its own, then Σd and where wanted Σd² with d = v − pivot, then the pivots.
  let bytes: UnsafeMutableRawBufferPointer
  private let type: PixelType
  private let pixels: Int
  private let hasSquares: Bool
  private static let lead = 64

  /// - Parameter type: floating
  init(_ pixels: Int, _ type: PixelType, squares: Bool) {
    self.type = type
    self.pixels = pixels
    hasSquares = squares
    let size = Self.lead + pixels * ((squares ? 16 : 8) + type.size)
    bytes = .allocate(byteCount: size, alignment: 64)
    reset()
  }

  deinit { bytes.deallocate() }

  func reset() { bytes.initializeMemory(as: UInt8.self, repeating: 0) }
  var isExact: Bool { false }

  private struct Parts {
    let frames: UnsafeMutablePointer<UInt64>
    let sum: UnsafeMutablePointer<Double>
    let square: UnsafeMutablePointer<Double>?
    let pivot: UnsafeMutableRawPointer
  }

  private func parts(_ bytes: UnsafeMutableRawPointer) -> Parts {
    let sum = (bytes + Self.lead).assumingMemoryBound(to: Double.self)
    return Parts(
      frames: bytes.assumingMemoryBound(to: UInt64.self), sum: sum, square: hasSquares ? sum + pixels : nil,
      pivot: UnsafeMutableRawPointer(sum + (hasSquares ? 2 : 1) * pixels))
  }

  private var own: Parts { parts(bytes.baseAddress!) }
  var frames: UnsafeMutablePointer<UInt64> { own.frames }
  var sum: UnsafeMutableRawPointer { UnsafeMutableRawPointer(own.sum) }
  var square: UnsafeMutableRawPointer? { own.square.map { UnsafeMutableRawPointer($0) } }
  /// Numbers of the pixels' type.
  var pivot: UnsafeMutableRawPointer { own.pivot }

  /// Takes the values of the first frame as pivots, 0 where they are not finite.
  func takePivots(_ frame: UnsafeRawPointer) {
    if type == .f32 { takePivots(frame, Float.self) } else { takePivots(frame, Double.self) }
  }

  private func takePivots<Pixel: BinaryFloatingPoint>(_ frame: UnsafeRawPointer, _: Pixel.Type) {
    let first = frame.assumingMemoryBound(to: Pixel.self), pivot = own.pivot.assumingMemoryBound(to: Pixel.self)
    for i in 0..<pixels { pivot[i] = first[i].isFinite ? first[i] : 0 }
  }

  func combine(_ other: UnsafeRawBufferPointer) {
    precondition(other.count == bytes.count)
    let mine = own, later = parts(UnsafeMutableRawPointer(mutating: other.baseAddress!))
    guard later.frames.pointee > 0 else { return }
    guard mine.frames.pointee > 0 else { return bytes.copyMemory(from: other) }
    if type == .f32 { combine(mine, later, Float.self) } else { combine(mine, later, Double.self) }
  }

  private func combine<Pixel: BinaryFloatingPoint>(_ mine: Parts, _ later: Parts, _: Pixel.Type) {
    let from = later.pivot.assumingMemoryBound(to: Pixel.self), to = mine.pivot.assumingMemoryBound(to: Pixel.self)
    let count = Double(later.frames.pointee)
    if let square = mine.square, let added = later.square {
      for i in 0..<pixels {
        let shift = Double(from[i]) - Double(to[i])
        square[i] += added[i] + shift * (2 * later.sum[i] + count * shift)
      }
    }
    for i in 0..<pixels { mine.sum[i] += later.sum[i] + count * (Double(from[i]) - Double(to[i])) }
    mine.frames.pointee += later.frames.pointee
  }

  /// Σv of every pixel; infinities and NaN as a plain sum would have them.
  func sums() -> [Double] {
    let parts = own, count = Double(parts.frames.pointee)
    let pivots = type.doubles(UnsafeRawPointer(parts.pivot), count: pixels)
    return (0..<pixels).map { parts.sum[$0].addingProduct(count, pivots[$0]) }
  }

  /// (Σd² − (Σd)²/n) / n of every pixel; NaN where a value is not finite.
  func variances() -> [Double] {
    let parts = own, count = Double(parts.frames.pointee)
    guard let square = parts.square else { return [] }
    return (0..<pixels).map { pixel in
      let sum = parts.sum[pixel]
      guard sum.isFinite, square[pixel].isFinite else { return .nan }
      return max(0, (square[pixel] - sum * (sum / count)) / count)
    }
  }
}
