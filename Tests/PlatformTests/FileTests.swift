import Foundation
import HDF5
import Testing

@Suite("HDF5 files, groups and errors")
struct FileTests {
  let scratch = Scratch()

  /// The error a body throws.
  private func failure(_ body: () throws -> Void) throws -> HDF5Error {
    var caught: HDF5Error?
    do { try body() } catch { caught = error as? HDF5Error }
    return try #require(caught)
  }

  @Test("groups tell what is in them and links are not followed")
  func children() throws {
    let path = scratch.path()
    let file = try File(path, .create)
    try file.createGroup("/measurement/channel")
    try file.createDataset("measurement/raw", shape: [2], of: .u8)
    try file.createHardLink("/again/raw", to: "/measurement/raw")
    try file.createSoftLink("soft", to: "/measurement/raw")
    try file.createSoftLink("dangling", to: "/nowhere")
    try file.createExternalLink("outside", to: "other.h5", "/data")
    #expect(
      try file.children() == [
        Child(name: "again", kind: .group), Child(name: "dangling", kind: .softLink("/nowhere")),
        Child(name: "measurement", kind: .group),
        Child(name: "outside", kind: .externalLink(file: "other.h5", path: "/data")),
        Child(name: "soft", kind: .softLink("/measurement/raw")),
      ])
    let group = try file.openGroup("measurement")
    #expect(try group.children().map(\.name) == ["channel", "raw"])
    #expect(group.path == "/measurement")
    #expect(try group.openDataset("raw").path == "/measurement/raw")
    let present = ["/", "measurement", "/measurement/channel", "soft", "again/raw"]
    for name in present { #expect(try file.exists(name), "\(name)") }
    let absent = ["nothing", "measurement/none/deeper", "dangling", "outside", "measurement/raw/deeper"]
    for name in absent { #expect(try !file.exists(name), "\(name)") }
    #expect(try file.identity(of: "again/raw") == file.openDataset("measurement/raw").identity())
    #expect(try file.identity(of: "again") != file.identity(of: "measurement"))
    try file.remove("soft")
    #expect(try !file.exists("soft"))
  }

  @Test("an error names call, object and reason in one line, and nothing is printed")
  func errorText() throws {
    let path = scratch.path()
    let file = try File(path, .create)
    var thrown: HDF5Error?
    let printed = try standardError { thrown = try failure { _ = try file.openDataset("no/such/thing") } }
    let missing = try #require(thrown)
    #expect(missing.call == "H5Dopen2")
    #expect(missing.object == "\(path):/no/such/thing")
    #expect(missing.why == "object '/no' doesn't exist")
    #expect(missing.kind == .missingObject)
    #expect("\(missing)".contains("H5Dopen2 failed on \(path):/no/such/thing: "))
    #expect(!"\(missing)".contains("\n"))
    #expect(!printed.contains("HDF5-DIAG"))
  }

  @Test("what a caller reacts to has a kind of its own")
  func kinds() throws {
    let absent = try failure { _ = try File(scratch.path("absent.h5")) }
    #expect(absent.kind == .missingFile, "\(absent)")
    #expect(absent.why.contains("No such file or directory"))

    let text = scratch.path("text.h5")
    try "this is no HDF5 file, whatever its name says".write(toFile: text, atomically: true, encoding: .utf8)
    #expect(try failure { _ = try File(text) }.kind == .notHDF5)
    #expect(try !File.isHDF5(text))

    let path = scratch.path()
    try File(path, .create).close()
    #expect(try File.isHDF5(path))
    let present = try failure { _ = try File(path, .create) }
    #expect(present.kind == .fileExists, "\(present)")

    let short = scratch.path("short.h5")
    do {
      let file = try File(short, .create)
      try file.createDataset("x", shape: [10_000], of: .f64).write([Double](repeating: 1, count: 10_000))
    }
    try FileManager.default.copyItem(atPath: short, toPath: scratch.path("cut.h5"))
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: scratch.path("cut.h5")))
    try handle.truncate(atOffset: 20_000)
    try handle.close()
    let cut = try failure { _ = try File(scratch.path("cut.h5")) }
    #expect(cut.kind == .truncated, "\(cut)")

    let folder = try failure { _ = try File(scratch.folder.appendingPathComponent("none/x.h5").path, .create) }
    #expect(folder.kind == .missingFile, "\(folder)")
  }

  @Test("a full disk is reported as such", .enabled(if: FileManager.default.isWritableFile(atPath: "/dev/full")))
  func fullDisk() throws {
    let full = try failure {
      let file = try File("/dev/full", .replace)
      try file.createDataset("x", shape: [100_000], of: .f64).write([Double](repeating: 1, count: 100_000))
      try file.close()
    }
    #expect(full.kind == .diskFull, "\(full)")
  }

  @Test("what was flushed can be read by others while the file is still open")
  func flushing() throws {
    let path = scratch.path()
    let file = try File(path, .create)
    let data = try file.createDataset("x", shape: [3], of: .i32)
    try file.flush()
    try data.write([1, 2, 3] as [Int32])
    try file.flush()
    try FileManager.default.copyItem(atPath: path, toPath: scratch.path("copy.h5"))
    #expect(try File(scratch.path("copy.h5")).openDataset("x").values(as: Int32.self) == [1, 2, 3])
    #expect(try file.size() > 0)
  }

  @Test("the library tells its version and whether it is parallel; deflate is built in")
  func library() throws {
    #expect(HDF5Library.version.split(separator: ".").count == 3)
    #expect(HDF5Library.isParallel)
    #expect(HDF5Library.hasFilter(1))
    #expect(!HDF5Library.hasFilter(31_999))
    try HDF5Library.addPluginFolders([scratch.folder.path, "/no/such/folder"])
    try HDF5Library.addPluginFolders([scratch.folder.path])
    // HDF5 ends its search at the first folder that is missing: none may be listed.
    for folder in try HDF5Library.pluginFolders() {
      #expect(FileManager.default.fileExists(atPath: folder), "\(folder)")
    }
    let folders = try HDF5Library.pluginFolders()
    #expect(folders.filter { $0 == scratch.folder.path }.count == 1)
    #expect(!folders.contains("/no/such/folder"))
  }

  /// What a body prints on standard error.
  private func standardError(_ body: () throws -> Void) throws -> String {
    let path = scratch.path("stderr")
    try Data().write(to: URL(fileURLWithPath: path))
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    let saved = dup(2)
    dup2(handle.fileDescriptor, 2)
    defer { close(saved) }
    do {
      defer { dup2(saved, 2) }
      try body()
    }
    return try String(contentsOfFile: path, encoding: .utf8)
  }
}
