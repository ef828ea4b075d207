import CCodecs
import Foundation
import STEM

/// A place in a file that could not be read.
struct ReadFailure: Error {
  /// Offset of the first byte that is missing.
  var offset: Int
  var reason: String
}

/// Hands out stretches of a file. One per rank; a pointer is valid until the next call.
protocol ByteSource: AnyObject {
  /// The bytes of a range, which is within the size of the file when it was opened.
  func bytes(_ range: Range<Int>) throws(ReadFailure) -> UnsafeRawPointer
  /// Copies the bytes of a range.
  func copy(_ range: Range<Int>, to target: UnsafeMutableRawPointer) throws(ReadFailure)
  /// Whether `copy` is no slower than `bytes`: what is converted is then best copied and converted in place.
  var copiesCheaply: Bool { get }
  /// How much is best asked for at a time, for now.
  var usualStretch: Int { get }
  /// Ranges that will be asked for next, in ascending order, in stretches of at most `window` bytes.
  func expect(_ ranges: [Range<Int>], window: Int)
}

extension ByteSource {
  var copiesCheaply: Bool { false }
  var usualStretch: Int { ReadWindow.copied }
  func expect(_ ranges: [Range<Int>], window: Int) {}

  /// As `bytes`, but throws a `Problem` that says what of which file cannot be read.
  func bytes(_ range: Range<Int>, what: String, path: String) throws(Problem) -> UnsafeRawPointer {
    do {
      return try bytes(range)
    } catch {
      throw Problem(.inputOutput, at: path, "\(what) cannot be read at byte \(error.offset): \(error.reason)")
    }
  }
}

/// Opens a file of which at least `size` bytes are needed. Throws `Problem`.
func openBytes(_ path: String, size: Int) throws -> any ByteSource {
  let file = try FileDescriptor(path, size: size)
  switch try ReadMode.chosen() {
  case .mmap: return try MappedFile(file)
  case .pread: return BufferedFile(file)
  case .direct: return makeDirect(file)
  case nil:
    if DirectFile.isFor(size: file.size) { return makeDirect(file) }
    if let cached = CachedFile(file) { return cached }
    return BufferedFile(file)
  }
}

/// Around the page cache where the file system can.
private func makeDirect(_ file: FileDescriptor) -> any ByteSource {
  FileDescriptor.direct(file.path, size: file.size).map { DirectFile(file, direct: $0) } ?? BufferedFile(file)
}

/// An open file; closed with its last owner.
final class FileDescriptor {
  let number: Int32
  let path: String
  let size: Int

  /// - Parameter size: bytes of it that are needed; nil: all that are there
  init(_ path: String, size: Int? = nil, flags: Int32 = 0) throws {
    self.path = path
    number = open(path, O_RDONLY | O_CLOEXEC | flags)
    guard number >= 0 else { throw FileProbe.cannotOpen(path, errno) }
    self.size = size ?? Int(lseek(number, 0, SEEK_END))
    if let failure = shrunken() { throw Problem(.inputOutput, at: path, failure.reason) }
  }

  /// A second descriptor that goes around the page cache; nil where the file system has none.
  static func direct(_ path: String, size: Int) -> FileDescriptor? {
    try? FileDescriptor(path, size: size, flags: ronchi_direct_flag())
  }

  deinit { close(number) }

  /// What is wrong when the file has become shorter than it was when its headers were read.
  func shrunken() -> ReadFailure? {
    var status = stat()
    guard fstat(number, &status) == 0 else { return ReadFailure(offset: 0, reason: errorText(errno)) }
    guard status.st_size < size else { return nil }
    return ReadFailure(
      offset: Int(status.st_size),
      reason: "the file has become shorter while it was read: \(size) bytes before, \(status.st_size) now")
  }
}

func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }

/// A file in memory, without a copy. Pages are brought in before they are touched, so that a read error or a file that
/// was cut short while it is read comes back as an error and not as a signal.
final class MappedFile: ByteSource {
  private let file: FileDescriptor
  private let base: UnsafeMutableRawPointer
  private var canPopulate = true
  /// What was brought in since pages were given back.
  private var held = 0..<0
  private var heldBytes = 0

  /// MADV_POPULATE_READ (Linux 5.14): faults pages in and reports what would have been SIGBUS.
  static let populateRead: Int32 = 22
  private static let page = Int(getpagesize())
  /// Mapped pages count as memory of this process where a cluster watches it: at most about so many are kept.
  private static let mostHeld = 1 << 30

  init(_ file: FileDescriptor) throws {
    self.file = file
    guard let base = mmap(nil, file.size, PROT_READ, MAP_SHARED, file.number, 0), base != MAP_FAILED else {
      throw Problem(
        .inputOutput, at: file.path, "the file cannot be mapped: \(errorText(errno)); try \(ReadMode.variable)=pread")
    }
    self.base = base
  }

  deinit { munmap(base, file.size) }

  var usualStretch: Int { ReadWindow.mapped }

  func copy(_ range: Range<Int>, to target: UnsafeMutableRawPointer) throws(ReadFailure) {
    target.copyMemory(from: try bytes(range), byteCount: range.count)
  }

  func bytes(_ range: Range<Int>) throws(ReadFailure) -> UnsafeRawPointer {
    if let failure = file.shrunken() { throw failure }
    let wanted = range.lowerBound / Self.page * Self.page..<(range.upperBound + Self.page - 1) / Self.page * Self.page
    hold(wanted)
    while canPopulate, madvise(base + wanted.lowerBound, wanted.count, Self.populateRead) != 0 {
      switch errno {
      case EINTR, EAGAIN: continue
      case EINVAL, ENOSYS, ENOMEM: canPopulate = false
      default: throw firstFailure(in: wanted)
      }
    }
    return UnsafeRawPointer(base + range.lowerBound)
  }

  private func hold(_ wanted: Range<Int>) {
    if heldBytes > Self.mostHeld {
      madvise(base + held.lowerBound, held.count, MADV_DONTNEED)
      (held, heldBytes) = (wanted, 0)
    }
    held =
      held.isEmpty
      ? wanted : min(held.lowerBound, wanted.lowerBound)..<max(held.upperBound, wanted.upperBound)
    heldBytes += wanted.count
  }

  private func firstFailure(in wanted: Range<Int>) -> ReadFailure {
    if let failure = file.shrunken() { return failure }
    let first = stride(from: wanted.lowerBound, to: wanted.upperBound, by: Self.page).first {
      madvise(base + $0, Self.page, Self.populateRead) != 0
    }
    return ReadFailure(offset: first ?? wanted.lowerBound, reason: "reading failed: \(errorText(EIO))")
  }
}
