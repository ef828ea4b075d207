import Foundation
import STEM

/// How files are read. What the page cache holds is mapped where it holds large folios, and copied elsewhere
/// (`CachedFile`). What it does not hold is read with `pread` in small windows; network file systems prefer it. Files
/// larger than half of the memory are read around the page cache (`direct`) as far as it does not hold them.
enum ReadMode: String, CaseIterable {
  case mmap, pread, direct

  /// Overrides the choice: `RONCHI_READ=mmap`.
  static let variable = "RONCHI_READ"

  /// nil: by the file. Throws `Problem` when the environment asks for an unknown mode.
  static func chosen(_ wanted: String? = getenv(variable).map { String(cString: $0) }) throws -> ReadMode? {
    guard let wanted, !wanted.isEmpty else { return nil }
    guard let mode = ReadMode(rawValue: wanted.lowercased()) else {
      throw Problem(
        .badConfiguration, at: variable,
        "\(wanted) is no way of reading; use \(allCases.map(\.rawValue).joined(separator: " or ")), or unset it")
    }
    return mode
  }
}
