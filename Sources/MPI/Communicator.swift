import CMPI

/// A group of ranks that talk to each other. Except for `rank` and `size`, everything here is called by all of them.
/// Use it from the main thread only.
public final class Communicator: @unchecked Sendable {
  /// The C handle, for the one file of another target that passes it to a C library.
  public let handle: MPI_Comm
  /// This process's number, from 0. The corresponding C function is `MPI_Comm_rank`.
  public let rank: Int
  /// How many ranks there are. The corresponding C function is `MPI_Comm_size`.
  public let size: Int
  private let isOwned: Bool

  /// All ranks of the job (`MPI_COMM_WORLD`); MPI must run.
  public static let world = predefined(ronchi_mpi_comm_world())
  /// This rank alone (`MPI_COMM_SELF`); MPI must run.
  public static let alone = predefined(ronchi_mpi_comm_self())

  private init(_ handle: MPI_Comm, isOwned: Bool) throws(MPIError) {
    var rank: Int32 = 0
    var size: Int32 = 0
    try check("MPI_Comm_rank") { MPI_Comm_rank(handle, &rank) }
    try check("MPI_Comm_size") { MPI_Comm_size(handle, &size) }
    self.handle = handle
    self.rank = Int(rank)
    self.size = Int(size)
    self.isOwned = isOwned
  }

  deinit {
    guard isOwned, MPIRuntime.isRunning else { return }
    var handle: MPI_Comm? = handle
    MPI_Comm_free(&handle)
  }

  private static func predefined(_ handle: MPI_Comm) -> Communicator {
    precondition(MPIRuntime.isRunning, "MPI is used before MPIRuntime.initialise() or after finalise()")
    do throws(MPIError) { return try Communicator(handle, isOwned: false) } catch { fatalError("\(error)") }
  }

  /// The ranks that share memory with this one: those of its node.
  /// The corresponding C function is `MPI_Comm_split_type`.
  public func node() throws(MPIError) -> Communicator {
    var part: MPI_Comm?
    try check("MPI_Comm_split_type") {
      MPI_Comm_split_type(handle, ronchi_mpi_comm_type_shared(), Int32(rank), ronchi_mpi_info_null(), &part)
    }
    return try owned(part, "MPI_Comm_split_type")
  }

  private func owned(_ part: MPI_Comm?, _ call: String) throws(MPIError) -> Communicator {
    guard let part else { throw MPIError(call: call, code: -1, why: "no communicator was returned") }
    return try Communicator(part, isOwned: true)
  }

  /// Returns once every rank has called it. The corresponding C function is `MPI_Barrier`.
  public func barrier() throws(MPIError) {
    try check("MPI_Barrier") { MPI_Barrier(handle) }
  }

  /// Returns once every rank has called it; until then calls `meanwhile` again and again. When that throws, the barrier
  /// is passed anyway; then the error is thrown. The corresponding C function is `MPI_Ibarrier`.
  public func barrier(meanwhile: () throws -> Void) throws {
    var request: MPI_Request?
    try check("MPI_Ibarrier") { MPI_Ibarrier(handle, &request) }
    var outcome = Result<Void, any Error>.success(())
    func isPassed() throws(MPIError) -> Bool {
      var isPassed: Int32 = 0
      try check("MPI_Test") { MPI_Test(&request, &isPassed, ronchi_mpi_status_ignore()) }
      return isPassed != 0
    }
    while try !isPassed() {
      if case .success = outcome { outcome = Result { try meanwhile() } }
    }
    try outcome.get()
  }

  /// Ends all ranks at once, without agreement: the last resort. The corresponding C function is `MPI_Abort`.
  public func abort(_ code: Int32) -> Never {
    MPI_Abort(handle, code)
    fatalError("MPI_Abort returned")
  }
}
