import Foundation
import STEM

/// How files are read. Mapped where the page cache holds a file in large folios (`MappedFile.isQuick`): nothing is
/// copied. With `pread` in small windows elsewhere: with single pages it was measured to give 9.3 to 14.2 GB/s where a
/// mapping gave 4.8 to 7.8 (Linux 6.18, one core, u16 frames); it also reports read errors, and network file systems
/// prefer it. Files larger than half of the memory are read around the page cache (`direct`) as far as it does not hold
/// them.
enum ReadMode: String, CaseIterable {
  case mmap, pread, direct

  /// Overrides the choice: `RONCHI_READ=mmap`.
  static let variable = "RONCHI_READ"

  /// nil: by the file. Throws `Problem` when the environment asks for an unknown mode.
  static func chosen(_ wanted: String? = ProcessInfo.processInfo.environment[variable]) throws -> ReadMode? {
    guard let wanted, !wanted.isEmpty else { return nil }
    guard let mode = ReadMode(rawValue: wanted.lowercased()) else {
      throw Problem(
        .badConfiguration, at: variable,
        "\(wanted) is no way of reading; use \(allCases.map(\.rawValue).joined(separator: " or ")), or unset it")
    }
    return mode
  }
}
