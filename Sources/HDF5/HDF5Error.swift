/// An HDF5 call that failed: which call, on what, and why, in the library's own words.
public struct HDF5Error: Error, Sendable, Equatable, CustomStringConvertible {
  /// What a caller can react to.
  public enum Kind: Sendable, Equatable {
    case missingFile, notPermitted, fileExists, locked, diskFull
    /// The file is no HDF5 file, or was never completed.
    case notHDF5
    /// The file is shorter than it says.
    case truncated
    case missingObject
    /// The data need a filter that is neither built in nor found as a plugin.
    case missingFilter
    case other
  }

  /// The C function: `H5Dopen2`.
  public let call: String
  /// What it was called on: `scan.h5:/data`.
  public let object: String
  /// The reason, one line, the innermost cause first.
  public let why: String
  public let kind: Kind

  public var description: String { "\(call) failed on \(object): \(why)" }

  /// An error found on this side of the library.
  public init(_ call: String, on object: String, why: String, kind: Kind = .other) {
    self.call = call
    self.object = object
    self.why = why
    self.kind = kind
  }

  init(_ call: String, on object: String, stack: [String]) {
    self.init(call, on: object, why: Self.summary(of: stack), kind: Self.kind(of: stack))
  }

  /// Phrases on nearly every stack that explain nothing.
  private static let phrases = [
    "can't find object", "component not found", "callback link class", "internal link traversal", "path traversal",
    "can't open object", "not found", "unable to open file", "unable to create file", "unable to open dataset",
    "can't locate", "unable to get", "can't get", "can't open file", "unable to initialize", "open failed",
    "unable to read superblock", "can't decrement ID", "decrementing", "closing file ID",
  ]

  private static func summary(of stack: [String]) -> String {
    // When a plugin is not found, the innermost entries name folders; an outer entry names the filter.
    if let filter = stack.first(where: { $0.contains("required filter") }) { return filter }
    var kept: [String] = []
    for (depth, entry) in stack.enumerated() {
      let text = entry.split(whereSeparator: \.isNewline).joined(separator: " ")
      let explains = depth == 0 || !phrases.contains { text.hasPrefix($0) }
      if !text.isEmpty, explains, !kept.contains(text) { kept.append(text) }
    }
    guard let first = kept.first else { return "the library gives no reason" }
    let outer = kept.dropFirst().prefix(3)
    return outer.isEmpty ? first : "\(first) (\(outer.joined(separator: "; ")))"
  }

  private static func kind(of stack: [String]) -> Kind {
    let all = stack.joined(separator: "\n")
    func says(_ parts: String...) -> Bool { parts.contains { all.contains($0) } }
    if says("unable to lock file", "file is already open", "already open for write") { return .locked }
    if says("No space left", "Disk quota", "MPI_ERR_NO_SPACE", "MPI_ERR_QUOTA", "File too large") { return .diskFull }
    if says("No such file or directory", "MPI_ERR_NO_SUCH_FILE") { return .missingFile }
    if says("Permission denied", "Read-only file system", "MPI_ERR_ACCESS", "MPI_ERR_READ_ONLY") {
      return .notPermitted
    }
    if says("File exists", "file exists", "MPI_ERR_FILE_EXISTS") { return .fileExists }
    if says("file signature not found") { return .notHDF5 }
    if says("truncated file") { return .truncated }
    if says("is not registered", "filter not available", "unable to find filter") { return .missingFilter }
    if says("doesn't exist", "component not found", "object not found", "can't locate attribute") {
      return .missingObject
    }
    return .other
  }
}
