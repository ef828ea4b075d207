import CCodecs
import STEM

/// How many frames are brought in together.
enum ReadWindow {
  /// Bytes copied or converted at a time: few enough to stay in the core's cache until they are processed.
  static let copied = 512 << 10
  /// Bytes handed out in place at a time: a block, so that kernels whose tables are larger than frames read the tables less often.
  static let mapped = 2 << 20

  static func bytes(of frameBytes: Int) -> Int { FrameGroup.frames(of: frameBytes, within: copied) * frameBytes }
}

/// Frames of a flat file, window by window: straight from the window where pixels are stored in the native form,
/// otherwise converted into a buffer that stays in the cache.
final class FlatFileReader: FrameReader {
  private let source: FlatFileSource
  private let bytes: any ByteSource
  /// Frames that cannot be used as they lie; memory is taken by the first.
  private var converted = ScratchBuffer()
  /// Whether records are copied into `converted` and their pixels swapped there: one buffer less goes through the cache.
  private let swapsInPlace: Bool

  init(_ source: FlatFileSource, bytes: any ByteSource) {
    self.source = source
    self.bytes = bytes
    swapsInPlace =
      source.coding.isSwapped && bytes.copiesCheaply && source.layout.stride % source.description.pixelType.size == 0
  }

  var isMapped: Bool { bytes is MappedFile || bytes is CachedFile && !swapsInPlace }

  private var windowFrames: Int {
    var limit = ReadWindow.copied
    if case .native = source.coding { limit = bytes.usualStretch }
    return FrameGroup.frames(of: source.windowFrameBytes, within: limit)
  }

  func expect(_ runs: [Range<Int>]) {
    let layout = source.layout
    bytes.expect(runs.map { layout.bytes(of: $0) }, window: windowFrames * layout.stride)
  }

  func forEachGroup(in positions: Range<Int>, _ body: (FrameGroup) throws -> Void) throws {
    try source.description.check(positions)
    var next = positions.lowerBound
    while next < positions.upperBound {
      let window = next..<min(next + windowFrames, positions.upperBound)
      try handOut(window, try stretch(of: window), body)
      next = window.upperBound
    }
  }

  private func handOut(_ window: Range<Int>, _ records: UnsafeRawPointer, _ body: (FrameGroup) throws -> Void) throws {
    let layout = source.layout
    if let (position, wrong) = firstWrong(window, records) {
      if position > window.lowerBound { try handOut(window.lowerBound..<position, records, body) }
      throw Problem(.badData, at: source.description.path, "frame \(position) (counted from 0): \(wrong)")
    }
    let first = records + layout.lead
    guard isUsable(first) else { return try body(convert(window, first)) }
    try body(FrameGroup(source.description.frameLayout, window, first: first, strideBytes: layout.stride))
  }

  private func firstWrong(_ window: Range<Int>, _ records: UnsafeRawPointer) -> (position: Int, String)? {
    guard let check = source.check else { return nil }
    for position in window {
      let record = records + (position - window.lowerBound) * source.layout.stride
      if let wrong = check(record) { return (position, wrong) }
    }
    return nil
  }

  /// Whether pixels are stored in the native form, and aligned for their type; headers can have odd lengths.
  private func isUsable(_ first: UnsafeRawPointer) -> Bool {
    guard case .native = source.coding else { return false }
    return (Int(bitPattern: first) | source.layout.stride) & (source.description.pixelType.size - 1) == 0
  }

  private func convert(_ window: Range<Int>, _ first: UnsafeRawPointer) -> FrameGroup {
    let about = source.description
    if !swapsInPlace { converted.grow(to: window.count * about.frameBytes) }
    // In place: `first` points into `converted`.
    let start = swapsInPlace ? UnsafeMutableRawPointer(mutating: first) : converted.start
    let strideBytes = swapsInPlace ? source.layout.stride : about.frameBytes
    for index in 0..<window.count {
      let (stored, target) = (first + index * source.layout.stride, start + index * strideBytes)
      switch source.coding {
      case .native: target.copyMemory(from: stored, byteCount: source.layout.stored)
      case .swapped: swapBytes(stored, target, pixels: about.detectorShape.count, size: about.pixelType.size)
      case .decoded(let decode): decode(stored, target)
      }
    }
    return FrameGroup(about.frameLayout, window, first: start, strideBytes: strideBytes)
  }

  private func stretch(of window: Range<Int>) throws -> UnsafeRawPointer {
    let layout = source.layout
    let range = layout.bytes(of: window)
    do {
      guard swapsInPlace else { return try bytes.bytes(range) }
      let size = source.description.pixelType.size
      converted.grow(to: range.count + size)
      // Aligns the pixels, not the header, for their type.
      let start = converted.start + (size - layout.lead % size) % size
      try bytes.copy(range, to: start)
      return UnsafeRawPointer(start)
    } catch {
      throw source.description.unreadable(error, frame: layout.frame(at: error.offset))
    }
  }
}

extension SourceDescription {
  /// Throws `Problem` for positions that do not exist.
  func check(_ positions: Range<Int>) throws {
    guard positions.lowerBound >= 0, positions.upperBound <= frameCount else {
      throw Problem(.internalError, at: path, "frames \(positions) asked for, \(frameCount) exist")
    }
  }

  func unreadable(_ failure: ReadFailure, frame: Int) -> Problem {
    Problem(
      .inputOutput, at: path,
      "frame \(frame) (counted from 0) cannot be read at byte \(failure.offset): \(failure.reason)")
  }
}

/// Copies pixels of `size` bytes and reverses the bytes of each; `source` may be unaligned, or `target` itself.
func swapBytes(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, pixels: Int, size: Int) {
  ronchi_swap_bytes(
    source.assumingMemoryBound(to: UInt8.self), target.assumingMemoryBound(to: UInt8.self), pixels, Int32(size))
}
