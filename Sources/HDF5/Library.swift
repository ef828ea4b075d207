import CHDF5
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The HDF5 library of this process.
public enum HDF5Library {
  /// `1.10.8`. The corresponding C function is `H5get_libversion`.
  public static var version: String {
    var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
    withLibrary { _ = H5get_libversion(&major, &minor, &release) }
    return "\(major).\(minor).\(release)"
  }

  /// Starts the library, which takes a millisecond; else the first file does. The corresponding C function is `H5open`.
  ///
  /// Also takes memory that all of a run then uses in turn: new memory costs a page fault per 4 KiB (2 µs on a virtual
  /// machine), and the library alone takes and frees half a megabyte for every file that it opens.
  public static func start() {
    ronchi_keep_memory(4 << 20)
    _ = pluginsAreReady
  }

  /// Whether files can be opened by several ranks at once (`H5_HAVE_PARALLEL`).
  public static var isParallel: Bool { ronchi_h5_is_parallel() != 0 }

  static let leftOpen = Atomic<Bool>(false)

  /// Whether something could not be closed: a file on a full disk. Version 1.10 crashes on it where it clears up, which it
  /// does when MPI ends or the process exits; `_exit` is left.
  public static var cannotClearUp: Bool { leftOpen.load(ordering: .relaxed) }

  /// From now on the library gives freed memory back instead of keeping it in lists of its own, so that the system's
  /// checks of the heap see what the library does with it. The corresponding C function is `H5set_free_list_limits`.
  public static func giveMemoryBack() {
    withLibrary { _ = H5set_free_list_limits(0, 0, 0, 0, 0, 0) }
  }

  /// Whether a filter is built in or found as a plugin. The corresponding C function is `H5Zfilter_avail`.
  public static func hasFilter(_ number: Int) -> Bool {
    _ = pluginsAreReady
    return withLibrary { H5Zfilter_avail(H5Z_filter_t(number)) > 0 }
  }

  /// Done before the first file is opened: the usual plugin folders, where `HDF5_PLUGIN_PATH` is not set.
  static let pluginsAreReady: Bool = {
    let usual = getenv("HDF5_PLUGIN_PATH") == nil ? usualPluginFolders() : []
    return (try? addPluginFolders(usual)) != nil
  }()

  /// Lets the library find filter plugins in further folders; the usual ones beside the library are known already
  /// unless `HDF5_PLUGIN_PATH` is set. Folders that do not exist are left out, also those that the library lists itself:
  /// HDF5 1.10 ends its search at the first one. The corresponding C functions are `H5PLappend` and `H5PLremove`.
  public static func addPluginFolders(_ folders: [String]) throws(HDF5Error) {
    var known = try pluginFolders()
    for (index, folder) in known.enumerated().reversed() where access(folder, R_OK | X_OK) != 0 {
      try check("H5PLremove", on: folder) { H5PLremove(UInt32(index)) }
    }
    for folder in folders where access(folder, R_OK | X_OK) == 0 && !known.contains(folder) {
      try check("H5PLappend", on: folder) { H5PLappend(folder) }
      known.append(folder)
    }
  }

  /// Where the library looks for filter plugins. The corresponding C function is `H5PLget`.
  public static func pluginFolders() throws(HDF5Error) -> [String] {
    var count: UInt32 = 0
    try check("H5PLsize", on: "plugin folders") { H5PLsize(&count) }
    var folders: [String] = []
    for index in 0..<count {
      folders.append(
        try string("H5PLget", on: "plugin folder \(index)") { H5PLget(index, $0, $1) })
    }
    return folders
  }

  /// The folders of plugins that installations put beside the library, then the library's own default.
  private static func usualPluginFolders() -> [String] {
    let names = ["hdf5/plugin", "hdf5/plugins", "hdf5/lib/plugin", "hdf5/openmpi/plugins", "hdf5/serial/plugins"]
    let beside = libraryFolder().map { folder in names.map { "\(folder)/\($0)" } } ?? []
    return beside + ["/usr/local/hdf5/lib/plugin"]
  }

  /// Path of the loaded library; nil where it is part of the program.
  private static func libraryFolder() -> String? {
    guard let name = ronchi_h5_library_file(), let file = realpath(name, nil) else { return nil }
    defer { free(file) }
    let path = String(cString: file)
    guard let end = path.lastIndex(of: "/"), path[end...].hasPrefix("/libhdf5") else { return nil }
    return String(path[..<end])
  }
}

/// The text of a C function that returns its length when given no buffer.
func string(
  _ call: StaticString, on object: @autoclosure () -> String, _ body: (UnsafeMutablePointer<CChar>?, Int) -> Int
) throws(HDF5Error) -> String {
  let length = try check(call, on: object()) { body(nil, 0) }
  guard length > 0 else { return "" }
  var buffer = [CChar](repeating: 0, count: length + 1)
  try check(call, on: object()) { body(&buffer, length + 1) }
  return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
