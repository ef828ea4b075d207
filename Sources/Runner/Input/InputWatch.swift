import Foundation
import STEM

/// Watches the files of an input from the start of a run to its end. On rank 0.
final class InputWatch {
  private let paths: [String]
  private let begun: [FileStatus?]
  private var known: InputState?

  /// Costs a question to the system for each file, and reads nothing.
  init(_ paths: [String]) {
    self.paths = paths
    begun = paths.map { FileStatus(path: $0) }
  }

  /// The state at the start of the run; reads the samples when it is asked for first. Throws `Problem` where the files
  /// have changed since then.
  func state() throws -> InputState {
    if let known { return known }
    let state = try InputState(paths)
    guard paths.map({ FileStatus(path: $0) }) == begun else {
      throw changed(["a file was written to between the start of the run and its first look at the content"])
    }
    known = state
    return state
  }

  /// Throws `Problem` (`.badData`) where the files are not as they were at the start: what was computed may be of two
  /// states of the input.
  func check(acceptsTouched: Bool) throws {
    let before = try state()
    // Nobody can set the time at which a file was last changed in any way.
    guard paths.map({ FileStatus(path: $0) }) != begun else { return }
    let missing = paths.filter { FileStatus(path: $0) == nil }
    guard missing.isEmpty else { throw changed(missing.map { "\($0) is not there any more" }) }
    let differences = try InputState(paths).changes(since: before).differences(acceptsTouched: acceptsTouched)
    guard differences.isEmpty else { throw changed(differences) }
  }

  private func changed(_ differences: [String]) -> Problem {
    Problem(
      .badData, at: paths.first ?? "the input",
      "the input has changed while the run read it: \(differences.joined(separator: "; ")); the result would mix both, so "
        + "none is written; wait until the input is complete, then --force starts over")
  }
}
