import Foundation
import HDF5
import STEM

/// What a file was wanted for: decides what a failure means to the user.
enum FileUse { case laying, writing, reading }

extension Problem {
  init(_ error: HDF5Error, _ use: FileUse, _ path: String) {
    let place = error.object.hasPrefix(path) ? error.object : path
    switch (use, error.kind) {
    case (_, .diskFull):
      self.init(.inputOutput, at: place, "the disk is full: \(error.reason); make room or write to another disk")
    case (.laying, .fileExists):
      self.init(.cannotCreate, at: path, "exists; remove it or write to another file")
    case (.laying, .notPermitted), (.laying, .missingFile):
      self.init(
        .cannotCreate, at: path, "cannot be created: \(error.reason); write to a folder that exists and is yours")
    case (_, .locked):
      self.init(
        .cannotCreate, at: path,
        "is locked: \(error.reason); close the program that has it open, or on a file system without locks (some NFS and "
          + "Lustre mounts) set HDF5_USE_FILE_LOCKING=FALSE")
    case (.laying, .notHDF5), (.laying, .truncated), (.reading, .notHDF5), (.reading, .truncated):
      self.init(.badData, at: path, "is no complete HDF5 file: \(error.why)")
    case (.reading, .missingFile): self.init(.noInput, at: path, "no such file")
    case (.reading, .notPermitted): self.init(.noInput, at: path, "cannot be read: \(error.reason)")
    case (.reading, .missingFilter), (.reading, .missingObject), (.reading, .other):
      self.init(.badData, at: place, "cannot be read: \(error)")
    default: self.init(.inputOutput, at: place, "cannot be written: \(error)")
    }
  }
}

extension HDF5Error {
  /// The system's own words where the library quotes them, otherwise all that the library says.
  fileprivate var reason: String {
    guard let start = why.range(of: "error message = '")?.upperBound, let end = why[start...].firstIndex(of: "'") else {
      return why
    }
    return String(why[start..<end])
  }
}

/// Runs `body`; a failure of HDF5 becomes a `Problem`.
func using<Value: ~Copyable>(_ path: String, _ use: FileUse, _ body: () throws -> Value) throws -> Value {
  do { return try body() } catch let error as HDF5Error { throw Problem(error, use, path) }
}

extension File {
  /// Closes; what the library kept back until now becomes a `Problem`.
  consuming func finish() throws(Problem) {
    let path = fileName
    do { try close() } catch { throw Problem(error, .writing, path) }
  }
}
