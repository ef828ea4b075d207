import CMPI

/// A message under way, whose bytes stay where they are until it is done.
public final class Request {
  private var handle: MPI_Request?

  fileprivate init(_ begin: (inout MPI_Request?) throws(MPIError) -> Void) throws(MPIError) { try begin(&handle) }

  /// Whether the bytes were taken over, by the library or by the one who receives them; does not wait.
  /// The corresponding C function is `MPI_Test`.
  public func isDone() throws(MPIError) -> Bool {
    var isDone: Int32 = 0
    try check("MPI_Test") { MPI_Test(&handle, &isDone, ronchi_mpi_status_ignore()) }
    return isDone != 0
  }

  /// Returns once it is done. The corresponding C function is `MPI_Wait`.
  public func wait() throws(MPIError) {
    try check("MPI_Wait") { MPI_Wait(&handle, ronchi_mpi_status_ignore()) }
  }
}

/// Messages between two ranks, each called by the one rank. Tags are 0 ... 32767; messages with one tag from one rank to
/// another arrive in the order in which they were sent.
extension Communicator {
  /// Begins to send less than 2³¹ bytes. The corresponding C function is `MPI_Isend`.
  public func startSend(_ bytes: UnsafeRawBufferPointer, to other: Int, tag: Int) throws(MPIError) -> Request {
    try Request { (request) throws(MPIError) in
      try check("MPI_Isend") {
        MPI_Isend(
          bytes.baseAddress, Int32(bytes.count), ronchi_mpi_byte(), Int32(other), Int32(tag), handle, &request)
      }
    }
  }

  /// Begins to receive a message of less than 2³¹ bytes. The corresponding C function is `MPI_Irecv`.
  public func startReceive(
    _ bytes: UnsafeMutableRawBufferPointer, from other: Int, tag: Int
  ) throws(MPIError) -> Request {
    try Request { (request) throws(MPIError) in
      try check("MPI_Irecv") {
        MPI_Irecv(
          bytes.baseAddress, Int32(bytes.count), ronchi_mpi_byte(), Int32(other), Int32(tag), handle, &request)
      }
    }
  }

  /// The oldest message with the tag that has arrived, from any rank; nil where there is none.
  /// The corresponding C functions are `MPI_Iprobe` and `MPI_Recv`.
  public func takeMessage(tag: Int) throws(MPIError) -> (from: Int, bytes: [UInt8])? {
    var isThere: Int32 = 0
    var status = MPI_Status()
    try check("MPI_Iprobe") { MPI_Iprobe(ronchi_mpi_any_source(), Int32(tag), handle, &isThere, &status) }
    guard isThere != 0 else { return nil }
    var count: Int32 = 0
    try check("MPI_Get_count") { MPI_Get_count(&status, ronchi_mpi_byte(), &count) }
    var bytes = [UInt8](repeating: 0, count: Int(count))
    try check("MPI_Recv") {
      MPI_Recv(
        &bytes, count, ronchi_mpi_byte(), status.MPI_SOURCE, Int32(tag), handle, ronchi_mpi_status_ignore())
    }
    return (Int(status.MPI_SOURCE), bytes)
  }
}
