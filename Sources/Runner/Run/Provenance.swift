import Digest
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
      ("input_pixel_type", .text(source.pixelType.numpyName)),
      ("input_storage", .text(source.storage)),
      ("input_notes", .list(source.notes.map { .text($0) })),
      ("corrections", .list(frames.corrections.map { .text($0) })),
      ("array_checksums", identity.arrays.map { .text($0) } ?? .list([])),
    ].filter { $0.value != .list([]) } + measured + [("start_time", .text(timestamp(start)))]
  }

  /// What the end of the run overwrites.
  var pending: [(key: String, value: Setting)] { [("end_time", .text("")), ("status", .text("running"))] }

  /// Size, and SHA-256 over the first and the last MiB (over everything where the file is smaller than both).
  static func fingerprint(_ path: String) throws -> (size: Int, digest: String) {
    let part = 1 << 20
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { close(descriptor) }
    let size = Int(lseek(descriptor, 0, SEEK_END))
    let hash = SHA256()
    // Small pieces: memory that is used again needs no new pages.
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 4096)
    defer { piece.deallocate() }
    for start in size > part ? [0, max(part, size - part)] : [0] {
      var next = start
      while next < min(start + part, size) {
        let count = pread(descriptor, piece.baseAddress, min(piece.count, start + part - next), off_t(next))
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw unreadable(path) }
        if count == 0 { break }
        hash.update(UnsafeRawBufferPointer(rebasing: piece[..<count]))
        next += count
      }
    }
    return (size, hash.finalize())
  }

  private static func unreadable(_ path: String) -> Problem {
    Problem(.inputOutput, at: path, "cannot be read for its fingerprint: \(String(cString: strerror(errno)))")
  }
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
