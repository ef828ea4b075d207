import CHDF5
import MPI

/// An open HDF5 file; also its root group. Closed when it goes away, or by `close()`, which reports errors.
/// Objects opened from it must go away first: a parallel file with open objects is not closed, and `close()` says so.
/// Closing a parallel file is collective: all ranks must leave its scope together, also after an error of one of them.
public struct File: ~Copyable, Container {
  public enum Mode: Sendable {
    case readOnly, readWrite
    /// Creates the file and refuses one that exists.
    case create
    /// Creates the file and empties one that exists.
    case replace
  }

  /// How a file is laid out and accessed.
  public struct Options: Sendable {
    /// Objects of at least `threshold` bytes start at multiples of `boundary` bytes. `H5Pset_alignment`.
    public var alignment: (threshold: Int, boundary: Int)?
    /// Allows the formats of HDF5 1.10 instead of the oldest possible. `H5Pset_libver_bounds`.
    public var allowsNewFormat = false
    /// nil: as the environment says (`HDF5_USE_FILE_LOCKING`). `H5Pset_file_locking`.
    public var locks: Bool?
    /// Bytes before the HDF5 part of a new file; 0 or a power of two from 512. `H5Pset_userblock`.
    public var userBlock = 0
    /// Lets `ChunkPlaces` tell where chunks lie; for files that are read. `H5Pset_driver`.
    public var tellsPlaces = false
    /// Metadata reads are made by one rank for all (parallel files). `H5Pset_all_coll_metadata_ops`.
    public var collectiveMetadata = true

    public init() {}
  }

  public let location: Location
  private let handle: OwnedID

  /// Opens or creates a file; with a communicator all its ranks do so together, through MPI-IO.
  /// The corresponding C functions are `H5Fopen` and `H5Fcreate`.
  public init(
    _ path: String, _ mode: Mode = .readOnly, options: Options = Options(), ranks: Communicator? = nil
  ) throws(HDF5Error) {
    _ = HDF5Library.pluginsAreReady
    let access = try Self.access(options, path)
    if let ranks { try setParallel(access, ranks, options, on: path) }
    handle = try Self.open(path, mode, access, options)
    location = Location(id: handle.id, file: path, path: "/")
  }

  private static func open(
    _ path: String, _ mode: Mode, _ access: borrowing OwnedID, _ options: Options
  ) throws(HDF5Error) -> OwnedID {
    let accessID = access.id
    switch mode {
    case .readOnly, .readWrite:
      let id = try check("H5Fopen", on: path) {
        H5Fopen(path, mode == .readOnly ? ronchi_h5f_read_only() : ronchi_h5f_read_write(), accessID)
      }
      return OwnedID(id, H5Fclose)
    case .create, .replace:
      let creation = try propertyList(ronchi_h5p_file_create())
      try check("H5Pset_obj_track_times", on: path) { H5Pset_obj_track_times(creation.id, false) }
      try check("H5Pset_userblock", on: path) { H5Pset_userblock(creation.id, hsize_t(options.userBlock)) }
      let id = try check("H5Fcreate", on: path) {
        H5Fcreate(path, mode == .create ? ronchi_h5f_exclusive() : ronchi_h5f_truncate(), creation.id, accessID)
      }
      return OwnedID(id, H5Fclose)
    }
  }

  private static func access(_ options: Options, _ path: String) throws(HDF5Error) -> OwnedID {
    let list = try propertyList(ronchi_h5p_file_access())
    if let (threshold, boundary) = options.alignment {
      try check("H5Pset_alignment", on: path) { H5Pset_alignment(list.id, hsize_t(threshold), hsize_t(boundary)) }
    }
    if options.allowsNewFormat {
      try check("H5Pset_libver_bounds", on: path) {
        H5Pset_libver_bounds(list.id, ronchi_h5f_v110(), ronchi_h5f_v110())
      }
    }
    if let locks = options.locks {
      try check("H5Pset_file_locking", on: path) { H5Pset_file_locking(list.id, locks, true) }
    }
    if options.tellsPlaces { try check("H5Pset_driver", on: path) { ronchi_place_use(list.id) } }
    return list
  }

  /// Flushes everything written so far to the operating system. The corresponding C function is `H5Fflush`.
  public func flush() throws(HDF5Error) {
    try check("H5Fflush", on: fileName) { H5Fflush(location.id, H5F_SCOPE_LOCAL) }
  }

  /// Closes the file and reports what goes wrong, such as a full disk. The corresponding C function is `H5Fclose`.
  public consuming func close() throws(HDF5Error) {
    let name = location.file
    try handle.close("H5Fclose", on: name)
  }

  /// Bytes of the file as the library counts them. The corresponding C function is `H5Fget_filesize`.
  public func size() throws(HDF5Error) -> Int {
    var size: hsize_t = 0
    try check("H5Fget_filesize", on: fileName) { H5Fget_filesize(location.id, &size) }
    return Int(clamping: size)
  }

  /// Whether there is an HDF5 file of that name; false for other files. Throws where it cannot be read.
  /// The corresponding C function is `H5Fis_hdf5`.
  public static func isHDF5(_ path: String) throws(HDF5Error) -> Bool {
    try check("H5Fis_hdf5", on: path) { H5Fis_hdf5(path) } > 0
  }
}
