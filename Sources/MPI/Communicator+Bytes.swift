import CMPI

/// C counts are 32 bits: longer messages go in pieces of this many bytes.
private let largestPiece = 1 << 30

extension Communicator {
  /// Fills `bytes` on every rank with those of `root`; all ranks give the same length.
  /// The corresponding C function is `MPI_Bcast`.
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int = 0) throws(MPIError) {
    var offset = 0
    while offset < bytes.count {
      let count = min(largestPiece, bytes.count - offset)
      let start = bytes.baseAddress.map { $0 + offset }
      try check("MPI_Bcast") { MPI_Bcast(start, Int32(count), ronchi_mpi_byte(), Int32(root), handle) }
      offset += count
    }
  }

  /// The bytes of `root`; the other ranks' argument is ignored and need not have its length.
  /// The corresponding C function is `MPI_Bcast`.
  public func broadcast(_ bytes: [UInt8], from root: Int = 0) throws(MPIError) -> [UInt8] {
    var count = Int64(rank == root ? bytes.count : 0)
    try check("MPI_Bcast") { MPI_Bcast(&count, 1, ronchi_mpi_int64(), Int32(root), handle) }
    var result = rank == root ? bytes : [UInt8](repeating: 0, count: Int(count))
    try result.withUnsafeMutableBufferPointer { buffer throws(MPIError) in
      try broadcast(UnsafeMutableRawBufferPointer(buffer), from: root)
    }
    return result
  }

  /// The text of `root`; the other ranks' argument is ignored. The corresponding C function is `MPI_Bcast`.
  public func broadcast(_ text: String, from root: Int = 0) throws(MPIError) -> String {
    String(decoding: try broadcast(Array(text.utf8), from: root), as: UTF8.self)
  }

  /// Every rank's bytes in the order of the ranks, on `root`; nil elsewhere. Lengths may differ.
  /// The corresponding C function is `MPI_Gatherv`.
  public func gather(_ bytes: [UInt8], to root: Int = 0) throws(MPIError) -> [[UInt8]]? {
    let lengths = try allGather(bytes.count)
    let piece = min(largestPiece, Int(Int32.max) / size)
    var result = rank == root ? lengths.map { [UInt8](repeating: 0, count: $0) } : nil
    for offset in stride(from: 0, to: lengths.max() ?? 0, by: piece) {
      let counts = lengths.map { Int32(max(0, min(piece, $0 - offset))) }
      let starts = counts.indices.map { counts[..<$0].reduce(0, +) }
      var received = [UInt8](repeating: 0, count: rank == root ? counts.reduce(0) { $0 + Int($1) } : 0)
      try bytes.withUnsafeBufferPointer { mine throws(MPIError) in
        let start = mine.baseAddress.map { $0 + min(offset, mine.count) }
        try check("MPI_Gatherv") {
          MPI_Gatherv(
            start, counts[rank], ronchi_mpi_byte(), &received, counts, starts, ronchi_mpi_byte(), Int32(root), handle)
        }
      }
      guard result != nil else { continue }
      for other in 0..<size {
        let part = Int(starts[other])..<Int(starts[other] + counts[other])
        result?[other].replaceSubrange(offset..<(offset + part.count), with: received[part])
      }
    }
    return result
  }

  /// Every rank's value, on every rank, in the order of the ranks. The corresponding C function is `MPI_Allgather`.
  public func allGather(_ value: Int) throws(MPIError) -> [Int] {
    var mine = Int64(value)
    var all = [Int64](repeating: 0, count: size)
    try check("MPI_Allgather") {
      MPI_Allgather(&mine, 1, ronchi_mpi_int64(), &all, 1, ronchi_mpi_int64(), handle)
    }
    return all.map { Int($0) }
  }
}
