import Foundation
import HDF5
import STEM

/// What a child process does with a file, seen from inside.
struct HDF5ProbeTask: Codable, Hashable {
  enum Kind: String, Codable { case input, array, everything }

  /// What the child writes to its standard output, a byte each; the end says the rest.
  enum Report: UInt8 {
    case structureIsKnown = 0x53
    case isHungry = 0x4d
  }

  var kind: Kind
  /// Only its path where the kind is not `.input`.
  var request: InputRequest

  /// Memory that reading the structure may take.
  static let mostBytes = 1 << 30
  /// Meant for the job: the child ends with its work, or with its parent's patience.
  static let ignoredSignals = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2]

  init(_ request: InputRequest) {
    kind = .input
    self.request = request
  }

  init(_ kind: Kind, _ path: String) {
    self.kind = kind
    request = InputRequest(path: path)
  }

  /// What else the child checks.
  var withoutScanShape: HDF5ProbeTask {
    var copy = self
    copy.request.scanShape = nil
    return copy
  }

  /// Everything that the parent will do with the structure, and a look at some frames.
  func run() {
    HDF5Library.giveMemoryBack()
    let before = Self.peakBytes()
    var source: (any FrameSource)?
    switch kind {
    case .input:
      source = try? openInput(request)
      // A plan also asks what the file says itself.
      if request.scanShape != nil { _ = try? openInput(withoutScanShape.request) }
    case .array: _ = try? loadArray(request.path)
    case .everything: try? HDF5EverythingWalk(path: request.path).run()
    }
    if let before, let after = Self.peakBytes(), after - before > Self.mostBytes { Self.report(.isHungry) }
    Self.report(.structureIsKnown)
    // The parent may have little memory, and the child has as little.
    if let source = source?.limited(to: 16 << 20) as? HDF5FrameSource { try? source.readSome(seconds: 0.03) }
  }

  private static func report(_ report: Report) {
    var byte = report.rawValue
    _ = write(1, &byte, 1)
  }

  /// The most address space that the process has had; nil where the system does not say.
  private static func peakBytes() -> Int? {
    guard let status = FileManager.default.contents(atPath: "/proc/self/status") else { return nil }
    let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmPeak:") }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
  }
}

extension HDF5Probe {
  /// Does the work of a child process and ends it, when a parent has asked for it; otherwise returns at once.
  /// Called before anything else in `main`; in a program that never calls it, `check` lets every file pass.
  public static func runChildIfAsked() {
    guard let text = getenv(requestVariable).map({ String(cString: $0) }) else {
      return HDF5ProbeProcess.program.withLock { $0 = "/proc/self/exe" }
    }
    let seconds = (try? seconds()) ?? usualSeconds
    HDF5ProbeLimits.apply(seconds: seconds)
    guard let task = try? JSONDecoder().decode(HDF5ProbeTask.self, from: Data(text.utf8)) else { exit(0) }
    task.run()
    exit(0)
  }
}

/// Keeps a child from outliving or outgrowing its purpose, whatever becomes of its parent.
enum HDF5ProbeLimits {
  static func apply(seconds: Double) {
    for number in HDF5ProbeTask.ignoredSignals { _ = signal(number, SIG_IGN) }
    closeInherited()
    let whole = Int(seconds.rounded(.up)) + 1
    alarm(UInt32(whole))
    limit(RLIMIT_CPU, UInt(whole))
    limit(RLIMIT_CORE, 0)
    // Private memory; mapped files do not count. Above what is tolerated, so that claims are seen before they fail.
    limit(RLIMIT_DATA, UInt(4 * HDF5ProbeTask.mostBytes))
  }

  private static func limit(_ resource: __rlimit_resource, _ value: UInt) {
    var current = rlimit()
    let resource = __rlimit_resource_t(resource.rawValue)
    guard getrlimit(resource, &current) == 0 else { return }
    current.rlim_cur = min(value, current.rlim_max)
    _ = setrlimit(resource, &current)
  }

  /// Files and sockets of the parent: locks must not outlive it.
  private static func closeInherited() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    for number in names.compactMap({ Int32($0) }) where number > 2 { close(number) }
  }
}

extension HDF5FrameSource {
  /// Reads the first and the last frame and, while there is time, those between: spread over the whole file, so that
  /// every part of its index of chunks is visited. Throws `Problem`.
  func readSome(seconds: Double) throws {
    let reader = try makeReader()
    // Flat bytes need no library.
    guard reader is HDF5FrameReader else { return }
    let (count, end) = (layout.frameCount, Date(timeIntervalSinceNow: seconds))
    for position in [0, count - 1] { try? reader.forEachFrame(in: position..<position + 1) { _, _ in } }
    var (position, left) = (0, count)
    while left > 0, Date() < end {
      try? reader.forEachFrame(in: position..<position + 1) { _, _ in }
      position = (position + step(through: count)) % count
      left -= 1
    }
  }

  /// The golden section of `count`, or the next number that visits all positions: each step lands in the largest gap
  /// that the ones before have left. Few frames come in their order.
  private func step(through count: Int) -> Int {
    func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
    guard count > 64 else { return 1 }
    var step = Int(0.618_034 * Double(count))
    while divisor(count, step) > 1 { step += 1 }
    return step
  }
}

/// Visits every object of a file with all its attributes.
private struct HDF5EverythingWalk {
  let path: String

  func run() throws {
    _ = try HDF5Walk.entries(of: path)
    try withHDF5(path) { file in
      var waiting = ["/"]
      var seen: Set<UInt64> = []
      while let place = waiting.popLast(), seen.count < 100_000 {
        guard let identity = try? file.identity(of: place), seen.insert(identity.address).inserted else { continue }
        _ = try? file.attributesOfObject(place)
        guard (try? file.kind(of: place)) == .group, let group = try? file.openGroup(place) else { continue }
        for child in (try? group.children()) ?? [] where child.kind == .group || child.kind == .dataset {
          waiting.append((place == "/" ? "" : place) + "/" + child.name)
        }
      }
    }
  }
}
