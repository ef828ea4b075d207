import Engine
import Foundation
import STEM
import USID

/// The names of an output while it is made, and what may happen to one that exists.
struct OutputFile {
  let path: String
  let existing: RunOptions.Existing
  /// Results can be added to; a simulated scan cannot.
  let canAppend: Bool

  /// An existing link is followed: the file that it names is replaced, not the link.
  init(path: String, existing: RunOptions.Existing, canAppend: Bool = true) {
    let url = URL(fileURLWithPath: path)
    let isLink = (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil
    self.path = isLink ? url.resolvingSymlinksInPath().path : path
    self.existing = existing
    self.canAppend = canAppend
  }

  var partial: String { path + ".partial" }
  /// The first one also says which run it is.
  func checkpoint(_ pass: Int) -> String { path + ".partial.checkpoint" + (pass == 0 ? "" : ".\(pass)") }
  /// Of a pass that a stage asks for itself.
  func checkpoint(_ step: Int, part: Int) -> String { "\(path).partial.checkpoint.\(step).part\(part)" }
  /// The state of a stage that iterates on all ranks.
  func state(_ group: Int) -> String { "\(path).partial.solver.\(group).state" }
  /// The state of a solver.
  func solver(_ group: Int) -> String { path + ".partial.solver.\(group)" }
  var measurement: String { path + ".partial.measurement" }
  var lock: String { path + ".partial.lock" }
  var partialExists: Bool { FileManager.default.fileExists(atPath: partial) }
  /// Identifies a state of the existing output.
  var state: String {
    var status = stat()
    guard stat(path, &status) == 0 else { return "" }
    return "\(status.st_size) bytes of \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
  }
  var exists: Bool { FileManager.default.fileExists(atPath: path) }
  private var folder: String { URL(fileURLWithPath: path).deletingLastPathComponent().path }

  /// All that can be said about the output before anything is computed.
  func check(input: String) throws(Problem) {
    try checkPlace(input: input)
    try checkExisting()
  }

  /// Whether the output can be made where it is wanted.
  func checkPlace(input: String) throws(Problem) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw Problem(.cannotCreate, at: path, "the folder \(folder) does not exist; make it first")
    }
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      throw Problem(.cannotCreate, at: path, "is a folder; output.path names a file")
    }
    guard access(folder, W_OK) == 0 else {
      throw Problem(.cannotCreate, at: path, "the folder \(folder) is not writable for this user")
    }
    if absolute(path) == absolute(input) || isSameFile(path, input) {
      throw Problem(
        .cannotCreate, at: path, "is the input itself; the input is never modified, give another output.path")
    }
  }

  func checkExisting() throws(Problem) {
    guard exists else { return }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Problem(.cannotCreate, at: path, "is no regular file; output.path names a file to be made")
    }
    if existing == .refuse {
      throw Problem(
        .cannotCreate, at: path,
        canAppend
          ? "exists; use --append to add results to a copy that replaces it, or --overwrite"
          : "exists; use --overwrite to replace it")
    }
    // Only what this program wrote is replaced or added to: a job file or a mask given by mistake stays.
    guard canAppend ? ResultCatalog.isResultFile(path) : ScanFile.isScanFile(path) else {
      throw Problem(
        .cannotCreate, at: path,
        "exists and was not written by \(canAppend ? "ronchi run" : "ronchi simulate"); it is not touched: remove it "
          + "yourself, or choose another output")
    }
  }

  private func isSameFile(_ a: String, _ b: String) -> Bool {
    var first = stat()
    var second = stat()
    guard stat(a, &first) == 0, stat(b, &second) == 0 else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  /// A copy of the existing file under the partial name: shared blocks where the file system can.
  func copyForAppending() throws(Problem) {
    removePartial()
    if clone() { return }
    removePartial()
    do { try FileManager.default.copyItem(atPath: path, toPath: partial) } catch {
      throw Problem(.inputOutput, at: partial, "\(path) cannot be copied: \(error.localizedDescription)")
    }
  }

  private func clone() -> Bool {
    let source = open(path, O_RDONLY | O_CLOEXEC)
    guard source >= 0 else { return false }
    defer { close(source) }
    let target = open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard target >= 0 else { return false }
    defer { close(target) }
    let cloneRequest: UInt = 0x4004_9409  // FICLONE, an ioctl number that the C importer does not see
    return ioctl(target, cloneRequest, source) == 0
  }

  func removePartial() {
    for name in [partial, measurement] { unlink(name) }
    let url = URL(fileURLWithPath: path)
    let prefixes = ["checkpoint", "solver."].map { url.lastPathComponent + ".partial." + $0 }
    // Folders of results can be large, and Foundation takes its time.
    guard let list = opendir(folder) else { return }
    defer { closedir(list) }
    while let entry = readdir(list) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
      }
      if prefixes.contains(where: name.hasPrefix) { unlink(folder + "/" + name) }
    }
  }

  /// Brings what is written so far to the disk, so that from now on the unfinished run outlives the machine. On the
  /// machine where the output was laid out.
  func settle() throws {
    try Self.sync(partial)
    var pass = 1
    while FileManager.default.fileExists(atPath: checkpoint(pass)) {
      try Self.sync(checkpoint(pass))
      pass += 1
    }
    try Checkpoint(checkpoint(0), blockCount: 0, sums: []).confirm()
  }

  /// Lets the system begin to write what was laid out, so that less is left to wait for in the end: Linux does so when it
  /// is told that the pages are not needed, and keeps those that it has to write.
  func beginSync() {
    let descriptor = open(partial, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
  }

  /// Gives the finished file its name, after the last byte of it is on the disk.
  func publish() throws(Problem) {
    try Self.sync(partial)
    guard rename(partial, path) == 0 else {
      throw Self.failure(.cannotCreate, path, "cannot take the place of the output")
    }
    try Self.sync(folder)
  }

  /// Returns once everything written to a file is on the disk.
  static func sync(_ path: String) throws(Problem) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(.inputOutput, path, "cannot be opened to be synced") }
    defer { close(descriptor) }
    // Some network file systems refuse to sync a folder; the file itself was synced by then.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(.inputOutput, path, "cannot be synced") }
  }

  private static func failure(_ code: ExitCode, _ place: String, _ what: String) -> Problem {
    Problem(writing: place, code, what, errno: errno)
  }
}
