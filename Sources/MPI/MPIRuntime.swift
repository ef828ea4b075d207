import CMPI

/// The MPI library of this process: start, stop and what it is.
public enum MPIRuntime {
  /// Starts MPI; only the main thread may call MPI afterwards, and errors return instead of ending the process.
  /// Does nothing when MPI runs already. The corresponding C function is `MPI_Init_thread`.
  public static func initialise() throws(MPIError) {
    guard !isInitialised else { return }
    var provided: Int32 = 0
    try check("MPI_Init_thread") { MPI_Init_thread(nil, nil, ronchi_mpi_thread_funneled(), &provided) }
    for communicator in [ronchi_mpi_comm_world(), ronchi_mpi_comm_self()] {
      try check("MPI_Comm_set_errhandler") { MPI_Comm_set_errhandler(communicator, ronchi_mpi_errors_return()) }
    }
  }

  /// Makes the library load its parts for files, which are plug-ins in Open MPI and take two milliseconds; else the first
  /// file that is opened does. The corresponding C function is `MPI_File_open`.
  public static func loadFiles() {
    var file: MPI_File?
    guard
      MPI_File_open(ronchi_mpi_comm_self(), "/dev/null", MPI_MODE_RDONLY, ronchi_mpi_info_null(), &file)
        == ronchi_mpi_success()
    else { return }
    MPI_File_close(&file)
  }

  /// Stops MPI; every rank calls it, after its parallel files are closed. Does nothing when MPI does not run.
  /// The corresponding C function is `MPI_Finalize`.
  public static func finalise() throws(MPIError) {
    guard isRunning else { return }
    try check("MPI_Finalize") { MPI_Finalize() }
  }

  /// Whether `initialise` was called. The corresponding C function is `MPI_Initialized`.
  public static var isInitialised: Bool {
    var flag: Int32 = 0
    return MPI_Initialized(&flag) == ronchi_mpi_success() && flag != 0
  }

  /// Whether `finalise` was called. The corresponding C function is `MPI_Finalized`.
  public static var isFinalised: Bool {
    var flag: Int32 = 0
    return MPI_Finalized(&flag) == ronchi_mpi_success() && flag != 0
  }

  /// Whether MPI calls are possible now.
  public static var isRunning: Bool { isInitialised && !isFinalised }

  /// First line of the library's version text: `Open MPI v4.1.4, …`. Needs no initialization.
  /// The corresponding C function is `MPI_Get_library_version`.
  public static var libraryVersion: String {
    let full = text { MPI_Get_library_version($0, $1) }
    return String(full.prefix { !$0.isNewline })
  }

  /// The version of the MPI standard the library follows: `3.1`. Needs no initialization.
  /// The corresponding C function is `MPI_Get_version`.
  public static var standardVersion: String {
    var major: Int32 = 0
    var minor: Int32 = 0
    MPI_Get_version(&major, &minor)
    return "\(major).\(minor)"
  }
}
