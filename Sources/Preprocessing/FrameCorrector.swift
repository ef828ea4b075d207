internal import CKernels
import Kernels
import STEM

/// Corrects frames on one rank: the tables as the loops in C read them, and working memory.
///
/// Where no pixel is a sum, values go directly to the output. Where they are, they are summed in the order of the file,
/// and the sums are turned, which are fewer.
final class FrameCorrector {
  private let correction: FrameCorrection
  /// The corrected frame in a raw one, and in the sums.
  private let direct: ck_view
  private let ofSums: ck_view
  private let dark: CorrectionTable?
  private let factor: CorrectionTable?
  private let sources: UnsafeMutableBufferPointer<ck_source>
  private let repairs: UnsafeMutableBufferPointer<ck_repair>
  private let strips: [Strip]
  private let bins: ck_bins
  private let strip: UnsafeMutableRawBufferPointer
  private let sums: UnsafeMutableRawBufferPointer
  private let output: UnsafeMutableRawBufferPointer

  /// Whole rows of bins. Their corrected values stay in the first-level cache until they are summed.
  private struct Strip {
    var view: ck_view
    var bins: ck_bins
    /// Its first pixel in the tables, and its first sum.
    var first: Int
    var firstSum: Int
    var repairs: Range<Int>
  }

  static let stripBytes = 16 << 10

  init(_ correction: FrameCorrection) {
    // Its loops know no other byte order: `FrameSource.asStored` is for analyses.
    precondition(correction.inputType != .u16Swapped)
    self.correction = correction
    let geometry = correction.geometry
    direct = ck_view(geometry.window, geometry.orientation, of: geometry.raw)
    ofSums = ck_view(Window(geometry.shape), geometry.orientation, of: geometry.rawSums)
    bins = ck_bins(geometry, rows: geometry.rawWindow.rows.count, stride: geometry.raw.x)
    let order = correction.sums ? geometry.rawPixels : geometry.seenPixels
    let tables = [correction.values.dark, correction.values.factor].map { values in
      values.map { values in CorrectionTable(order.map { values[$0] }, correction.workType) }
    }
    (dark, factor) = (tables[0], tables[1])
    let (plan, tallest) = Self.plan(correction)
    strips = plan
    (repairs, sources) = Self.repairs(correction, plan, order)
    let rowBytes = geometry.rawWindow.columns.count * correction.valueType.size
    strip = .allocate(byteCount: correction.sums ? tallest * rowBytes : 0, alignment: 64)
    sums = .allocate(byteCount: correction.sums ? correction.sumBytes : 0, alignment: 64)
    output = .allocate(byteCount: geometry.shape.count * correction.outputType.size, alignment: 64)
  }

  deinit {
    sources.deallocate()
    repairs.deallocate()
    strip.deallocate()
    sums.deallocate()
    output.deallocate()
  }

  // MARK: frames

  /// The corrected frame, in memory that the next one overwrites.
  func correct(_ frame: Frame) -> Frame {
    if correction.sums {
      sums.initializeMemory(as: UInt8.self, repeating: 0)
      add(frame, to: sums.baseAddress!)
      return finish(sums.baseAddress!)
    }
    let pixels = frame.pixels(correction.inputType, correction.geometry.raw.count)
    withUnsafePointer(to: direct) { view in
      if correction.changesValues {
        ck_correct(
          correction.inputType.c, pixels, view, dark?.pointer, factor?.pointer, correction.markedFrom,
          output.baseAddress!)
        ck_repair_pixels(
          correction.inputType.c, pixels, repairs.baseAddress, Int64(repairs.count), sources.baseAddress,
          correction.markedFrom, output.baseAddress!)
      } else {
        ck_copy_view(Int64(correction.inputType.size), pixels, view, output.baseAddress!)
      }
    }
    return corrected
  }

  /// Adds a frame to `correction.sumBytes` of sums, which are zeros before the first one.
  func add(_ frame: Frame, to sums: UnsafeMutableRawPointer) {
    let type = correction.inputType, sumType = correction.sumType
    let pixels = frame.pixels(type, correction.geometry.raw.count)
    guard correction.isFloating else {
      let window = correction.geometry.rawWindow
      let first = window.rows.lowerBound * correction.geometry.raw.x + window.columns.lowerBound
      return withUnsafePointer(to: bins) { ck_add_bins(type.c, pixels + first * type.size, $0, sumType.c, sums) }
    }
    for part in strips {
      withUnsafePointer(to: part.view) {
        ck_correct(
          type.c, pixels, $0, dark?.pointer(part.first), factor?.pointer(part.first), correction.markedFrom,
          strip.baseAddress!)
      }
      if !part.repairs.isEmpty {
        ck_repair_pixels(
          type.c, pixels, repairs.baseAddress! + part.repairs.lowerBound, Int64(part.repairs.count),
          sources.baseAddress, correction.markedFrom, strip.baseAddress!)
      }
      withUnsafePointer(to: part.bins) {
        ck_add_bins(
          correction.valueType.c, strip.baseAddress!, $0, sumType.c, sums + part.firstSum * sumType.size)
      }
    }
  }

  /// The corrected frame from its sums, in memory that the next one overwrites.
  func finish(_ sums: UnsafeRawPointer) -> Frame {
    withUnsafePointer(to: ofSums) { view in
      if correction.sumType == .f64, correction.outputType == .f32 {
        ck_narrow_view(
          sums.assumingMemoryBound(to: Double.self), view, output.baseAddress!.assumingMemoryBound(to: Float.self))
      } else {
        ck_copy_view(Int64(correction.sumType.size), sums, view, output.baseAddress!)
      }
    }
    return corrected
  }

  private var corrected: Frame {
    Frame(FrameLayout(correction.geometry.shape, correction.outputType), output.baseAddress!)
  }

  // MARK: tables

  private static func plan(_ correction: FrameCorrection) -> (strips: [Strip], tallest: Int) {
    guard correction.sums, correction.isFloating else { return ([], 0) }
    let geometry = correction.geometry, window = geometry.rawWindow, bin = geometry.rawBin
    let binRow = bin.y * window.columns.count * correction.valueType.size
    let rows = max(1, stripBytes / binRow) * bin.y
    var strips: [Strip] = []
    var next = 0
    for first in stride(from: 0, to: window.rows.count, by: rows) {
      let part = first..<min(window.rows.count, first + rows)
      let top = window.rows.lowerBound + first
      // Repairs are in raw order.
      let end = correction.repairs[next...].firstIndex { $0.pixel / geometry.raw.x >= top + part.count }
      let repairs = next..<(end ?? correction.repairs.count)
      next = repairs.upperBound
      strips.append(
        Strip(
          view: ck_view(
            Window(rows: top..<top + part.count, columns: window.columns), .identity, of: geometry.raw),
          bins: ck_bins(geometry, rows: part.count, stride: window.columns.count),
          first: first * window.columns.count, firstSum: first / bin.y * geometry.rawSums.x, repairs: repairs))
    }
    return (strips, min(rows, window.rows.count))
  }

  /// Targets are places in the corrected frame, or in the strip.
  private static func repairs(
    _ correction: FrameCorrection, _ strips: [Strip], _ order: [Int]
  ) -> (UnsafeMutableBufferPointer<ck_repair>, UnsafeMutableBufferPointer<ck_source>) {
    var places = [Int](repeating: 0, count: correction.geometry.raw.count)
    if !correction.repairs.isEmpty { for (place, pixel) in order.enumerated() { places[pixel] = place } }
    var sources: [ck_source] = []
    var repairs: [ck_repair] = []
    for repair in correction.repairs {
      repairs.append(
        ck_repair(target: Int64(places[repair.pixel]), first: Int64(sources.count), count: Int64(repair.sources.count)))
      sources += repair.sources.map {
        ck_source(
          dark: correction.values.dark?[$0] ?? 0, factor: correction.values.factor?[$0] ?? 1, pixel: Int64($0))
      }
    }
    for strip in strips { for repair in strip.repairs { repairs[repair].target -= Int64(strip.first) } }
    return (.copy(of: repairs), .copy(of: sources))
  }

  /// Bytes that a rank holds for it.
  static func bytes(_ correction: FrameCorrection) -> Int {
    let geometry = correction.geometry
    let tables = (correction.values.dark == nil ? 0 : 1) + (correction.values.factor == nil ? 0 : 1)
    return tables * geometry.window.shape.count * correction.workType.size + geometry.shape.count * 8
      + (correction.sums ? correction.sumBytes + stripBytes : 0)
      + correction.repairs.count * (24 + 8 * MemoryLayout<ck_source>.stride)
  }
}

/// Values in the type in which pixels are corrected, on a cache line's boundary.
private final class CorrectionTable {
  private let bytes: UnsafeMutableRawBufferPointer
  private let size: Int

  init(_ values: [Double], _ type: PixelType) {
    size = type.size
    bytes = .allocate(byteCount: values.count * size, alignment: 64)
    if type == .f64 {
      _ = bytes.initializeMemory(as: Double.self, from: values)
    } else {
      _ = bytes.initializeMemory(as: Float.self, from: values.map { Float($0) })
    }
  }

  deinit { bytes.deallocate() }

  var pointer: UnsafeRawPointer { UnsafeRawPointer(bytes.baseAddress!) }
  func pointer(_ first: Int) -> UnsafeRawPointer { pointer + first * size }
}

extension UnsafeMutableBufferPointer {
  fileprivate static func copy(of elements: [Element]) -> UnsafeMutableBufferPointer {
    let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
    _ = memory.initialize(from: elements)
    return memory
  }
}

extension ck_view {
  fileprivate init(_ window: Window, _ orientation: Orientation, of raw: Shape) {
    let first = orientation.source(window.rows.lowerBound, window.columns.lowerBound, in: raw)
    let (row, column) = orientation.isTransposed ? (1, raw.x) : (raw.x, 1)
    self.init(
      start: Int64(first.y * raw.x + first.x), down: Int64(orientation.reversesRows ? -row : row),
      right: Int64(orientation.reversesColumns ? -column : column), height: Int64(window.rows.count),
      width: Int64(window.columns.count))
  }
}

extension ck_bins {
  fileprivate init(_ geometry: FrameGeometry, rows: Int, stride: Int) {
    self.init(
      stride: Int64(stride), height: Int64(rows), width: Int64(geometry.rawWindow.columns.count),
      bin_height: Int64(geometry.rawBin.y), bin_width: Int64(geometry.rawBin.x))
  }
}
