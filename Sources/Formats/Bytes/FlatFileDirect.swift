import CCodecs
import Dispatch
import Foundation

/// A file read around the page cache (O_DIRECT) in large pieces, each while the one before it is processed.
///
/// The kernel's own read-ahead leaves a fast disk idle most of the time, and pages that are never read again would push
/// others out. What is in the page cache nevertheless comes from there, and so does what cannot be read in this way.
final class DirectFile: ByteSource {
  private let file: FileDescriptor
  private let direct: FileDescriptor
  private let cached: BufferedFile
  private let queue = DispatchQueue(label: "read ahead")
  private var front = Piece()
  /// Being read; the other buffer.
  private var back: Piece?
  private var spare = Piece()
  /// What will be asked for, in ascending order.
  private var expected: [Range<Int>] = []
  /// The longest stretch that will be asked for.
  private var window = 0

  private let pieceBytes: Int

  /// So large that a disk is busy with one read.
  static let usualPiece = 4 << 20

  /// More than half of the memory: the page cache has to share it with the programs.
  static func isFor(size: Int) -> Bool { UInt64(size) > ProcessInfo.processInfo.physicalMemory / 2 }

  /// Two pieces, each with space for bytes carried over from the other.
  static func bytes(window: Int) -> Int { 2 * (window + max(usualPiece, window)) }

  init(_ file: FileDescriptor, direct: FileDescriptor, pieceBytes: Int = usualPiece) {
    self.file = file
    self.direct = direct
    self.pieceBytes = pieceBytes
    cached = BufferedFile(file)
  }

  deinit { back?.wait() }

  func expect(_ ranges: [Range<Int>], window: Int) {
    self.window = max(window, self.window)
    expected = ranges.reduce(into: []) { merged, range in
      if let last = merged.last, range.lowerBound - last.upperBound < window {
        merged[merged.count - 1] = last.lowerBound..<range.upperBound
      } else {
        merged.append(range)
      }
    }
  }

  func copy(_ range: Range<Int>, to target: UnsafeMutableRawPointer) throws(ReadFailure) {
    try cached.copy(range, to: target)
  }

  func bytes(_ range: Range<Int>) throws(ReadFailure) -> UnsafeRawPointer {
    window = max(window, range.count)
    if let found = front.pointer(to: range) ?? takeNext(range) { return found }
    if ronchi_is_cached(file.number, Int64(range.lowerBound)) == 0 {
      front.begin(piece(from: range.lowerBound, atLeast: range.upperBound), room: window, direct.number, on: queue)
      front.wait()
      readAhead()
      if let found = front.pointer(to: range) { return found }
    }
    // Says what is wrong, where something is.
    return try cached.bytes(range)
  }

  /// From the piece that was read ahead.
  private func takeNext(_ range: Range<Int>) -> UnsafeRawPointer? {
    guard let next = back else { return nil }
    next.wait()
    back = nil
    guard next.follows(front, to: range) else {
      spare = next
      return nil
    }
    next.prepend(front, from: range.lowerBound)
    (spare, front) = (front, next)
    readAhead()
    return front.pointer(to: range)
  }

  private func readAhead() {
    let end = front.range.upperBound
    guard back == nil, let rest = expected.first(where: { $0.upperBound > end && !front.range.isEmpty }) else { return }
    let start = max(end, rest.lowerBound)
    guard ronchi_is_cached(file.number, Int64(start)) == 0 else { return }
    spare.begin(piece(from: start, atLeast: start + 1), room: window, direct.number, on: queue)
    back = spare
  }

  /// Within what is expected.
  private func piece(from start: Int, atLeast end: Int) -> Range<Int> {
    let wanted = expected.first { $0.contains(start) }?.upperBound ?? end
    return start..<max(end, min(wanted, start + max(pieceBytes, window)))
  }
}

/// A stretch of a file in memory, with space in front for bytes of the stretch before that a reader still needs.
private final class Piece: @unchecked Sendable {
  /// In whole sectors; empty where nothing could be read.
  private(set) var range = 0..<0
  private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: sector)
  private var room = 0
  /// The filled part of `room`.
  private var prepended = 0
  private let done = DispatchSemaphore(value: 0)

  /// O_DIRECT requires offsets, lengths, and memory in whole sectors.
  private static let sector = 4096

  deinit { buffer.deallocate() }

  private func whole(_ bytes: Int) -> Int { (bytes + Self.sector - 1) / Self.sector * Self.sector }

  func begin(_ wanted: Range<Int>, room: Int, _ descriptor: Int32, on queue: DispatchQueue) {
    let start = wanted.lowerBound / Self.sector * Self.sector
    let count = whole(wanted.upperBound - start)
    if buffer.count < whole(room) + count {
      buffer.deallocate()
      buffer = .allocate(byteCount: whole(room) + count, alignment: Self.sector)
    }
    (range, self.room, prepended) = (0..<0, whole(room), 0)
    queue.async { [self] in
      read(start, count, descriptor)
      done.signal()
    }
  }

  func wait() { done.wait() }

  private func read(_ start: Int, _ count: Int, _ descriptor: Int32) {
    var filled = 0
    while filled < count {
      let got = pread(descriptor, buffer.baseAddress! + room + filled, count - filled, off_t(start + filled))
      if got < 0 && errno == EINTR { continue }
      if got > 0 { filled += got }
      // The end of the file, or a file system that does without whole sectors.
      if got <= 0 || filled % Self.sector != 0 { break }
    }
    range = start..<start + filled
  }

  func pointer(to wanted: Range<Int>) -> UnsafeRawPointer? {
    guard wanted.lowerBound >= range.lowerBound - prepended, wanted.upperBound <= range.upperBound else { return nil }
    return UnsafeRawPointer(buffer.baseAddress! + room + wanted.lowerBound - range.lowerBound)
  }

  /// Whether this one, with the end of the one before, has a stretch.
  func follows(_ before: Piece, to wanted: Range<Int>) -> Bool {
    if wanted.upperBound > range.upperBound { return false }
    if range.contains(wanted.lowerBound) { return true }
    return before.range.upperBound == range.lowerBound && before.range.contains(wanted.lowerBound)
      && range.lowerBound - wanted.lowerBound <= room
  }

  /// Puts the bytes of the piece before, from an offset on, in front of its own.
  func prepend(_ before: Piece, from offset: Int) {
    prepended = max(0, range.lowerBound - offset)
    guard prepended > 0, let bytes = before.pointer(to: offset..<range.lowerBound) else { return prepended = 0 }
    (buffer.baseAddress! + room - prepended).copyMemory(from: bytes, byteCount: prepended)
  }
}
