import MPI
import Testing

/// What needs no `MPI_Init`: starting MPI here would leave variables behind that break every mpirun spawned later.
/// Collectives are tested end to end, under mpirun.
@Suite("MPI without starting it")
struct MPITests {
  @Test("the library tells what it is before it is started")
  func versions() {
    #expect(!MPIRuntime.libraryVersion.isEmpty)
    #expect(MPIRuntime.standardVersion.split(separator: ".").count == 2)
    #expect(!MPIRuntime.isInitialised)
    #expect(!MPIRuntime.isRunning)
    #expect(MPIRuntime.launcherMismatch() == nil)
  }

  @Test(
    "one rank where the launcher started several is a mismatch, and the variable is named",
    arguments: [
      ["PMI_SIZE": "4", "PMI_RANK": "0"], ["OMPI_COMM_WORLD_SIZE": "2"], ["MPI_LOCALNRANKS": "3"],
      ["SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "0"], ["PMIX_RANK": "1"],
    ])
  func mismatches(environment: [String: String]) throws {
    let sentence = try #require(MPIRuntime.launcherMismatch(worldSize: 1, environment: environment))
    #expect(environment.keys.contains { sentence.contains("\($0)=") })
    #expect(MPIRuntime.launcherMismatch(worldSize: 2, environment: environment) == nil)
  }

  @Test(
    "a single rank by intent is no mismatch",
    arguments: [
      [:], ["SLURM_NTASKS": "8", "SLURM_PROCID": "0"], ["SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"],
      ["OMPI_COMM_WORLD_SIZE": "1", "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1"], ["PMIX_RANK": "0"],
      ["PMI_SIZE": "1", "PMI_RANK": "0"],
    ] as [[String: String]])
  func falseAlarms(environment: [String: String]) {
    #expect(MPIRuntime.launcherMismatch(worldSize: 1, environment: environment) == nil)
  }
}
