import CMPI

extension Communicator {
  /// C counts are 32 bits: longer messages go in pieces of this many bytes.
  public static let pieceBytes = 1 << 30

  /// Fills `bytes` on every rank with those of `root`; all ranks give the same length.
  /// The corresponding C function is `MPI_Bcast`.
  public func broadcast(
    _ bytes: UnsafeMutableRawBufferPointer, from root: Int = 0, pieceBytes: Int = pieceBytes
  ) throws(MPIError) {
    for offset in stride(from: 0, to: bytes.count, by: pieceBytes) {
      let count = min(pieceBytes, bytes.count - offset)
      let start = bytes.baseAddress.map { $0 + offset }
      try check("MPI_Bcast") { MPI_Bcast(start, Int32(count), ronchi_mpi_byte(), Int32(root), handle) }
    }
  }

  /// Fills `all` on every rank with the bytes of all ranks, in their order. The corresponding C function is
  /// `MPI_Allgatherv`.
  /// - Parameter counts: bytes of every rank
  public func allGather(
    _ mine: UnsafeRawBufferPointer, counts: [Int], into all: UnsafeMutableRawBufferPointer, pieceBytes: Int = pieceBytes
  ) throws(MPIError) {
    guard all.count > pieceBytes else { return try allGatherPiece(mine, counts, all) }
    // A piece of every rank's bytes at a time, and from there to its place.
    let starts = counts.indices.map { counts[..<$0].reduce(0, +) }
    let most = max(1, pieceBytes / size)
    let received = UnsafeMutableRawBufferPointer.allocate(byteCount: most * size, alignment: 16)
    defer { received.deallocate() }
    for offset in stride(from: 0, to: counts.max() ?? 0, by: most) {
      let parts = counts.map { max(0, min(most, $0 - offset)) }
      let total = parts.reduce(0, +)
      let own = UnsafeRawBufferPointer(rebasing: mine[min(offset, mine.count)..<min(offset + most, mine.count)])
      try allGatherPiece(own, parts, UnsafeMutableRawBufferPointer(rebasing: received[..<total]))
      var next = 0
      for (start, part) in zip(starts, parts) where part > 0 {
        let place = UnsafeMutableRawBufferPointer(rebasing: all[(start + offset)..<(start + offset + part)])
        place.copyMemory(from: UnsafeRawBufferPointer(rebasing: received[next..<next + part]))
        next += part
      }
    }
  }

  private func allGatherPiece(
    _ mine: UnsafeRawBufferPointer, _ counts: [Int], _ all: UnsafeMutableRawBufferPointer
  ) throws(MPIError) {
    var starts = [Int32](repeating: 0, count: size)
    for rank in 1..<max(1, size) { starts[rank] = starts[rank - 1] + Int32(counts[rank - 1]) }
    let lengths = counts.map { Int32($0) }
    try check("MPI_Allgatherv") {
      MPI_Allgatherv(
        mine.baseAddress, Int32(mine.count), ronchi_mpi_byte(), all.baseAddress, lengths, starts, ronchi_mpi_byte(),
        handle)
    }
  }
}
