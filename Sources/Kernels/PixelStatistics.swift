internal import CKernels
import STEM

/// Sum, mean, smallest and largest value and standard deviation of every pixel over frames.
///
/// Sums of integers and of their squares are exact; those of floating pixels are kept as pairs of doubles (Knuth's
/// two-sum), so that the deviation of large values that hardly differ is right too.
public final class PixelStatistics {
  /// In the order of their definition; all are combined elementwise.
  public let accumulators: [any Accumulator]
  private let type: PixelType
  private let pixels: Int
  private let frames = PixelSum<UInt64>(1)
  private let state: ck_statistics
  private let narrow: NarrowSums?
  private let batch: FrameBatch

  public init(pixels: Int, type: PixelType) {
    self.type = type
    self.pixels = pixels
    var sums: [any Accumulator]
    switch type {
    case .u8, .i8, .u16, .i16: sums = [PixelSum<Int64>(pixels), PixelSum<UInt64>(pixels)]
    case .u32, .i32: sums = [PixelSum<Int64>(pixels), PixelSum<UInt64>(pixels), PixelSum<UInt64>(pixels)]
    case .f32, .f64: sums = [PixelSum<DoubleDouble>(pixels), PixelSum<DoubleDouble>(pixels)]
    }
    let extremes = Self.extremes(type.memory, pixels)
    narrow = type.size < 4 ? NarrowSums(pixels) : nil
    state = ck_statistics(
      sum: sums[0].bytes.baseAddress, square: sums[1].bytes.baseAddress,
      high: sums.count > 2 ? sums[2].bytes.baseAddress : nil, smallest: extremes[0].bytes.baseAddress,
      largest: extremes[1].bytes.baseAddress, narrow_sum: narrow?.sum.pointer, narrow_square: narrow?.square.pointer,
      used: narrow?.used.pointer)
    sums.append(frames)
    accumulators = sums + extremes
    batch = FrameBatch(frameBytes: pixels * type.size, counts: [4], budget: 2 << 20)
  }

  private static func extremes<Pixel: FramePixel>(_: Pixel.Type, _ pixels: Int) -> [any Accumulator] {
    let integer = Pixel.pixelType.largest
    let smallest: Double
    switch Pixel.pixelType {
    case .u8, .u16, .u32: smallest = 0
    default: smallest = integer.map { -$0 - 1 } ?? -.infinity
    }
    return [
      PixelMin<Pixel>(pixels, neutral: Pixel(truncating: integer ?? .infinity)),
      PixelMax<Pixel>(pixels, neutral: Pixel(truncating: smallest)),
    ]
  }

  public func add(_ frame: UnsafeRawPointer) {
    batch.add(frame, row: 0) { accumulate($0, $1.count, stride: pixels) }
  }

  /// Four frames at a time where they lie; only what is left is copied.
  public func add(_ group: FrameGroup) {
    var next = group.positions.lowerBound
    let end = group.positions.upperBound
    while batch.count > 0, next < end {
      add(group[next])
      next += 1
    }
    let whole = (end - next) / 4 * 4
    accumulate(group[next], whole, stride: group.strideBytes / type.size)
    for position in next + whole..<end { add(group[position]) }
  }

  /// Of sums that are not yet in the accumulators, and of frames that wait.
  public var workBytes: Int {
    (narrow == nil ? 0 : 8 * pixels) + (batch.frames > 1 ? batch.frames * batch.frameBytes : 0)
  }

  /// Frames added so far, those that wait not counted.
  public var count: UInt64 { frames.values[0] }

  /// Must be called before the accumulators are read.
  public func flush() {
    batch.flush { accumulate($0, $1.count, stride: pixels) }
    withUnsafePointer(to: state) { ck_settle(type.c, Int64(pixels), $0) }
  }

  private func accumulate(_ frames: UnsafeRawPointer, _ count: Int, stride: Int) {
    withUnsafePointer(to: state) { ck_accumulate(type.c, frames, Int64(stride), Int64(count), Int64(pixels), $0) }
    self.frames.values[0] += UInt64(count)
  }

  public struct Patterns: Sendable {
    public var sum: [Double] = []
    public var mean: [Double] = []
    public var smallest: [Double] = []
    public var largest: [Double] = []
    /// Divided by the number of frames (ddof 0).
    public var deviation: [Double] = []
    /// Square of `deviation`.
    public var variance: [Double] = []
  }

  /// NaN where no frame was added.
  public func patterns() -> Patterns {
    let count = frames.values[0]
    guard count > 0 else {
      let nothing = Array(repeating: Double.nan, count: pixels)
      return Patterns(
        sum: nothing, mean: nothing, smallest: nothing, largest: nothing, deviation: nothing, variance: nothing)
    }
    let extremes = accumulators.suffix(2).map { type.doubles(UnsafeRawPointer($0.bytes.baseAddress!), count: pixels) }
    var result = Patterns(smallest: extremes[0], largest: extremes[1])
    result.sum = (0..<pixels).map { sum($0) }
    result.mean = result.sum.map { $0 / Double(count) }
    result.variance = (0..<pixels).map { variance($0, count) }
    result.deviation = result.variance.map { $0.squareRoot() }
    return result
  }

  private func values<Element>(_ index: Int, _: Element.Type) -> UnsafeMutableBufferPointer<Element> {
    accumulators[index].bytes.assumingMemoryBound(to: Element.self)
  }

  private func sum(_ pixel: Int) -> Double {
    type.isInteger ? Double(values(0, Int64.self)[pixel]) : values(0, DoubleDouble.self)[pixel].rounded
  }

  /// (n·Σv² − (Σv)²) / n², in 128-bit integers or in pairs of doubles.
  private func variance(_ pixel: Int, _ count: UInt64) -> Double {
    let frames = Double(count)
    guard type.isInteger else {
      let sum = values(0, DoubleDouble.self)[pixel], square = values(1, DoubleDouble.self)[pixel]
      guard sum.high.isFinite, square.high.isFinite else { return .nan }
      return max(0, (square * DoubleDouble(frames)).minus(sum * sum) / frames / frames)
    }
    let sum = values(0, Int64.self)[pixel].magnitude
    let square = values(1, UInt64.self)[pixel]
    guard state.high == nil else {
      let whole = UInt128(square) + UInt128(values(2, UInt64.self)[pixel]) << 32
      return Double(UInt128(count) * whole - UInt128(sum) * UInt128(sum)) / frames / frames
    }
    let (many, tooMany) = count.multipliedReportingOverflow(by: square)
    // By Cauchy and Schwarz (Σv)² is not larger, and so it fits too.
    if !tooMany { return Double(many - sum * sum) / frames / frames }
    return Double(UInt128(count) * UInt128(square) - UInt128(sum) * UInt128(sum)) / frames / frames
  }
}

/// 32-bit sums of a few frames, before they go into the accumulators: half of the state to be read and written.
private struct NarrowSums {
  let sum: Fixed<UInt32>
  let square: Fixed<UInt32>
  let used: Fixed<UInt64>

  init(_ pixels: Int) {
    sum = Fixed(repeatElement(0, count: pixels))
    square = Fixed(repeatElement(0, count: pixels))
    used = Fixed(repeatElement(0, count: pixels / Int(CK_PIECE) + 1))
  }
}

extension DoubleDouble {
  /// The nearest double; infinities and NaN as a plain sum would have them.
  var rounded: Double { high.isFinite ? high + low : high }

  static func * (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
    let product = a.high * b.high
    let error = (-product).addingProduct(a.high, b.high)
    return DoubleDouble(product, error + (a.high * b.low + a.low * b.high))
  }

  func minus(_ other: DoubleDouble) -> Double { (high - other.high) + (low - other.low) }
}
