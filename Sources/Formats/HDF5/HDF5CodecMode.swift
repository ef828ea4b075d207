import Foundation
import STEM

/// Who undoes the filters of chunks: this package where it knows them, or always HDF5.
enum HDF5ChunkMode: String, CaseIterable {
  case direct, hdf5

  /// Overrides the choice: `RONCHI_CHUNKS=hdf5`.
  static let variable = "RONCHI_CHUNKS"

  /// Throws `Problem` when the environment asks for an unknown mode.
  static func chosen(
    _ wanted: String? = ProcessInfo.processInfo.environment[variable]
  ) throws -> HDF5ChunkMode {
    guard let wanted, !wanted.isEmpty else { return .direct }
    guard let mode = HDF5ChunkMode(rawValue: wanted.lowercased()) else {
      throw Problem(
        .badConfiguration, at: variable,
        "\(wanted) is no way of reading chunks; use \(allCases.map(\.rawValue).joined(separator: " or ")), or unset it")
    }
    return mode
  }
}
