import CMPI

/// A number MPI can add and compare.
public protocol MPINumber: BitwiseCopyable, Sendable {
  static var mpiType: MPI_Datatype { get }
}

extension Int32: MPINumber { public static var mpiType: MPI_Datatype { ronchi_mpi_int32() } }
extension UInt32: MPINumber { public static var mpiType: MPI_Datatype { ronchi_mpi_uint32() } }
extension Int64: MPINumber { public static var mpiType: MPI_Datatype { ronchi_mpi_int64() } }
extension UInt64: MPINumber { public static var mpiType: MPI_Datatype { ronchi_mpi_uint64() } }
extension Int: MPINumber { public static var mpiType: MPI_Datatype { ronchi_mpi_int64() } }
extension Float: MPINumber { public static var mpiType: MPI_Datatype { ronchi_mpi_float() } }
extension Double: MPINumber { public static var mpiType: MPI_Datatype { ronchi_mpi_double() } }

/// How the ranks' values are combined. A floating sum's rounding depends on the number of ranks; an integer's does not.
public enum Reduction: Sendable {
  case sum, minimum, maximum

  var operation: MPI_Op {
    switch self {
    case .sum: ronchi_mpi_sum()
    case .minimum: ronchi_mpi_min()
    case .maximum: ronchi_mpi_max()
    }
  }
}

/// Elements per call: C counts are 32 bits.
private let largestPiece = 1 << 27

extension Communicator {
  /// Replaces every element by the combination of all ranks' elements, on every rank.
  /// The corresponding C function is `MPI_Allreduce`.
  public func allReduce<Number: MPINumber>(
    _ values: UnsafeMutableBufferPointer<Number>, _ reduction: Reduction
  ) throws(MPIError) {
    for offset in stride(from: 0, to: values.count, by: largestPiece) {
      let part = UnsafeMutableBufferPointer(rebasing: values[offset..<min(offset + largestPiece, values.count)])
      try check("MPI_Allreduce") {
        MPI_Allreduce(
          ronchi_mpi_in_place(), part.baseAddress, Int32(part.count), Number.mpiType, reduction.operation, handle)
      }
    }
  }

  /// The combination of all ranks' arrays, element by element, on every rank.
  /// The corresponding C function is `MPI_Allreduce`.
  public func allReduce<Number: MPINumber>(
    _ values: [Number], _ reduction: Reduction
  ) throws(MPIError) -> [Number] {
    var result = values
    try result.withUnsafeMutableBufferPointer { buffer throws(MPIError) in try allReduce(buffer, reduction) }
    return result
  }

  /// The combination of all ranks' values, on every rank. The corresponding C function is `MPI_Allreduce`.
  public func allReduce<Number: MPINumber>(_ value: Number, _ reduction: Reduction) throws(MPIError) -> Number {
    try allReduce([value], reduction)[0]
  }

  /// Replaces every element on `root` by the combination of all ranks' elements; the other ranks keep theirs.
  /// The corresponding C function is `MPI_Reduce`.
  public func reduce<Number: MPINumber>(
    _ values: UnsafeMutableBufferPointer<Number>, _ reduction: Reduction, to root: Int = 0
  ) throws(MPIError) {
    for offset in stride(from: 0, to: values.count, by: largestPiece) {
      let part = UnsafeMutableBufferPointer(rebasing: values[offset..<min(offset + largestPiece, values.count)])
      let mine = rank == root ? ronchi_mpi_in_place() : UnsafeRawPointer(part.baseAddress)
      let target = rank == root ? UnsafeMutableRawPointer(part.baseAddress) : nil
      try check("MPI_Reduce") {
        MPI_Reduce(mine, target, Int32(part.count), Number.mpiType, reduction.operation, Int32(root), handle)
      }
    }
  }

  /// The combination of all ranks' arrays, on `root`; nil elsewhere. The corresponding C function is `MPI_Reduce`.
  public func reduce<Number: MPINumber>(
    _ values: [Number], _ reduction: Reduction, to root: Int = 0
  ) throws(MPIError) -> [Number]? {
    var result = values
    try result.withUnsafeMutableBufferPointer { buffer throws(MPIError) in
      try reduce(buffer, reduction, to: root)
    }
    return rank == root ? result : nil
  }
}
