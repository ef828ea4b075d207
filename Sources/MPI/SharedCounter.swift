import CMPI

/// A number on rank 0 that any rank takes and increases without rank 0 doing anything: dynamic scheduling.
///
/// ```swift
/// let counter = try SharedCounter(on: .world)
/// while case let leaf = try counter.next(), leaf < leafCount { … }
/// try counter.close()
/// ```
public struct SharedCounter: ~Copyable {
  private let communicator: Communicator
  private let window: MPI_Win

  /// Makes a counter that stands at 0; called by all ranks. The corresponding C function is `MPI_Win_allocate`.
  public init(on communicator: Communicator) throws(MPIError) {
    let isHome = communicator.rank == 0
    var memory: UnsafeMutableRawPointer?
    var window: MPI_Win?
    try check("MPI_Win_allocate") {
      MPI_Win_allocate(
        MPI_Aint(isHome ? 8 : 0), 8, ronchi_mpi_info_null(), communicator.handle, &memory, &window)
    }
    guard let window else { throw MPIError(call: "MPI_Win_allocate", code: -1, why: "no window was returned") }
    try check("MPI_Win_set_errhandler") { MPI_Win_set_errhandler(window, ronchi_mpi_errors_return()) }
    let cell = isHome ? memory?.bindMemory(to: Int64.self, capacity: 1) : nil
    try check("MPI_Win_lock_all") { MPI_Win_lock_all(0, window) }
    cell?.pointee = 0
    try check("MPI_Win_sync") { MPI_Win_sync(window) }
    try communicator.barrier()
    self.communicator = communicator
    self.window = window
  }

  /// The counter's value before it is increased by one: 0, 1, 2 … each given to one rank only.
  /// The corresponding C function is `MPI_Fetch_and_op`.
  public borrowing func next() throws(MPIError) -> Int {
    try Int(exchange(1, ronchi_mpi_sum()))
  }

  /// From now on `next` gives every rank a number beyond any work list, so that all loops end: for a rank that failed.
  /// The corresponding C function is `MPI_Fetch_and_op` with `MPI_REPLACE`.
  public borrowing func stop() throws(MPIError) {
    _ = try exchange(Int64.max / 2, ronchi_mpi_replace())
  }

  /// Whether somebody called `stop`. The corresponding C function is `MPI_Fetch_and_op`.
  public borrowing func isStopped() throws(MPIError) -> Bool {
    try exchange(0, ronchi_mpi_sum()) >= Int64.max / 2
  }

  private borrowing func exchange(_ operand: Int64, _ operation: MPI_Op) throws(MPIError) -> Int64 {
    var operand = operand
    var before: Int64 = 0
    try check("MPI_Fetch_and_op") {
      MPI_Fetch_and_op(&operand, &before, ronchi_mpi_int64(), 0, 0, operation, window)
    }
    try check("MPI_Win_flush") { MPI_Win_flush(0, window) }
    return before
  }

  /// Frees the counter; called by all ranks, and waits for them. A counter that goes away without it (a rank that
  /// threw) is abandoned, not freed: freeing there would wait forever for ranks that did not throw.
  /// The corresponding C function is `MPI_Win_free`.
  public consuming func close() throws(MPIError) {
    var handle: MPI_Win? = window
    let window = window
    try check("MPI_Win_unlock_all") { MPI_Win_unlock_all(window) }
    try check("MPI_Win_free") { MPI_Win_free(&handle) }
  }
}
