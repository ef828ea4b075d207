import CMPI

/// A message that was begun. It owns its bytes until it is done.
public final class Message {
  private var handle: MPI_Request?
  private let bytes: UnsafeMutableRawBufferPointer

  fileprivate init(_ content: [UInt8], _ begin: (UnsafeMutableRawPointer?, inout MPI_Request?) throws -> Void) throws {
    bytes = .allocate(byteCount: content.count, alignment: 8)
    bytes.copyBytes(from: content)
    try begin(bytes.baseAddress, &handle)
  }

  /// What nobody waited for may still be read by the library: its bytes stay.
  deinit {
    if handle == ronchi_mpi_request_null() { bytes.deallocate() }
  }

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

extension Communicator {
  /// Begins to send a short message; called by the one rank. Messages of one tag arrive in the order in which they were
  /// sent. The corresponding C function is `MPI_Isend`.
  /// - Parameter tag: 0...32767
  public func startSend(_ bytes: [UInt8], to other: Int, tag: Int) throws -> Message {
    try Message(bytes) { start, request throws(MPIError) in
      try check("MPI_Isend") {
        MPI_Isend(start, Int32(bytes.count), ronchi_mpi_byte(), Int32(other), Int32(tag), handle, &request)
      }
    }
  }

  /// The oldest message with the tag that has arrived, from any rank; nil where there is none. Called by the one rank.
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
