import Foundation
import STEM

enum DiskSpace {
  /// Throws `Problem` 74 where the disk of a file has fewer free bytes than will be written: better before than after
  /// hours of computing. Quotas are not seen here.
  static func check(_ path: String, bytes: Int) throws(Problem) {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var status = statvfs()
    // A folder that cannot be examined is reported by whoever creates the file.
    guard statvfs(folder, &status) == 0 else { return }
    let (free, overflow) = Int(status.f_bavail).multipliedReportingOverflow(by: Int(status.f_frsize))
    let needed = bytes + Self.overhead
    guard !overflow, needed > free else { return }
    throw Problem(
      .inputOutput, at: path,
      "the disk is too full: \(megabytes(needed)) MB are needed, \(megabytes(free)) MB are free in \(folder); "
        + "make room or write to another disk")
  }

  /// For groups, attributes and tables.
  private static let overhead = 1 << 20

  private static func megabytes(_ bytes: Int) -> String { String(format: "%.1f", Double(bytes) / 1e6) }
}
