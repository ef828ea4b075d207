import Foundation

/// A folder of its own for a test, removed afterwards.
final class Scratch {
  let folder: URL

  init() {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("ronchi-platform-\(UUID().uuidString)")
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// The path of a file in the folder.
  func path(_ name: String = "test.h5") -> String { folder.appendingPathComponent(name).path }
}

/// The file's bytes in a range.
func bytes(_ path: String, _ range: Range<Int>) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: path))[range])
}
