import Foundation
import STEM

/// First bytes and names of a file, read once; formats are recognized from content, not only from the suffix.
public struct FileProbe: Sendable {
  public let path: String
  /// Bytes of the file.
  public let size: Int
  /// The first bytes, up to 4 KiB.
  public let head: [UInt8]
  /// In lower case, without the dot; empty where the name has none.
  public let suffix: String

  static let headBytes = 4096

  /// Throws `Problem`: `.noInput` for a file that is missing or may not be read, `.badData` for a directory, a device
  /// or an empty file, `.inputOutput` when reading fails.
  public init(path: String) throws {
    self.path = path
    var status = stat()
    // Before opening: opening a pipe would wait for a writer.
    guard stat(path, &status) == 0 else { throw Self.cannotOpen(path, errno) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR:
      throw Problem(.badData, at: path, "is a directory; an input is one file; name the file inside it")
    default: throw Problem(.badData, at: path, "is no regular file; an input is one file on disk; copy the data to one")
    }
    size = Int(status.st_size)
    guard size > 0 else {
      throw Problem(.badData, at: path, "the file is empty (0 bytes); copy it again or name another file")
    }
    suffix = Self.suffix(of: path)
    head = try Self.firstBytes(of: path, atMost: min(size, Self.headBytes))
  }

  static func suffix(of path: String) -> String {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
    return name[name.index(after: dot)...].lowercased()
  }

  static func cannotOpen(_ path: String, _ code: Int32) -> Problem {
    switch code {
    case ENOENT, ENOTDIR:
      Problem(.noInput, at: path, "there is no such file; check the path (relative paths start where the job does)")
    case EACCES, EPERM: Problem(.noInput, at: path, "the file may not be read (permission denied); ask its owner")
    default: Problem(.inputOutput, at: path, "the file cannot be opened: \(String(cString: strerror(code)))")
    }
  }

  private static func firstBytes(of path: String, atMost count: Int) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw cannotOpen(path, errno) }
    defer { close(descriptor) }
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let got = pread(descriptor, buffer.baseAddress! + filled, count - filled, off_t(filled))
        if got < 0 && errno == EINTR { continue }
        if got < 0 { code = errno }
        if got <= 0 { break }
        filled += got
      }
    }
    guard code == 0 else {
      throw Problem(.inputOutput, at: path, "reading the first bytes failed: \(String(cString: strerror(code)))")
    }
    return bytes
  }

  /// Whether the file starts with these bytes.
  public func starts(with bytes: [UInt8]) -> Bool { head.starts(with: bytes) }
}
