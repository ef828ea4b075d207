import Foundation
import FuzzSupport

/// How far a series is: four numbers in a file that parent and child map.
struct FuzzProgress {
  /// The mutant that is being fed; then how many had each outcome.
  let numbers: UnsafeMutablePointer<Int>

  init(_ path: String) {
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(file) }
    ftruncate(file, 4096)
    let memory = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
    guard file >= 0, let memory, memory != MAP_FAILED else { fatalError("\(path) cannot be mapped") }
    numbers = memory.assumingMemoryBound(to: Int.self)
  }

  func count(_ outcome: FuzzTarget.Outcome) { numbers[1 + outcome.rawValue] += 1 }

  var text: String {
    let caught = (3...5).map { numbers[$0] }
    return "\(numbers[1]) accepted, \(numbers[2]) refused"
      + (caught.contains { $0 > 0 }
        ? "; caught in a child: \(caught[0]) crashes, \(caught[1]) hangs, \(caught[2]) out of memory" : "")
  }
}

/// The child: feeds mutants until one of them ends it.
struct FuzzWorker {
  let command: FuzzCommand

  init(_ command: FuzzCommand) { self.command = command }

  private static func limit(_ resource: __rlimit_resource, _ value: UInt) {
    var limit = rlimit(rlim_cur: value, rlim_max: value)
    setrlimit(__rlimit_resource_t(resource.rawValue), &limit)
  }

  func run() throws {
    let progress = FuzzProgress(command.progress!)
    let mutator = try command.mutator()
    let run = FuzzRun(command.target)
    if command.megabytes > 0 { Self.limit(RLIMIT_DATA, UInt(command.megabytes) << 20) }
    Self.limit(RLIMIT_CORE, 0)
    for index in command.from..<command.runs {
      progress.numbers[0] = index
      alarm(UInt32(command.seconds))
      do {
        progress.count(try run.feed(mutator.mutant(index, seed: command.seed)))
      } catch {
        // As loud as a crash: the parent keeps the mutant.
        FileHandle.standardError.write(Data("mutant \(index): \(error)\n".utf8))
        exit(99)
      }
    }
    progress.numbers[0] = command.runs
  }
}
