import Foundation
import Synchronization

/// A child process that looks at a file, seen from its parent.
enum HDF5ProbeProcess {
  enum Verdict: Equatable {
    case passed
    case crashed(signal: Int32)
    case hung
    case hungry
    /// No process could be started, for lack of system resources; the file is opened without a check.
    case notStarted
  }

  /// How long to wait, in seconds.
  struct Patience {
    /// For the structure.
    var structure: Double
    /// For a look at some frames once the structure is known.
    var frames: Double

    /// A small file must be readable as a whole; in a large one a chunk may take its time, which proves nothing.
    init(seconds: Double, framesOf size: Int) {
      structure = seconds
      frames = size <= 256 << 20 ? seconds : 0.1
    }
  }

  /// The program to start: this one, once its `main` has shown that it can be a child; tests name another.
  static let program = Mutex<String?>(nil)

  static func run(
    _ task: HDF5ProbeTask, _ patience: Patience,
    _ environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> Verdict {
    // A signal meant for the job can hit the child before it ignores them: that says nothing about the file.
    for _ in 0..<3 {
      guard let child = spawn(task, seconds: patience.structure, environment) else { return .notStarted }
      let verdict = wait(for: child, patience)
      if case .crashed(let signal) = verdict, HDF5ProbeTask.ignoredSignals.contains(signal) { continue }
      return verdict
    }
    return .notStarted
  }

  private struct Child {
    var process: pid_t
    /// Where it reports: `HDF5ProbeTask.Report`.
    var reports: Int32
  }

  // MARK: - start

  /// `posix_spawn` neither copies the parent's memory nor runs the fork handlers of MPI and its network libraries.
  private static func spawn(_ task: HDF5ProbeTask, seconds: Double, _ environment: [String: String]) -> Child? {
    var ends: [Int32] = [-1, -1]
    guard let program = program.withLock({ $0 }), let request = try? JSONEncoder().encode(task), pipe(&ends) == 0
    else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[1]) }
    var environment = childEnvironment(environment)
    environment[HDF5Probe.requestVariable] = String(decoding: request, as: UTF8.self)
    environment[HDF5Probe.variable] = "\(seconds)"
    var process: pid_t = 0
    let code = withCStrings([program]) { arguments in
      withCStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
        withSpawnSettings(output: ends[1]) { actions, attributes in
          posix_spawn(&process, program, actions, attributes, arguments, environment)
        }
      }
    }
    guard code == 0 else {
      close(ends[0])
      return nil
    }
    return Child(process: process, reports: ends[0])
  }

  /// The environment without launcher variables, so that the MPI library does not take the child for a rank.
  static func childEnvironment(_ environment: [String: String]) -> [String: String] {
    let launchers = ["OMPI_", "PMIX_", "PMI_", "ORTE_", "PRTE_", "HYDRA_", "MPI_LOCAL", "PALS_"]
    var kept = environment.filter { name, _ in !launchers.contains { name.hasPrefix($0) } }
    // Swift's own report of a crash takes a third of a second and writes to the terminal.
    kept["SWIFT_BACKTRACE"] = "enable=no"
    // New and freed memory is full of rubbish: what the library does with memory that it never filled in, or has freed,
    // ends the child at once instead of the parent by chance.
    kept["MALLOC_PERTURB_"] = "165"
    return kept
  }

  private static func withSpawnSettings(
    output: Int32,
    _ body: (UnsafePointer<posix_spawn_file_actions_t>, UnsafePointer<posix_spawnattr_t>) -> Int32
  ) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var (all, none) = (sigset_t(), sigset_t())
    sigfillset(&all)
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    return body(&actions, &attributes)
  }

  private static func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers = texts.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return body(&pointers)
  }

  // MARK: - wait

  private static func wait(for child: Child, _ patience: Patience) -> Verdict {
    var structureIsKnown = false
    var deadline = now() + patience.structure
    defer { close(child.reports) }
    while true {
      var waiting = pollfd(fd: child.reports, events: Int16(POLLIN), revents: 0)
      let left = max(0, deadline - now())
      let ready = poll(&waiting, 1, Int32((left * 1000).rounded(.up)))
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else {
        end(child)
        return structureIsKnown && patience.frames < patience.structure ? .passed : .hung
      }
      var byte: UInt8 = 0
      let count = read(child.reports, &byte, 1)
      if count < 0, errno == EINTR { continue }
      // The end of the pipe is the end of the process.
      guard count == 1 else { return verdict(reap(child)) }
      switch HDF5ProbeTask.Report(rawValue: byte) {
      case .structureIsKnown:
        structureIsKnown = true
        deadline = now() + patience.frames
      case .isHungry:
        end(child)
        return .hungry
      case nil: break
      }
    }
  }

  private static func end(_ child: Child) {
    kill(child.process, SIGKILL)
    _ = reap(child)
  }

  /// The status as `waitpid` gives it; nil where somebody else has collected it.
  private static func reap(_ child: Child) -> Int32? {
    var status: Int32 = 0
    while waitpid(child.process, &status, 0) < 0 {
      if errno != EINTR { return nil }
    }
    return status
  }

  private static func verdict(_ status: Int32?) -> Verdict {
    guard let status else { return .notStarted }
    let signal = status & 0x7f
    if signal == SIGXCPU || signal == SIGALRM { return .hung }
    return signal == 0 ? .passed : .crashed(signal: signal)
  }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
