import Foundation
import STEM

/// The accumulators of finished leaves, one record a leaf, in a file beside the output: any rank can finish a leaf,
/// and the records are combined in leaf order whoever wrote them.
final class LeafStore {
  let path: String
  private let recordBytes: Int
  private var descriptor: Int32 = -1

  /// - Parameter recordBytes: bytes of all accumulators of a leaf; with 0 there is nothing to store, and no file.
  init(_ path: String, recordBytes: Int) {
    self.path = path
    self.recordBytes = recordBytes
  }

  deinit { close() }

  /// Makes the file with room for all leaves; one rank does it before the others open.
  func create(leaves: Int) throws(Problem) {
    guard recordBytes > 0 else { return }
    let file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw failure(.cannotCreate, "cannot be created") }
    defer { _ = Glibc.close(file) }
    let status = posix_fallocate(file, 0, off_t(leaves * recordBytes))
    guard status == 0 else {
      errno = status
      throw failure(.inputOutput, "no room for \(leaves * recordBytes) bytes of intermediate sums")
    }
  }

  func openForWriting() throws(Problem) {
    guard recordBytes > 0 else { return }
    descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(.inputOutput, "cannot be opened") }
  }

  func save(leaf: Int, _ accumulators: [any Accumulator]) throws(Problem) {
    var offset = leaf * recordBytes
    for accumulator in accumulators {
      try transfer(UnsafeMutableRawBufferPointer(accumulator.bytes), at: offset) { pwrite($0, $1, $2, $3) }
      offset += accumulator.bytes.count
    }
  }

  /// Combines the leaves in their order into `accumulators`.
  func combine(leaves: Int, into accumulators: [any Accumulator]) throws(Problem) {
    for accumulator in accumulators { accumulator.reset() }
    let largest = accumulators.map(\.bytes.count).max() ?? 0
    let record = UnsafeMutableRawBufferPointer.allocate(byteCount: largest, alignment: 64)
    defer { record.deallocate() }
    for leaf in 0..<leaves where recordBytes > 0 {
      var offset = leaf * recordBytes
      for accumulator in accumulators {
        let part = UnsafeMutableRawBufferPointer(rebasing: record[..<accumulator.bytes.count])
        try transfer(part, at: offset) { pread($0, $1, $2, $3) }
        accumulator.combine(UnsafeRawBufferPointer(part))
        offset += part.count
      }
    }
  }

  func close() {
    if descriptor >= 0 { _ = Glibc.close(descriptor) }
    descriptor = -1
  }

  func remove() {
    close()
    if recordBytes > 0 { unlink(path) }
  }

  private func transfer(
    _ bytes: UnsafeMutableRawBufferPointer, at offset: Int,
    _ call: (Int32, UnsafeMutableRawPointer?, Int, off_t) -> Int
  ) throws(Problem) {
    var done = 0
    while done < bytes.count {
      let count = call(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure(.inputOutput, "cannot be read or written at byte \(offset + done)") }
      done += count
    }
  }

  private func failure(_ code: ExitCode, _ what: String) -> Problem {
    Problem(code, at: path, "\(what): \(String(cString: strerror(errno)))")
  }
}
