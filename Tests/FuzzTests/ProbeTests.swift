import Foundation
import FuzzSupport
import HDF5
import STEM
import Synchronization
import TestSupport
import Testing

@testable import Formats

/// These start `ronchi-fuzz` as the child.
@Suite("HDF5 files are opened in a child process first", .serialized)
struct ProbeTests {
  private let folder = FuzzFolder()

  init() {
    HDF5ProbeProcess.program.withLock { $0 = driver }
  }

  private func good() throws -> String { folder.write(try Seeds.hdf5()[0], to: "good-\(UUID().uuidString).h5") }

  private func run(_ task: HDF5ProbeTask, structure: Double = 20) -> HDF5ProbeProcess.Verdict {
    HDF5ProbeProcess.run(task, .init(seconds: structure, framesOf: 0))
  }

  @Test("a good file passes, as do files that are refused in the ordinary way, and files of other kinds")
  func passes() throws {
    try HDF5Probe.check(InputRequest(path: try good()))
    try HDF5Probe.check(everythingIn: try good())
    try HDF5Probe.check(array: "\(try good()):/entry/frames")
    try HDF5Probe.check(InputRequest(path: folder.path("missing.h5")))
    try HDF5Probe.check(InputRequest(path: folder.write(Seeds.npy[0], to: "scan.npy")))
    var request = InputRequest(path: try good())
    request.dataset = "/nothing"
    request.scanShape = Shape(1 << 40, 1 << 40)
    try HDF5Probe.check(request)
    let cut = folder.write(try Seeds.hdf5()[3].prefix(700), to: "cut.h5")
    try HDF5Probe.check(InputRequest(path: cut))
    #expect(problem { _ = try openInput(InputRequest(path: cut)) }?.code == .badData)
  }

  @Test(
    "a crash, a hang and greed become one problem that names the file",
    arguments: [
      ("kill -SEGV $$", HDF5ProbeProcess.Verdict.crashed(signal: SIGSEGV), "SIGSEGV"),
      ("printf S; kill -ABRT $$", .crashed(signal: SIGABRT), "SIGABRT"), ("exec sleep 60", .hung, "more than 1 s"),
      ("printf M; exec sleep 60", .hungry, "1024 MiB"), ("exit 0", .passed, ""), ("exit 3", .passed, ""),
    ])
  func verdicts(script: String, verdict: HDF5ProbeProcess.Verdict, words: String) throws {
    let folder = try TemporaryFolder()
    let child = try folder.write("#!/bin/sh\n\(script)\n", to: "child")
    #expect(chmod(child, 0o700) == 0)
    HDF5ProbeProcess.program.withLock { $0 = child }
    #expect(run(HDF5ProbeTask(.input, try good()), structure: 1) == verdict)
    let found = HDF5Probe.problem(verdict, at: "scan.h5", seconds: 1)
    guard verdict != .passed else { return #expect(found == nil) }
    #expect(found?.code == .badData && found?.place == "scan.h5")
    #expect(found?.message.contains(words) == true, "\(found?.message ?? "none")")
  }

  @Test("a large file whose frames take long passes; a small one does not")
  func patience() throws {
    let folder = try TemporaryFolder()
    let child = try folder.write("#!/bin/sh\nprintf S\nexec sleep 60\n", to: "child")
    #expect(chmod(child, 0o700) == 0)
    HDF5ProbeProcess.program.withLock { $0 = child }
    let task = HDF5ProbeTask(.input, try good())
    #expect(HDF5ProbeProcess.run(task, .init(seconds: 1, framesOf: 1 << 40)) == .passed)
    #expect(HDF5ProbeProcess.run(task, .init(seconds: 1, framesOf: 1 << 20)) == .hung)
  }

  @Test("no child is left, no pipe stays open, and no program to start means no verdict")
  func leavesNothing() throws {
    let task = HDF5ProbeTask(.input, try good())
    let before = try openFiles()
    for _ in 0..<5 { #expect(run(task) == .passed) }
    let after = try openFiles()
    #expect(after.subtracting(before).filter { $0.hasPrefix("pipe:") } == [])
    #expect(waitpid(-1, nil, WNOHANG) <= 0)
    HDF5ProbeProcess.program.withLock { $0 = "/nowhere/ronchi" }
    #expect(run(task) == .notStarted)
    HDF5ProbeProcess.program.withLock { $0 = nil }
    #expect(run(task) == .notStarted)
  }

  /// What this process has open, as `pipe:[123]`. A set, as other tests' files may be closed meanwhile.
  private func openFiles() throws -> Set<String> {
    let folder = "/proc/self/fd"
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
    return Set(files.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") })
  }

  @Test("the child is no rank of a launcher, and the rest of the environment stays")
  func environment() {
    let cleaned = HDF5ProbeProcess.childEnvironment([
      "OMPI_COMM_WORLD_RANK": "1", "PMIX_RANK": "1", "PMI_SIZE": "2", "HDF5_PLUGIN_PATH": "/plugins", "HOME": "/h",
    ])
    #expect(cleaned.keys.sorted() == ["HDF5_PLUGIN_PATH", "HOME", "MALLOC_PERTURB_", "SWIFT_BACKTRACE"])
  }

  /// MPI sets variables while the child is started: reading them then can end the program.
  @Test("the environment may change while a child is started")
  func changingEnvironment() throws {
    HDF5ProbeProcess.program.withLock { $0 = "/bin/true" }
    let names = (0..<300).map { "RONCHI_TEST_\($0)" }
    defer { for name in names { unsetenv(name) } }
    var request = InputRequest(path: try good())
    for turn in 0..<60 {
      request.dataset = "/\(turn)"
      HDF5Probe.begin(request)
      for name in names { setenv(name, String(repeating: "x", count: turn + 1), 1) }
      for name in names { unsetenv(name) }
      try HDF5Probe.check(request)
    }
  }

  @Test("the user's word on the limits")
  func limits() throws {
    #expect(try HDF5Probe.seconds(nil) == 20)
    #expect(try HDF5Probe.seconds("2.5") == 2.5)
    #expect(try HDF5Probe.seconds("off") == nil)
    for wrong in ["0", "-1", "nan", "soon"] {
      #expect(problem { _ = try HDF5Probe.seconds(wrong) }?.code == .badConfiguration)
    }
  }

  @Test("a file of a terabyte costs no more than a small one")
  func sparse() throws {
    let path = folder.path("sparse.h5")
    do {
      let file = try HDF5.File(path, .create)
      var layout = DatasetLayout.contiguous
      layout.fills = false
      try file.createDataset("/data", shape: [2048, 2048, 256, 256], of: .u32, layout: layout)
      try file.close()
    }
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0 > 1 << 40)
    // A child that read it all would not be done before the limit.
    #expect(run(HDF5ProbeTask(.input, path), structure: 5) == .passed)
  }
}
