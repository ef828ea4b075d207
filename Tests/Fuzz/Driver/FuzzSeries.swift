import Foundation
import FuzzSupport

/// The parent: starts children, keeps what ends them, tells the figures.
struct FuzzSeries {
  let command: FuzzCommand

  init(_ command: FuzzCommand) { self.command = command }

  /// Whether nothing was found.
  func run() throws -> Bool {
    let folder = FuzzFolder()
    let file = folder.path("progress")
    let progress = FuzzProgress(file)
    let mutator = try command.mutator()
    let start = Date()
    var (next, found) = (0, 0)
    say("\(command.target.rawValue): \(command.runs) mutants, seed \(command.seed)")
    while next < command.runs, found < 100 {
      let end = try child(from: next, progress: file)
      next = progress.numbers[0] + 1
      guard let end else { break }
      found += 1
      let name = "\(command.target.rawValue)-\(command.seed)-\(next - 1)"
      try keep(mutator.mutant(next - 1, seed: command.seed), as: name)
      say("FOUND \(command.findings)/\(name): \(end)")
    }
    let seconds = (Date().timeIntervalSince(start) * 10).rounded() / 10
    say("\(command.target.rawValue): \(progress.text), \(found) found, \(seconds) s, seed \(command.seed)")
    return found == 0
  }

  /// At once, as a long series is watched through a pipe.
  private func say(_ line: String) {
    print(line)
    fflush(nil)
  }

  private func keep(_ bytes: [UInt8], as name: String) throws {
    try FileManager.default.createDirectory(atPath: command.findings, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: "\(command.findings)/\(name)"))
  }

  /// How the child ended; nil when it came to its end.
  private func child(from: Int, progress: String) throws -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = command.arguments + ["--from", "\(from)", "--progress", progress]
    process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
    try process.run()
    process.waitUntilExit()
    if process.terminationReason == .uncaughtSignal {
      let signal = process.terminationStatus
      return signal == SIGALRM ? "no end within \(command.seconds) s" : "signal \(signal)"
    }
    return process.terminationStatus == 0 ? nil : "exit code \(process.terminationStatus)"
  }
}
