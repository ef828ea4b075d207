#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Variables by which launchers tell a process how many ranks they started. `SLURM_NTASKS` is not among them: it
/// describes the allocation and is set in a batch script that never called `srun`.
private let sizeVariables = [
  "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_SIZE", "PALS_LOCAL_SIZE",
]

/// Variables that hold a rank, where the number of ranks is not told.
private let rankVariables = ["PMIX_RANK", "PMI_RANK", "PALS_RANKID"]

extension MPIRuntime {
  /// Returns one sentence when MPI sees one rank although a launcher started several: the launcher belongs to
  /// another MPI than the linked one, and every process would do the whole job. nil when all is well.
  public static func launcherMismatch() -> String? {
    guard isRunning else { return nil }
    var environment: [String: String] = [:]
    for name in sizeVariables + rankVariables + ["SLURM_STEP_NUM_TASKS", "SLURM_PROCID"] {
      if let value = getenv(name) { environment[name] = String(cString: value) }
    }
    return launcherMismatch(worldSize: Communicator.world.size, environment: environment)
  }

  /// The rule behind `launcherMismatch()`, without a running MPI.
  public static func launcherMismatch(worldSize: Int, environment: [String: String]) -> String? {
    guard worldSize == 1 else { return nil }
    func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
    func sentence(_ what: String) -> String {
      "MPI sees a single rank but \(what): the launcher does not belong to the linked MPI (\(libraryVersion)); "
        + "start with its own mpirun, or with srun and the --mpi type it was built for"
    }
    for name in sizeVariables {
      if let count = number(name), count > 1 { return sentence("\(name)=\(count)") }
    }
    // A launcher that told the size is believed: under `mpirun -n 1` the step is that of mpirun's own daemons.
    if sizeVariables.contains(where: { environment[$0] != nil }) { return nil }
    // Only inside a step does a task have a number; a batch script's own step has one task.
    if let count = number("SLURM_STEP_NUM_TASKS"), count > 1, environment["SLURM_PROCID"] != nil {
      return sentence("SLURM_STEP_NUM_TASKS=\(count)")
    }
    for name in rankVariables {
      if let rank = number(name), rank > 0 { return sentence("\(name)=\(rank)") }
    }
    return nil
  }
}
