import Foundation

/// A folder in memory where there is one, gone with its owner.
public final class FuzzFolder {
  public let path: String

  public init() {
    let memory = "/dev/shm"
    let base = access(memory, W_OK) == 0 ? memory : NSTemporaryDirectory()
    path = "\(base)/ronchi-fuzz-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  public func path(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes over what is there, without the cost of Foundation's safe ways. Returns the path.
  @discardableResult
  public func write(_ bytes: some Collection<UInt8>, to name: String) -> String {
    let path = path(name)
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    defer { close(file) }
    let written = Array(bytes).withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
    precondition(file >= 0 && written == bytes.count, "\(path) cannot be written")
    return path
  }

  public func read(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }
}
