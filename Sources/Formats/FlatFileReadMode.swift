import Foundation
import STEM

/// How files are read. With `pread` in small windows by default: measured from the page cache (Linux 6.18, one core,
/// u16 frames, one float mask per pixel) it gives 9.3 to 14.2 GB/s where a mapping gives 4.8 to 7.8, since no pages are
/// mapped and a window is still in the core's cache when it is processed. It also reports read errors, and network file
/// systems prefer it. What is not in the page cache is read around it (`direct`) where the file is larger than half of
/// the memory.
enum ReadMode: String, CaseIterable {
  case mmap, pread, direct

  /// Overrides the choice: `RONCHI_READ=mmap`.
  static let variable = "RONCHI_READ"

  /// nil: by the file's size. Throws `Problem` when the environment asks for an unknown mode.
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
