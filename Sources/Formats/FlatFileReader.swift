import STEM

/// Frames of a flat file, window by window: pointers straight into the window where pixels are stored in the native
/// form, otherwise one frame at a time in a buffer that stays in the cache.
final class FlatFileReader: FrameReader {
  private let source: FlatFileSource
  private let bytes: any ByteSource
  private let windowFrames: Int
  private let scratch: UnsafeMutableRawBufferPointer

  /// Small enough that a window is still in the core's cache when its frames are processed.
  static let windowBytes = 512 << 10

  init(_ source: FlatFileSource, bytes: any ByteSource) {
    self.source = source
    self.bytes = bytes
    windowFrames = max(1, Self.windowBytes / source.layout.stride)
    scratch = .allocate(byteCount: source.description.frameBytes, alignment: 64)
  }

  deinit { scratch.deallocate() }

  func forEachFrame(in positions: Range<Int>, _ body: (Int, UnsafeRawPointer) throws -> Void) throws {
    let layout = source.layout
    try source.description.check(positions)
    if !positions.isEmpty { bytes.expect(layout.bytes(of: positions)) }
    var next = positions.lowerBound
    while next < positions.upperBound {
      let window = next..<min(next + windowFrames, positions.upperBound)
      let records = try stretch(of: window)
      for position in window {
        let record = records + (position - window.lowerBound) * layout.stride
        if let wrong = source.check?(record) {
          throw Problem(.badData, at: source.description.path, "frame \(position) (counted from 0): \(wrong)")
        }
        try body(position, pixels(record + layout.lead))
      }
      next = window.upperBound
    }
  }

  private func stretch(of window: Range<Int>) throws -> UnsafeRawPointer {
    let layout = source.layout
    do {
      return try bytes.bytes(layout.bytes(of: window))
    } catch {
      throw source.description.unreadable(error, frame: layout.frame(at: error.offset))
    }
  }

  private func pixels(_ stored: UnsafeRawPointer) -> UnsafeRawPointer {
    let size = source.description.pixelType.size
    let target = scratch.baseAddress!
    switch source.coding {
    case .native:
      // An odd header length can leave pixels unaligned for their type.
      if Int(bitPattern: stored) & (size - 1) == 0 { return stored }
      target.copyMemory(from: stored, byteCount: source.layout.stored)
    case .swapped: swapBytes(stored, target, pixels: source.description.detectorShape.count, size: size)
    case .decoded(let decode): decode(stored, target)
    }
    return UnsafeRawPointer(target)
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

/// Copies pixels of `size` bytes (2, 4 or 8) and reverses the bytes of each; `source` may be unaligned, or `target` itself.
func swapBytes(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, pixels: Int, size: Int) {
  switch size {
  case 2: swap(source, target, pixels, UInt16.self)
  case 4: swap(source, target, pixels, UInt32.self)
  case 8: swap(source, target, pixels, UInt64.self)
  default: target.copyMemory(from: source, byteCount: pixels * size)
  }
}

@inline(__always)
private func swap<Word: FixedWidthInteger & BitwiseCopyable>(
  _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int, _ type: Word.Type
) {
  let words = target.assumingMemoryBound(to: Word.self)
  for i in 0..<count {
    words[i] = source.loadUnaligned(fromByteOffset: i &* MemoryLayout<Word>.size, as: Word.self).byteSwapped
  }
}
