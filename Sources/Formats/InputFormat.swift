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

/// One input format: a file in this room and a line in the registry.
public protocol InputFormat: Sendable {
  /// As in `input.format` and in the output's provenance: `npy`.
  static var name: String { get }
  /// One line for people.
  static var summary: String { get }
  /// In lower case, without the dot.
  static var suffixes: [String] { get }
  static func recognizes(_ probe: FileProbe) -> Bool
  /// Reads the headers, checks them against the file's size. Throws `Problem` or `Problems`.
  static func open(_ request: InputRequest, probe: FileProbe) throws -> any FrameSource
}

/// A key of `input:` that only some formats can use.
public enum InputKey: String, CaseIterable, Sendable {
  case dataset
  case scanShape = "scan_shape"
  case detectorShape = "detector_shape"
  case pixelType = "pixel_type"
  case byteOrder = "byte_order"
  case offset, gap

  /// As the job file spells it: `input.scan_shape`.
  public var place: String { "input.\(rawValue)" }
}

extension InputRequest {
  /// The keys that the user gave.
  public var keys: [InputKey] {
    InputKey.allCases.filter {
      switch $0 {
      case .dataset: dataset != nil
      case .scanShape: scanShape != nil
      case .detectorShape: detectorShape != nil
      case .pixelType: pixelType != nil
      case .byteOrder: byteOrder != nil
      case .offset: offset != nil
      case .gap: gap != nil
      }
    }
  }

  /// Throws `Problems` (`.badConfiguration`) naming every key that the format cannot use.
  public func accept(only usable: Set<InputKey>, format: String) throws {
    let allowed = InputKey.allCases.filter(usable.contains).map(\.rawValue)
    let raw = format == "raw" ? "" : ", or set input.format: raw to ignore the file's own header"
    try keys.filter { !usable.contains($0) }.map { key in
      Problem(
        .badConfiguration, at: key.place,
        "given for \(path), which is read as \(format); "
          + (allowed.isEmpty
            ? "that format takes no such keys" : "that format takes \(allowed.joined(separator: ", "))")
          + "; remove the key" + (key == .dataset ? "" : raw))
    }.throwIfAny()
  }

  /// The scan shape for `frames` frames stored as `stored` (nil: the file does not say): what the user gave, which must
  /// multiply out, otherwise the file's. Throws `Problem` (`.badData`) at `input.scan_shape`.
  public func resolvedScanShape(frames: Int, stored: Shape?) throws -> Shape? {
    guard let wanted = scanShape else { return stored }
    let (product, overflow) = wanted.y.multipliedReportingOverflow(by: wanted.x)
    guard wanted.y > 0, wanted.x > 0, !overflow, product == frames else {
      let given = overflow || wanted.y <= 0 || wanted.x <= 0 ? "" : " = \(product) positions"
      throw Problem(
        .badData, at: InputKey.scanShape.place,
        "\(wanted.text)\(given) given, but \(path) holds \(frames) frames"
          + (stored.map { " (\($0.text))" } ?? "") + "; the product must be \(frames)")
    }
    return wanted
  }
}
