import CCodecs
import Foundation

/// A file read with `pread` into a buffer that stays in the cache.
///
/// What is in the page cache comes from there. For the rest, where a file is larger than the page cache can be, reads go
/// around it: the kernel's read-ahead leaves a fast disk idle most of the time, and pages that are never read again
/// would push others out.
final class BufferedFile: ByteSource {
  private let file: FileDescriptor
  /// Opened with O_DIRECT; nil: everything by way of the page cache.
  private let direct: FileDescriptor?
  private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 4096)
  private var held = 0..<0
  /// What will be asked for soon.
  private var expected = 0..<0

  /// O_DIRECT wants places, lengths and memory in whole sectors.
  private static let sector = 4096
  /// A disk is busy with reads of this size.
  static let largestDirectRead = 8 << 20

  init(_ file: FileDescriptor, direct: FileDescriptor? = nil) {
    self.file = file
    self.direct = direct
    // The kernel's own read-ahead, doubled. Asking for stretches ahead (WILLNEED) was measured to be slower: half the
    // rate from disk, 15 % less from the page cache.
    posix_fadvise(file.number, 0, 0, POSIX_FADV_SEQUENTIAL)
  }

  deinit { buffer.deallocate() }

  func expect(_ range: Range<Int>) { expected = range }

  func bytes(_ range: Range<Int>) throws(ReadFailure) -> UnsafeRawPointer {
    // Keeps what is aligned in the file aligned in memory.
    let start = range.lowerBound / 64 * 64
    if !(held.contains(start) && held.upperBound >= range.upperBound) {
      try fill(start..<range.upperBound)
    }
    return UnsafeRawPointer(buffer.baseAddress! + (range.lowerBound - held.lowerBound))
  }

  private func fill(_ range: Range<Int>) throws(ReadFailure) {
    held = 0..<0
    if let direct, ronchi_is_cached(file.number, Int64(range.lowerBound)) == 0 {
      try fill(range, from: direct)
    } else {
      grow(to: range.count)
      try copy(range, to: buffer.baseAddress!)
      held = range
    }
  }

  private func grow(to count: Int) {
    guard buffer.count < count else { return }
    buffer.deallocate()
    buffer = .allocate(byteCount: (count + Self.sector - 1) / Self.sector * Self.sector, alignment: Self.sector)
  }

  /// In whole sectors, and as far as is expected to be wanted.
  private func fill(_ range: Range<Int>, from direct: FileDescriptor) throws(ReadFailure) {
    let start = range.lowerBound / Self.sector * Self.sector
    let wanted = expected.contains(range.lowerBound) ? min(expected.upperBound, start + Self.largestDirectRead) : 0
    let end = (max(range.upperBound, wanted) + Self.sector - 1) / Self.sector * Self.sector
    grow(to: end - start)
    var filled = 0
    while start + filled < range.upperBound {
      let got = pread(direct.number, buffer.baseAddress! + filled, end - start - filled, off_t(start + filled))
      if got < 0 && errno == EINTR { continue }
      // The page cache tells what is wrong, or does without whole sectors.
      guard got > 0, got % Self.sector == 0 || start + filled + got >= range.upperBound else {
        grow(to: range.count)
        try copy(range, to: buffer.baseAddress!)
        held = range
        return
      }
      filled += got
    }
    held = start..<start + filled
  }

  func copy(_ range: Range<Int>, to target: UnsafeMutableRawPointer) throws(ReadFailure) {
    var filled = 0
    while filled < range.count {
      let offset = range.lowerBound + filled
      let got = pread(file.number, target + filled, range.count - filled, off_t(offset))
      if got < 0 && errno == EINTR { continue }
      if got < 0 { throw ReadFailure(offset: offset, reason: "reading failed: \(errorText(errno))") }
      if got == 0 { throw file.shrunken() ?? ReadFailure(offset: offset, reason: "the file ends here") }
      filled += got
    }
  }
}
