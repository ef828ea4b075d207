import Foundation

/// What a finished process left.
public struct Outcome: Sendable {
  public let status: Int32
  public let output: String
  public let errors: String
}

/// The package's folder.
public let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// The built `ronchi`: `RONCHI_BINARY`, else the product beside the test bundle.
public let ronchiBinary: String = {
  if let path = ProcessInfo.processInfo.environment["RONCHI_BINARY"], !path.isEmpty { return path }
  let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
  let beside = folder.appendingPathComponent("ronchi").path
  return FileManager.default.fileExists(atPath: beside)
    ? beside : packageRoot.appendingPathComponent(".build/debug/ronchi").path
}()

/// The folder of vendors' files and reference results; nil where there is none.
public let testData: URL? = {
  let given = ProcessInfo.processInfo.environment["RONCHI_TEST_DATA"]
  let url = given.map { URL(fileURLWithPath: $0) } ?? packageRoot.appendingPathComponent("../shared/data").standardized
  return FileManager.default.fileExists(atPath: url.path) ? url : nil
}()

/// Python with the packages of `Tests/InteropTests/requirements.txt`; nil where `make venv` has not run.
public let python: String? = {
  let path = packageRoot.appendingPathComponent(".venv/bin/python").path
  return FileManager.default.isExecutableFile(atPath: path) ? path : nil
}()

/// Runs a program to its end. More than `seconds` kills it, which shows as status 9.
public func run(
  _ executable: String, _ arguments: [String], folder: URL? = nil, environment extra: [String: String] = [:],
  seconds: Double = 240
) throws -> Outcome {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: executable)
  process.arguments = arguments
  process.currentDirectoryURL = folder
  process.environment = cleanEnvironment().merging(extra) { $1 }
  process.standardInput = FileHandle.nullDevice
  let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("ronchi-out-\(UUID().uuidString)")
  let files = try ["o", "e"].map { suffix in
    let path = scratch.path + suffix
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    return (path, try FileHandle(forWritingTo: URL(fileURLWithPath: path)))
  }
  defer { for (path, _) in files { try? FileManager.default.removeItem(atPath: path) } }
  process.standardOutput = files[0].1
  process.standardError = files[1].1
  try startUnmasked(process)
  let watchdog = DispatchWorkItem { kill(process.processIdentifier, SIGKILL) }
  DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: watchdog)
  process.waitUntilExit()
  watchdog.cancel()
  let texts = try files.map { try String(decoding: Data(contentsOf: URL(fileURLWithPath: $0.0)), as: UTF8.self) }
  return Outcome(status: process.terminationStatus, output: texts[0], errors: texts[1])
}

/// Starts a process without the signals blocked that the threads of a test runner block.
private func startUnmasked(_ process: Process) throws {
  var (none, before) = (sigset_t(), sigset_t())
  sigemptyset(&none)
  pthread_sigmask(SIG_SETMASK, &none, &before)
  defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
  try process.run()
}

/// Runs `ronchi` with the arguments, under mpirun when `ranks` is given.
public func ronchi(
  _ arguments: [String], ranks: Int? = nil, folder: URL? = nil, environment: [String: String] = [:]
) throws -> Outcome {
  guard let ranks else { return try run(ronchiBinary, arguments, folder: folder, environment: environment) }
  return try run(
    "/usr/bin/env", ["mpirun", "-n", "\(ranks)", ronchiBinary] + arguments, folder: folder, environment: environment)
}

/// This process's environment without what an MPI in it left behind, and with what containers need.
private func cleanEnvironment() -> [String: String] {
  var environment = ProcessInfo.processInfo.environment.filter { name, _ in
    !["OMPI_", "PMIX_", "ORTE_", "PMI_"].contains { name.hasPrefix($0) }
  }
  environment["OMPI_MCA_rmaps_base_oversubscribe"] = "1"
  if getuid() == 0 {
    environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
  }
  return environment
}

/// A folder of its own for a test, gone afterwards.
public final class TemporaryFolder {
  public let url: URL

  public init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("ronchi-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  public func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  public func write(_ text: String, to name: String) throws -> String {
    try text.write(to: url.appendingPathComponent(name), atomically: true, encoding: .utf8)
    return path(name)
  }
}
