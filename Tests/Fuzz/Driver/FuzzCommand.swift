import Formats
import Foundation
import FuzzSupport

/// Feeds many mutants to one reader. The work is done in a child process, so that a crash or a hang costs one mutant: it
/// is written down and the series goes on behind it.
///
///     ronchi-fuzz npy --runs 100000 --seed 7 --corpus folder
@main
struct FuzzCommand {
  var target = FuzzTarget.npy
  var runs = 10_000
  var seed = UInt64(Date().timeIntervalSince1970)
  /// Further files to start from.
  var corpus: String?
  var findings = "fuzz-findings"
  /// Seconds for one mutant.
  var seconds = 30
  /// Private memory of the child; 0: no limit, which sanitizers need.
  var megabytes = 3072
  /// Writes the files that mutants are made of instead, for other fuzzers.
  var seedFolder: String?
  /// Inside the child: its first mutant, and where it writes how far it is.
  var from = 0
  var progress: String?

  static func main() throws {
    HDF5Probe.runChildIfAsked()
    var command = FuzzCommand()
    guard command.parse(Array(CommandLine.arguments.dropFirst())) else {
      let targets = FuzzTarget.allCases.map(\.rawValue).joined(separator: "|")
      print(
        "usage: ronchi-fuzz \(targets) [--runs N] [--seed N] [--corpus FOLDER] [--findings FOLDER] [--seconds N] "
          + "[--megabytes N]")
      print("       ronchi-fuzz TARGET --write-seeds FOLDER")
      exit(64)
    }
    if let folder = command.seedFolder { return try command.writeSeeds(folder) }
    if command.progress != nil { return try FuzzWorker(command).run() }
    exit(try FuzzSeries(command).run() ? 0 : 1)
  }

  private mutating func parse(_ arguments: [String]) -> Bool {
    guard let name = arguments.first, let target = FuzzTarget(rawValue: name) else { return false }
    self.target = target
    var rest = arguments.dropFirst()
    while let key = rest.popFirst() {
      guard let value = rest.popFirst() else { return false }
      switch key {
      case "--runs": runs = Int(value) ?? runs
      case "--seed": seed = UInt64(value) ?? seed
      case "--corpus": corpus = value
      case "--megabytes": megabytes = Int(value) ?? megabytes
      case "--findings": findings = value
      case "--seconds": seconds = Int(value) ?? seconds
      case "--write-seeds": seedFolder = value
      case "--from": from = Int(value) ?? 0
      case "--progress": progress = value
      default: return false
      }
    }
    return true
  }

  var arguments: [String] {
    var list = [target.rawValue, "--runs", "\(runs)", "--seed", "\(seed)", "--findings", findings]
    list += ["--seconds", "\(seconds)", "--megabytes", "\(megabytes)"]
    if let corpus { list += ["--corpus", corpus] }
    return list
  }

  private func writeSeeds(_ folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (number, seed) in try target.seeds().enumerated() {
      try Data(seed).write(to: URL(fileURLWithPath: "\(folder)/seed-\(number)"))
    }
  }

  func mutator() throws -> Mutator {
    var seeds = try target.seeds()
    if let corpus {
      let most = 16 << 20
      for file in try FileManager.default.contentsOfDirectory(atPath: corpus).sorted() {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(corpus)/\(file)"))
        if !data.isEmpty, data.count <= most { seeds.append(Array(data)) }
      }
    }
    return Mutator(seeds, keepsPlaces: target == .hdf5)
  }
}
