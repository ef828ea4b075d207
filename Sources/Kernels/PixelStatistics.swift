internal import CKernels
import STEM

/// Sum, mean, smallest and largest value and standard deviation of every pixel over frames, or only sum, mean and
/// largest value, which takes a third of the time.
///
/// Sums of integers and of their squares are exact; those of floating pixels are taken around the pixel's first value
/// (`ShiftedSums`), so that the deviation of large values that hardly differ is right too.
public final class PixelStatistics {
  /// In the order of their definition; all are combined elementwise.
  public let accumulators: [any Accumulator]
  private let type: PixelType
  private let pixels: Int
  private let shifted: ShiftedSums?
  private let frames: UnsafeMutablePointer<UInt64>
  private let state: ck_statistics
  private let narrow: NarrowSums?
  private let batch: FrameBatch

  public enum Extent: Sendable { case all, sumsAndLargest }

  public init(pixels: Int, type: PixelType, _ extent: Extent = .all) {
    self.type = type
    self.pixels = pixels
    let extremes = Self.extremes(type.number, pixels, extent)
    narrow = type.size < 4 ? NarrowSums(pixels, type, extent) : nil
    var state = ck_statistics()
    if type.isInteger {
      let sums = Self.integerSums(type, pixels, extent), count = PixelSum<UInt64>(1)
      let places = sums.map(\.bytes.baseAddress) + [nil, nil]
      (state.sum, state.square, state.high) = (places[0], places[1], places[2])
      shifted = nil
      frames = count.values.baseAddress!
      accumulators = sums + [count] + extremes
    } else {
      let sums = ShiftedSums(pixels, type, squares: extent == .all)
      (state.sum, state.square, state.pivot) = (sums.sum, sums.square, sums.pivot)
      shifted = sums
      frames = sums.frames
      accumulators = [sums] + extremes
    }
    if extent == .all { state.smallest = extremes[0].bytes.baseAddress }
    state.largest = extremes.last?.bytes.baseAddress
    state.narrow_sum = UnsafeMutableRawPointer(narrow?.sum.pointer)
    state.narrow_square = UnsafeMutableRawPointer(narrow?.square?.pointer)
    state.used = UnsafeMutableRawPointer(narrow?.used.pointer)
    self.state = state
    batch = FrameBatch(frameBytes: pixels * type.size, counts: [4], budget: 2 << 20)
  }

  /// Of the values and, where all is wanted, of their squares, which 32-bit pixels have in two parts.
  private static func integerSums(_ type: PixelType, _ pixels: Int, _ extent: Extent) -> [any Accumulator] {
    let squares = extent == .sumsAndLargest ? 0 : type.size < 4 ? 1 : 2
    return [PixelSum<Int64>(pixels)] + (0..<squares).map { _ in PixelSum<UInt64>(pixels) }
  }

  /// The largest values last.
  private static func extremes<Pixel: FramePixel>(
    _: Pixel.Type, _ pixels: Int, _ extent: Extent
  ) -> [any Accumulator] {
    let integer = Pixel.pixelType.largest
    let smallest: Double
    switch Pixel.pixelType {
    case .u8, .u16, .u32: smallest = 0
    default: smallest = integer.map { -$0 - 1 } ?? -.infinity
    }
    let largest = PixelMax<Pixel>(pixels, neutral: Pixel(truncating: smallest))
    guard extent == .all else { return [largest] }
    return [PixelMin<Pixel>(pixels, neutral: Pixel(truncating: integer ?? .infinity)), largest]
  }

  public func add(_ frame: Frame) {
    batch.add(frame.pixels(type, pixels), row: 0) { accumulate($0, $1.count, pixels) }
  }

  /// Four frames at a time where they lie; only what is left is copied.
  ///
  /// - Parameters:
  ///   - summaries: what is to be known of each frame as well: where that is of all its pixels, each piece of a frame is
  ///     summed on its way into the statistics
  ///   - output: the index of a frame in the group, and its summary
  public func add(
    _ group: FrameGroup, _ summaries: FrameSummaries? = nil, _ output: (Int, FrameSummary) -> Void = { _, _ in }
  ) {
    let (first, end) = (group.positions.lowerBound, group.positions.upperBound)
    var next = first
    func summarize(until last: Int) {
      guard let summaries else { return }
      for position in next..<last { output(position - first, summaries.summarize(group[position])) }
    }
    func addAlone(until last: Int) {
      summarize(until: last)
      for position in next..<last { add(group[position]) }
      next = last
    }
    if batch.count > 0 { addAlone(until: min(end, next + batch.frames - batch.count)) }
    let whole = (end - next) / 4 * 4
    if let summaries, summaries.isOfWholeFrames {
      accumulate(group[next].pixels(type, pixels), whole, group.strideBytes / type.size, summaries) {
        output(next - first + $0, $1)
      }
    } else {
      summarize(until: next + whole)
      accumulate(group[next].pixels(type, pixels), whole, group.strideBytes / type.size)
    }
    next += whole
    addAlone(until: end)
  }

  /// Of sums that are not yet in the accumulators, and of frames that wait.
  public var workBytes: Int {
    (narrow.map { $0.bytes } ?? 0) + batch.bytes
  }

  /// Frames added so far, those that wait not counted.
  public var count: UInt64 { frames.pointee }

  /// Must be called before the accumulators are read.
  public func flush() {
    batch.flush { accumulate($0, $1.count, pixels) }
    withUnsafePointer(to: state) { ck_settle(type.c, Int64(pixels), $0) }
  }

  /// - Parameters:
  ///   - stride: distance of two frames in pixels
  ///   - summaries: of whole frames; `output` is then given the index of a frame and its summary
  private func accumulate(
    _ frames: UnsafeRawPointer, _ count: Int, _ stride: Int, _ summaries: FrameSummaries? = nil,
    _ output: (Int, FrameSummary) -> Void = { _, _ in }
  ) {
    if self.frames.pointee == 0, count > 0 { shifted?.takePivots(frames) }
    withUnsafeTemporaryAllocation(of: ck_summary.self, capacity: summaries == nil ? 0 : count) { found in
      withUnsafePointer(to: state) {
        ck_accumulate(
          type.c, frames, Int64(stride), Int64(count), Int64(pixels), $0, summaries?.saturation ?? .infinity,
          summaries == nil ? nil : found.baseAddress)
      }
      for (index, summary) in found.enumerated() { output(index, FrameSummary(summary, type)) }
    }
    self.frames.pointee += UInt64(count)
  }

  public struct Patterns: Sendable {
    public var sum: [Double]
    public var mean: [Double]
    public var largest: [Double]
    /// This and the following: empty where only sums and largest values were wanted.
    public var smallest: [Double] = []
    /// Divided by the number of frames (ddof 0).
    public var deviation: [Double] = []
    /// Square of `deviation`.
    public var variance: [Double] = []
  }

  /// NaN where no frame was added.
  public func patterns() -> Patterns {
    let count = frames.pointee
    func extremes(_ accumulator: any Accumulator) -> [Double] {
      type.number.doubles(UnsafeRawPointer(accumulator.bytes.baseAddress!), count: pixels)
    }
    guard count > 0 else {
      let nothing = Array(repeating: Double.nan, count: pixels), further = state.square == nil ? [] : nothing
      return Patterns(
        sum: nothing, mean: nothing, largest: nothing, smallest: further, deviation: further, variance: further)
    }
    let sum = sums()
    var result = Patterns(
      sum: sum, mean: sum.map { $0 / Double(count) }, largest: extremes(accumulators[accumulators.count - 1]))
    guard state.square != nil else { return result }
    result.smallest = extremes(accumulators[accumulators.count - 2])
    result.variance = variances(count)
    result.deviation = result.variance.map { $0.squareRoot() }
    return result
  }

  private func values<Element>(_ index: Int, _: Element.Type) -> UnsafeMutableBufferPointer<Element> {
    accumulators[index].bytes.assumingMemoryBound(to: Element.self)
  }

  private func sums() -> [Double] { shifted?.sums() ?? values(0, Int64.self).map(Double.init) }

  /// (n·Σv² − (Σv)²) / n², in 128-bit integers.
  private func variances(_ count: UInt64) -> [Double] {
    if let shifted { return shifted.variances() }
    let frames = Double(count)
    let sums = values(0, Int64.self), squares = values(1, UInt64.self)
    let high = state.high == nil ? nil : values(2, UInt64.self)
    return (0..<pixels).map { pixel in
      let sum = sums[pixel].magnitude, square = squares[pixel]
      // By Cauchy and Schwarz (Σv)² is not larger than n·Σv², and so it fits where that does.
      let (many, isLarge) = count.multipliedReportingOverflow(by: square)
      if !isLarge, high == nil { return Double(many - sum * sum) / frames / frames }
      let whole = UInt128(square) + UInt128(high?[pixel] ?? 0) << 32
      return Double(UInt128(count) * whole - UInt128(sum) * UInt128(sum)) / frames / frames
    }
  }
}

/// 32-bit sums of a few frames, before they go into the accumulators: half of the state to be read and written.
private struct NarrowSums {
  let sum: Fixed<UInt32>
  let square: Fixed<UInt32>?
  let used: Fixed<UInt64>

  init(_ pixels: Int, _ type: PixelType, _ extent: PixelStatistics.Extent) {
    sum = Fixed(repeatElement(0, count: pixels))
    square = extent == .all ? Fixed(repeatElement(0, count: pixels)) : nil
    used = Fixed(repeatElement(0, count: pixels * type.size / Int(CK_PIECE) + 1))
  }

  var bytes: Int { (square == nil ? 4 : 8) * sum.values.count }
}
