import CMPI

/// How the ranks' whole numbers are combined.
public enum Reduction: Sendable {
  case sum, maximum

  var operation: MPI_Op {
    switch self {
    case .sum: ronchi_mpi_sum()
    case .maximum: ronchi_mpi_max()
    }
  }
}

extension Communicator {
  /// Replaces every number by the combination of all ranks' numbers, on every rank. Floating-point numbers are not among
  /// them, as their sum depends on the number of ranks. The corresponding C function is `MPI_Allreduce`.
  public func allReduce(
    _ values: UnsafeMutableBufferPointer<Int64>, _ reduction: Reduction, pieceBytes: Int = pieceBytes
  ) throws(MPIError) {
    let most = pieceBytes / 8
    for offset in stride(from: 0, to: values.count, by: most) {
      let part = UnsafeMutableBufferPointer(rebasing: values[offset..<min(offset + most, values.count)])
      try check("MPI_Allreduce") {
        MPI_Allreduce(
          ronchi_mpi_in_place(), part.baseAddress, Int32(part.count), ronchi_mpi_int64(), reduction.operation, handle)
      }
    }
  }
}
