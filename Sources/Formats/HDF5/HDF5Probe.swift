import Foundation
import STEM
import Synchronization

/// HDF5 files are opened in a child process first: the library itself crashes, loops or takes all memory on some damaged
/// files, and one rank's crash would end a job without a word.
///
/// The child is this program again. It does what the parent is about to do, under limits; its end becomes one `Problem`.
/// Only one rank needs to ask. A file that is refused in the ordinary way passes: the parent will say why.
///
/// `RONCHI_HDF5_PROBE=off` trusts every file; a number is the longest time in seconds.
public enum HDF5Probe {
  /// Seconds until a file counts as damaged.
  public static let usualSeconds = 20.0
  /// The user's word on the limits.
  static let variable = "RONCHI_HDF5_PROBE"
  /// What the parent asks of its child.
  static let requestVariable = "RONCHI_HDF5_PROBE_REQUEST"

  /// Looks at an input as `openInput` will. Other formats than HDF5 cost a look at their first bytes.
  /// Throws `Problem` (`.badData`) where the library crashes, hangs or needs more than a GiB; nothing else.
  public static func check(_ request: InputRequest) throws(Problem) {
    guard let (task, size) = task(request) else { return }
    try check(task, size: size)
  }

  /// Starts to look at an input while the caller does something else; `check` then waits for the answer.
  public static func begin(_ request: InputRequest) {
    guard let (task, size) = task(request), let seconds = try? seconds() else { return }
    let pending = PendingVerdict()
    begun.withLock { $0[task] = pending }
    let patience = HDF5ProbeProcess.Patience(seconds: seconds, framesOf: size)
    // Read here, because the environment must not be read while another thread changes it, as MPI does when it starts.
    let environment = ProcessInfo.processInfo.environment
    Thread.detachNewThread { pending.tell(HDF5ProbeProcess.run(task, patience, environment)) }
  }

  /// nil for what needs no look.
  private static func task(_ request: InputRequest) -> (HDF5ProbeTask, size: Int)? {
    if let format = request.format?.lowercased(), !hdf5Formats.contains(format) { return nil }
    guard let size = sizeOfHDF5(request.path) else { return nil }
    return (HDF5ProbeTask(request), size)
  }

  /// Looks at an array as `loadArray` will: `masks.h5:/bright_field`; other paths pass.
  public static func check(array path: String) throws(Problem) {
    guard let file = splitDatasetPath(path)?.file, let size = sizeOfHDF5(file) else { return }
    try check(HDF5ProbeTask(.array, path), size: size, at: file)
  }

  /// Looks at every object and attribute of a file: an output that is described or added to.
  public static func check(everythingIn path: String) throws(Problem) {
    guard let size = sizeOfHDF5(path) else { return }
    try check(HDF5ProbeTask(.everything, path), size: size)
  }

  private static let hdf5Formats: Set<String> = [
    H5USIDFormat.name, EMDFormat.name, HyperSpyFormat.name, HDF5Format.name,
  ]

  /// nil where the file is missing, unreadable or of another kind.
  private static func sizeOfHDF5(_ path: String) -> Int? {
    guard let probe = try? FileProbe(path: path), probe.isHDF5 else { return nil }
    return probe.size
  }

  // MARK: - verdicts

  /// Seconds that are left to a child; nil: it is not asked.
  static func seconds(_ wanted: String? = ProcessInfo.processInfo.environment[variable]) throws(Problem) -> Double? {
    guard let wanted, !wanted.isEmpty else { return usualSeconds }
    if wanted.lowercased() == "off" { return nil }
    guard let seconds = Double(wanted), (0.1...86_400).contains(seconds) else {
      throw Problem(
        .badConfiguration, at: variable,
        "\(wanted) given; a number of seconds from 0.1 to 86400, or off, is allowed; or unset it")
    }
    return seconds
  }

  /// What passed already: a plan opens its input twice.
  private static let passed = Mutex<Set<HDF5ProbeTask>>([])
  private static let begun = Mutex<[HDF5ProbeTask: PendingVerdict]>([:])

  private static func check(_ task: HDF5ProbeTask, size: Int, at place: String? = nil) throws(Problem) {
    guard let seconds = try seconds(), !passed.withLock({ $0.contains(task) }) else { return }
    let patience = HDF5ProbeProcess.Patience(seconds: seconds, framesOf: size)
    let verdict = begun.withLock { $0.removeValue(forKey: task) }?.wait() ?? HDF5ProbeProcess.run(task, patience)
    if let problem = problem(verdict, at: place ?? task.request.path, seconds: seconds) { throw problem }
    passed.withLock { $0.formUnion([task, task.withoutScanShape]) }
  }

  static func problem(_ verdict: HDF5ProbeProcess.Verdict, at path: String, seconds: Double) -> Problem? {
    let advice = "the file is damaged: copy it again, or check it with h5dump"
    switch verdict {
    case .passed, .notStarted: return nil
    case .crashed(let signal):
      return Problem(
        .badData, at: path, "the HDF5 library crashed (\(name(of: signal))) while reading its structure; \(advice)")
    case .hung:
      return Problem(
        .badData, at: path,
        "reading its structure with the HDF5 library took more than \(shortNumber(seconds)) s; \(advice); on a very "
          + "slow file system \(variable)=\(shortNumber(max(120, 6 * seconds))) waits longer (seconds)")
    case .hungry:
      return Problem(
        .badData, at: path,
        "reading its structure with the HDF5 library takes more than \(HDF5ProbeTask.mostBytes >> 20) MiB of memory: "
          + "its headers claim impossible sizes; \(advice)")
    }
  }

  private static func name(of signal: Int32) -> String {
    switch signal {
    case SIGSEGV: "SIGSEGV"
    case SIGBUS: "SIGBUS"
    case SIGFPE: "SIGFPE"
    case SIGABRT: "SIGABRT"
    case SIGILL, SIGTRAP: "SIGILL"
    case SIGXCPU, SIGALRM: "no end"
    case SIGKILL: "SIGKILL, perhaps for lack of memory"
    default: "signal \(signal)"
    }
  }
}

/// What another thread will say.
private final class PendingVerdict: Sendable {
  private let isTold = DispatchSemaphore(value: 0)
  private let verdict = Mutex<HDF5ProbeProcess.Verdict>(.notStarted)

  func tell(_ value: HDF5ProbeProcess.Verdict) {
    verdict.withLock { $0 = value }
    isTold.signal()
  }

  func wait() -> HDF5ProbeProcess.Verdict {
    isTold.wait()
    return verdict.withLock { $0 }
  }
}
