import Digest
import Engine
import Foundation
import STEM

/// What the system says of a file.
struct FileStatus: Equatable {
  var device: Int
  var number: Int
  /// Bytes.
  var size: Int
  /// Of the content and of anything about the file; nanoseconds since 1970.
  var modified: Int
  var changed: Int

  init(_ status: stat) {
    func nanoseconds(_ time: timespec) -> Int { time.tv_sec * 1_000_000_000 + time.tv_nsec }
    (device, number, size) = (Int(status.st_dev), Int(status.st_ino), Int(status.st_size))
    (modified, changed) = (nanoseconds(status.st_mtim), nanoseconds(status.st_ctim))
  }

  /// nil where there is no such file.
  init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }
}

/// Reads parts of a file that follow from its size alone.
final class FileSampler {
  let path: String
  let status: FileStatus
  private let descriptor: Int32
  /// Small: memory that is used again needs no new pages.
  private let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 4096)
  private static let sampleBytes = 16 << 10
  private static let endBytes = 1 << 20

  /// Throws `Problem` (`.inputOutput`).
  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
      piece.deallocate()
      if descriptor >= 0 { close(descriptor) }
      throw Self.unreadable(path)
    }
    self.status = FileStatus(status)
  }

  deinit {
    close(descriptor)
    piece.deallocate()
  }

  /// How many samples are taken of each of so many files: 64, less where files are very many.
  static func samples(files: Int) -> Int { min(64, max(4, 1024 / max(1, files))) }

  /// Where the samples lie: evenly from the first byte to the last, without gaps in files of up to 64 KiB a sample.
  static func places(_ count: Int, size: Int) -> [Range<Int>] {
    let length = size <= count << 16 ? (size + count - 1) / count : sampleBytes
    return (0..<count).map { index in
      let start = Int((Double(index) / Double(count - 1) * Double(size - length)).rounded(.down))
      return start..<start + length
    }
  }

  /// The checksums of `count` samples, 16 hexadecimal digits each; their bytes also go to `digest`.
  func samples(_ count: Int, into digest: SHA256) throws -> String {
    try Self.places(count, size: status.size).map { range in
      var sum = Checksum()
      try read(range) { bytes in
        sum.add(bytes)
        digest.update(bytes)
      }
      let digits = String(sum.value, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  /// SHA-256 over the first and the last MiB, over everything where the file is smaller than both.
  func ends() throws -> String {
    let (size, part, digest) = (status.size, Self.endBytes, SHA256())
    try read(0..<min(size, part)) { digest.update($0) }
    if size > part { try read(max(part, size - part)..<size) { digest.update($0) } }
    return digest.finalize()
  }

  private func read(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Void) throws {
    var next = range.lowerBound
    while next < range.upperBound {
      let count = pread(descriptor, piece.baseAddress, min(piece.count, range.upperBound - next), off_t(next))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw Self.unreadable(path) }
      if count == 0 { break }
      body(UnsafeRawBufferPointer(rebasing: piece[..<count]))
      next += count
    }
  }

  private static func unreadable(_ path: String) -> Problem {
    Problem(.inputOutput, at: path, "cannot be read to tell its state: \(String(cString: strerror(errno)))")
  }
}
