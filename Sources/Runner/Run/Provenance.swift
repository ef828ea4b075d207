import FFT
import Foundation
import HDF5
import Jobs
import MPI
import STEM
import USID

/// The program's version; `ronchi --version` prints it.
public let ronchiVersion = "0.1.0"

/// Everything a reader of the output needs to repeat the run.
struct Provenance {
  let plan: Plan
  let frames: PlannedFrames
  /// What calibrating stages keep.
  let measured: [(key: String, value: Setting)]
  let commandLine: [String]
  let hosts: [String]
  let rankCount: Int
  let start: Date
  let identity: RunIdentity

  /// In the order in which they are stored.
  var attributes: [(key: String, value: Setting)] {
    let source = plan.rawSource.description
    let parameters = plan.parameters.map { "\($0.path) = \($0.value) (\($0.origin.rawValue))" }
    return [
      ("ronchi_version", .text(ronchiVersion)),
      ("job", .text(plan.resolvedJob)),
      ("parameters", .list(parameters.map { .text($0) })),
      ("command_line", .text(shellText(commandLine))),
      ("hosts", .list(Array(Set(hosts)).sorted().map { .text($0) })),
      ("ranks", .integer(rankCount)),
      ("mpi", .text(MPIRuntime.libraryVersion)),
      ("hdf5", .text(HDF5Library.version)),
      ("fftw", .text(FFTLibrary.version)),
      ("input_path", .text(absolute(source.path))),
      ("input_format", .text(source.format)),
      ("input_size_bytes", .integer(identity.inputSize)),
      ("input_sha256_first_last_mib", .text(identity.inputDigest)),
    ] + (identity.input?.attributes ?? [])
      + [
        ("input_pixel_type", .text(source.pixelType.numpyName)),
        ("input_storage", .text(source.storage)),
        ("input_notes", .list(source.notes.map { .text($0) })),
        ("corrections", .list(frames.corrections.map { .text($0) })),
        ("array_checksums", identity.arrays.map { .text($0) } ?? .list([])),
      ].filter { $0.value != .list([]) } + measured + [("start_time", .text(timestamp(start)))]
  }

  /// What the end of the run overwrites.
  var pending: [(key: String, value: Setting)] { [("end_time", .text("")), ("status", .text("running"))] }
}

func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }

/// ISO 8601 in UTC, seconds.
func timestamp(_ date: Date) -> String { Bookkeeping.universalTime(date) }

/// A command line that a shell reads back as these words.
func shellText(_ words: [String]) -> String { words.map(shellQuoted).joined(separator: " ") }

private func shellQuoted(_ word: String) -> String {
  let plain = !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "_-./=:,+@%".contains($0) }
  return plain ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
}
