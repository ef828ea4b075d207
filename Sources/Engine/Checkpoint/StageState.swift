import Foundation
import STEM

/// The state of a stage that iterates on all ranks, in two files beside the output: numbered parts, each given by one
/// rank, that any number of ranks can read again.
///
/// The files are written in turn. Behind the parts stands a header: iteration, sequence number, and for each part its
/// number, offset, length and checksum. Where it stands, and its checksum, is written to the beginning of the file last,
/// after everything else is on the disk; so a kill at any moment leaves at least the state before.
package final class StageState {
  private let paths: [String]
  private let ranks: any Ranks
  private let interval: Double
  private var sequence = 0
  private var lastSave = ContinuousClock.now

  /// - Parameters:
  ///   - path: of the files, without their number
  ///   - interval: seconds between saves
  package init(path: String, ranks: any Ranks, interval: Double) {
    paths = [path + ".0", path + ".1"]
    self.ranks = ranks
    self.interval = interval
  }

  package var isDue: Bool { (ContinuousClock.now - lastSave).seconds > interval }

  private struct Part: Codable {
    var number: Int
    var offset: Int
    var length: Int
    var checksum: UInt64
  }

  private struct Header: Codable {
    var sequence: Int
    var iteration: Int
    var parts: [Part]
  }

  private static let magic = Array("RONCHIT1".utf8)
  /// Magic, length and checksum of the header, which stands behind the parts, and where it begins.
  private static let preambleBytes = 32

  // MARK: collective

  /// Keeps the parts of all ranks. Throws `RunFailure`.
  package func save(iteration: Int, parts: [Int: [UInt8]]) throws {
    let path = paths[sequence % 2]
    let mine = parts.keys.sorted()
    let ends = try ranks.allGather(parts.values.reduce(0) { $0 + $1.count })
    var offset = Self.preambleBytes + ends[..<ranks.rank].reduce(0, +)
    var table: [Part] = []
    try ranks.onFirst { try makeEmpty(path) }
    try ranks.together {
      let file = try OpenFile(path)
      for number in mine {
        let bytes = parts[number]!
        try file.write(bytes, at: offset)
        table.append(Part(number: number, offset: offset, length: bytes.count, checksum: checksum(bytes)))
        offset += bytes.count
      }
      try file.sync()
    }
    let tables = try ranks.gather(Array(try JSONEncoder().encode(table)))
    try ranks.onFirst {
      let all = try tables.flatMap { try JSONDecoder().decode([Part].self, from: Data($0)) }
      let header = Header(sequence: sequence + 1, iteration: iteration, parts: all)
      try write(header, at: Self.preambleBytes + ends.reduce(0, +), path)
    }
    sequence += 1
    lastSave = ContinuousClock.now
  }

  /// The newest whole state, all parts of it on every rank; nil where there is none. Throws `RunFailure`.
  package func load() throws -> (iteration: Int, parts: [Int: [UInt8]])? {
    var encoded: [UInt8] = []
    try ranks.onFirst {
      let found = paths.compactMap(header).max { $0.sequence < $1.sequence }
      encoded = try found.map { Array(try JSONEncoder().encode($0)) } ?? []
    }
    encoded = try ranks.broadcast(encoded)
    guard !encoded.isEmpty else { return nil }
    return try ranks.together {
      let header = try JSONDecoder().decode(Header.self, from: Data(encoded))
      sequence = header.sequence
      let path = paths[(header.sequence - 1) % 2]
      let file = try OpenFile(path)
      var parts: [Int: [UInt8]] = [:]
      for part in header.parts {
        let bytes = try file.read(part.offset, count: part.length)
        guard checksum(bytes) == part.checksum else {
          throw Problem(
            .inputOutput, at: path, "part \(part.number) of the saved state is damaged; --force starts over")
        }
        parts[part.number] = bytes
      }
      return (header.iteration, parts)
    }
  }

  // MARK: one rank

  private func makeEmpty(_ path: String) throws {
    unlink(path)
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Problem(writing: path, .inputOutput, "cannot be made", errno: errno) }
    close(descriptor)
  }

  private func write(_ header: Header, at offset: Int, _ path: String) throws {
    let file = try OpenFile(path)
    let bytes = Array(try JSONEncoder().encode(header))
    try file.write(bytes, at: offset)
    try file.sync()
    let numbers = [UInt64(bytes.count), checksum(bytes), UInt64(offset)]
    try file.write(Self.magic + numbers.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }, at: 0)
    try file.sync()
  }

  /// nil for a file that is missing, torn or foreign, or of which a part is missing.
  private func header(_ path: String) -> Header? {
    guard let file = try? OpenFile(path), let start = try? file.read(0, count: Self.preambleBytes),
      Array(start[..<8]) == Self.magic
    else { return nil }
    let numbers = start.withUnsafeBytes { bytes in
      (1...3).map { UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)) }
    }
    guard numbers[0] < 1 << 32, numbers[2] < 1 << 48,
      let bytes = try? file.read(Int(numbers[2]), count: Int(numbers[0])), checksum(bytes) == numbers[1]
    else { return nil }
    return try? JSONDecoder().decode(Header.self, from: Data(bytes))
  }
}

/// A file that this program wrote, by its descriptor.
private final class OpenFile {
  private let path: String
  private let descriptor: Int32

  package init(_ path: String) throws(Problem) {
    self.path = path
    descriptor = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
    if descriptor < 0 { throw Problem(writing: path, .inputOutput, "cannot be opened", errno: errno) }
  }

  deinit { close(descriptor) }

  package func write(_ bytes: [UInt8], at offset: Int) throws(Problem) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        pwrite(descriptor, $0.baseAddress! + done, $0.count - done, off_t(offset + done))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Problem(writing: path, .inputOutput, "cannot be written", errno: errno) }
      done += count
    }
  }

  package func read(_ offset: Int, count: Int) throws(Problem) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got = bytes.withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress! + done, count - done, off_t(offset + done))
      }
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else { throw Problem(.inputOutput, at: path, "ends too early; --force starts over") }
      done += got
    }
    return bytes
  }

  package func sync() throws(Problem) {
    guard fsync(descriptor) == 0 else { throw Problem(writing: path, .inputOutput, "cannot be synced", errno: errno) }
  }
}
