import Foundation
import STEM

/// Blocks of a scan as a set; its bytes are part of a record.
package struct BlockSet: Equatable {
  package private(set) var bytes: [UInt8]

  package init(count: Int) { bytes = [UInt8](repeating: 0, count: (count + 7) / 8) }
  package init(bytes: [UInt8]) { self.bytes = bytes }

  package func contains(_ block: Int) -> Bool { bytes[block >> 3] & (1 << UInt8(block & 7)) != 0 }
  package mutating func insert(_ block: Int) { bytes[block >> 3] |= 1 << UInt8(block & 7) }
  package func intersects(_ other: BlockSet) -> Bool { zip(bytes, other.bytes).contains { $0 & $1 != 0 } }
  package mutating func formUnion(_ other: BlockSet) { for i in bytes.indices { bytes[i] |= other.bytes[i] } }
  package var count: Int { bytes.reduce(0) { $0 + $1.nonzeroBitCount } }
}

/// The sums of finished blocks, in a file beside the output: what a resume needs, and how the ranks' sums come together.
///
/// The file is a head (what the run is), then records. A record says which blocks it holds and holds their sums, in two
/// pairs of slots, each pair written in turn: a slot counts when its checksum is right, and of several the one with the
/// highest sequence number. So no state that a resume could need is ever overwritten.
///
/// One pair is for saves that were synced together with the rows they stand for. The other is for the many saves between
/// them, which outlive every process but not the machine: they carry the machine's boot, and count only while it lasts.
///
/// So it is with the head: it carries the boot in which it was written until `confirm`, after a sync of all that it
/// stands for.
///
/// Where a sum rounds, there is a record per leaf, and the records are combined in the order of the leaves. Where all
/// sums are exact, a record per rank does, for the order does not show.
package final class Checkpoint {
  package let path: String
  private let blockCount: Int
  /// Bytes of each accumulator.
  private let parts: [Int]
  private var blockBytes: Int { (blockCount + 7) / 8 }
  /// Of a slot, behind its header: blocks and sums.
  private var contentBytes: Int { blockBytes + parts.reduce(0, +) }
  private var descriptor: Int32 = -1
  private var start = 0
  /// Of the slot that was read last.
  private var lastContent: [UInt8] = []

  package init(_ path: String, blockCount: Int, sums: [any Accumulator]) {
    self.path = path
    self.blockCount = blockCount
    parts = sums.map(\.bytes.count)
  }

  deinit { close() }

  // MARK: file

  private static let magic = Array("RONCHI2\n".utf8)
  private static let page = 4096
  /// Before the head: the magic, its length, its checksum, and its boot or 0.
  private static let preambleBytes = 32
  private static let bootPlace = 24

  /// Makes the file anew; one rank does it before all open. `head` says what the run is.
  package func create(head: [UInt8]) throws {
    descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure(.cannotCreate, "cannot be created") }
    let preamble = Self.magic + Self.bytes(UInt64(head.count)) + Self.bytes(checksum(head)) + Self.bytes(Self.boot)
    try (preamble + head).withUnsafeBytes { bytes throws in try write(bytes, at: 0) }
    close()
  }

  /// From now on the head outlives the machine. What it stands for must be on the disk.
  package func confirm() throws {
    try openForWriting()
    defer { close() }
    try Self.bytes(0).withUnsafeBytes { bytes throws in try write(bytes, at: Self.bootPlace) }
    try sync()
  }

  /// The head of an unfinished run; nil where there is none, or none that is whole and counts on this machine.
  package static func head(_ path: String) -> [UInt8]? {
    guard let data = FileManager.default.contents(atPath: path, prefix: 1 << 24), data.count >= preambleBytes,
      Array(data.prefix(8)) == magic, [0, boot].contains(number(data[bootPlace..<preambleBytes]))
    else { return nil }
    let count = number(data[8..<16])
    guard count <= UInt64(data.count - preambleBytes) else { return nil }
    let head = Array(data[preambleBytes..<(preambleBytes + Int(count))])
    return checksum(head) == number(data[16..<24]) ? head : nil
  }

  package func openForWriting() throws {
    descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(.inputOutput, "cannot be opened") }
    // Headers of slots that were never written are in holes of the file; reading ahead there fills memory with zeros.
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM)
    var preamble = [UInt8](repeating: 0, count: Self.preambleBytes)
    try preamble.withUnsafeMutableBytes { bytes throws in try read(bytes, at: 0) }
    let bytes = Self.preambleBytes + Int(Self.number(preamble[8..<16]))
    start = (bytes + Self.page - 1) / Self.page * Self.page
  }

  package func close() {
    if descriptor >= 0 { _ = Glibc.close(descriptor) }
    descriptor = -1
  }

  package func remove() {
    close()
    unlink(path)
  }

  /// Returns once everything written is on the disk.
  package func sync() throws {
    guard fdatasync(descriptor) == 0 else { throw failure(.inputOutput, "cannot be synced") }
  }

  // MARK: records

  package enum Durability: UInt64 { case synced = 0, thisBoot = 2 }

  /// Bytes of a slot's header: sequence number, checksum, boot.
  private static let headerBytes = 24
  private var slotBytes: Int {
    (Self.headerBytes + contentBytes + Self.page - 1) / Self.page * Self.page
  }
  private var recordBytes: Int { 4 * slotBytes }

  private func offset(_ record: Int, _ slot: UInt64) -> Int { start + record * recordBytes + Int(slot) * slotBytes }

  /// Writes a record's next slot; `sequence` counts its writes from 1. For `.synced` the rows must be on the disk.
  package func save(
    _ record: Int, sequence: UInt64, _ durability: Durability, _ blocks: BlockSet, _ sums: [any Accumulator]
  ) throws {
    try blocks.bytes.withUnsafeBytes { blocks throws in
      let parts = [blocks] + sums.map { UnsafeRawBufferPointer($0.bytes) }
      try writeSlot(record, sequence, durability, parts)
    }
    if durability == .synced { try sync() }
  }

  /// Makes what was saved of other records for this boot outlive the machine, with the next `.synced` save. Their rows
  /// must be on the disk.
  package func keep(_ records: [Int]) throws {
    for record in records {
      guard let found = try load(record, boots: [Self.boot]) else { continue }
      try found.withParts { parts throws in try writeSlot(record, found.sequence + 1, .synced, parts) }
    }
  }

  private func writeSlot(
    _ record: Int, _ sequence: UInt64, _ durability: Durability, _ parts: [UnsafeRawBufferPointer]
  ) throws {
    let slot = offset(record, try olderSlot(record, durability))
    let boot = durability == .synced ? 0 : Self.boot
    var sum = Checksum()
    var place = slot + Self.headerBytes
    for part in parts {
      sum.add(part)
      try write(part, at: place)
      place += part.count
    }
    sum.add(sequence)
    sum.add(boot)
    let header = Self.bytes(sequence) + Self.bytes(sum.value) + Self.bytes(boot)
    try header.withUnsafeBytes { bytes throws in try write(bytes, at: slot) }
  }

  /// Returns the slot of a pair that may be overwritten: the older one. Both kinds of saves share one sequence.
  private func olderSlot(_ record: Int, _ durability: Durability) throws -> UInt64 {
    let first = try header(record, durability.rawValue)?.sequence ?? 0
    let second = try header(record, durability.rawValue + 1)?.sequence ?? 0
    return durability.rawValue + (second < first ? 1 : 0)
  }

  /// Identifies this boot of the machine.
  package static let boot: UInt64 = {
    let text = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)) ?? "unknown"
    return checksum(Array(text.utf8)) | 1
  }()

  package struct Found {
    var sequence: UInt64
    var blocks: BlockSet
    /// Whether it outlives the machine.
    var isSynced: Bool
    fileprivate var bytes: [UInt8]
    /// Where the blocks are in `bytes`, and each of the sums.
    fileprivate var places: [Range<Int>]

    /// Puts the sums into accumulators of the same layout.
    func restore(_ accumulators: [any Accumulator]) {
      withParts { for (sum, part) in zip(accumulators, $0.dropFirst()) { sum.bytes.copyBytes(from: part) } }
    }

    func combine(into accumulators: [any Accumulator]) {
      withParts { for (sum, part) in zip(accumulators, $0.dropFirst()) { sum.combine(part) } }
    }

    /// The bytes of the blocks and of each of the sums.
    fileprivate func withParts(_ body: ([UnsafeRawBufferPointer]) throws -> Void) rethrows {
      try bytes.withUnsafeBytes { bytes in
        try body(places.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) })
      }
    }
  }

  private struct SlotHeader {
    var place: Int
    var sequence, sum, boot: UInt64
  }

  /// The newest whole slot of a record; nil where it was never written.
  /// - Parameter boots: of the machines whose unsynced saves are known to be complete
  package func load(_ record: Int, boots: Set<UInt64>) throws -> Found? {
    let headers = try (0..<4 as Range<UInt64>).compactMap { try header(record, $0) }
      .filter { $0.boot == 0 || boots.contains($0.boot) }
    for header in headers.sorted(by: { $0.sequence > $1.sequence }) {
      if let found = try content(header) { return found }
    }
    return nil
  }

  private func header(_ record: Int, _ slot: UInt64) throws -> SlotHeader? {
    let place = offset(record, slot)
    guard fileSize() >= place + Self.headerBytes + contentBytes else { return nil }
    var header = [UInt8](repeating: 0, count: Self.headerBytes)
    try header.withUnsafeMutableBytes { bytes throws in try read(bytes, at: place) }
    let sequence = Self.number(header[0..<8])
    guard sequence > 0 else { return nil }
    return SlotHeader(
      place: place, sequence: sequence, sum: Self.number(header[8..<16]), boot: Self.number(header[16..<24]))
  }

  private func content(_ header: SlotHeader) throws -> Found? {
    // Reuses the memory of the previous record once it is released: new pages take longer than reading.
    var rest = lastContent
    lastContent = []
    // Sums begin where numbers may.
    let lead = -blockBytes & 15
    var places: [Range<Int>] = []
    for count in [blockBytes] + parts {
      let begin = places.last?.upperBound ?? lead
      places.append(begin..<begin + count)
    }
    if rest.count != lead + contentBytes { rest = [UInt8](repeating: 0, count: lead + contentBytes) }
    try rest.withUnsafeMutableBytes { bytes throws in
      try read(UnsafeMutableRawBufferPointer(rebasing: bytes[lead...]), at: header.place + Self.headerBytes)
    }
    lastContent = rest
    let found = Found(
      sequence: header.sequence, blocks: BlockSet(bytes: Array(rest[places[0]])), isSynced: header.boot == 0,
      bytes: rest, places: places)
    var sum = Checksum()
    found.withParts { for part in $0 { sum.add(part) } }
    sum.add(header.sequence)
    sum.add(header.boot)
    return sum.value == header.sum ? found : nil
  }

  /// Number of records for which the file has space so far.
  package func recordCount() -> Int { max(0, (fileSize() - start + recordBytes - 1) / recordBytes) }

  private func fileSize() -> Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  // MARK: bytes

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure(.inputOutput, "cannot be written at byte \(offset + done)") }
      done += count
    }
  }

  private func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    var done = 0
    while done < bytes.count {
      let count = pread(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      if count == 0 { errno = ENODATA }
      guard count > 0 else { throw failure(.inputOutput, "cannot be read at byte \(offset + done)") }
      done += count
    }
  }

  private func failure(_ code: ExitCode, _ what: String) -> Problem {
    Problem(writing: path, code, what, errno: errno)
  }

  private static func bytes(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

  private static func number(_ bytes: some Collection<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// A 64-bit checksum that distinguishes an intact slot from a torn one: multiply–rotate over 8-byte words (after wyhash's and
/// FNV's mixing; not cryptographic), long stretches in four chains, for a step waits for the one before in its chain.
package struct Checksum {
  package init() {}

  package private(set) var value: UInt64 = 0x9e37_79b9_7f4a_7c15

  @inline(__always) private static func mixed(_ value: UInt64, _ word: UInt64) -> UInt64 {
    let product = (value ^ word) &* 0xff51_afd7_ed55_8ccd
    return product << 31 | product >> 33
  }

  package mutating func add(_ word: UInt64) { value = Self.mixed(value, word) }

  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    func word(_ place: Int) -> UInt64 { bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) }
    var (a, b, c, d) = (value, ~value, value &+ 1, ~value &+ 1)
    var place = 0
    while place + 32 <= bytes.count {
      (a, b) = (Self.mixed(a, word(place)), Self.mixed(b, word(place + 8)))
      (c, d) = (Self.mixed(c, word(place + 16)), Self.mixed(d, word(place + 24)))
      place += 32
    }
    for chain in [a, b, c, d] { add(chain) }
    for byte in bytes[place...] { add(UInt64(byte)) }
    add(UInt64(bytes.count))
  }
}

extension Ranks {
  /// `Checkpoint.boot` of every rank's machine; collective.
  package func boots() throws -> [UInt64] {
    try allGather(Int(bitPattern: UInt(Checkpoint.boot))).map { UInt64(UInt(bitPattern: $0)) }
  }
}

package func checksum(_ bytes: [UInt8]) -> UInt64 {
  var sum = Checksum()
  bytes.withUnsafeBytes { sum.add($0) }
  return sum.value
}

extension FileManager {
  fileprivate func contents(atPath path: String, prefix: Int) -> Data? {
    guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
    defer { try? handle.close() }
    return try? handle.read(upToCount: prefix)
  }
}
