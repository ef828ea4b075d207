import Foundation
import STEM
import Testing

@testable import Engine
@testable import Runner

@Suite struct SolverRunTests {
  private func makeRun(_ path: String, isStopping: @escaping () throws -> Bool = { false }) -> SolverRun {
    SolverRun(
      "solver", path: path, interval: 0, events: Console(format: .text, isFirstRank: false), isStopping: isStopping)
  }

  private func temporaryPath() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("solver-\(UUID().uuidString)").path
  }

  @Test("the state of the last iteration comes back; a damaged file counts as none")
  func stateSurvives() throws {
    let path = temporaryPath()
    defer { unlink(path) }
    #expect(makeRun(path).savedState == nil)
    try makeRun(path).ended(iteration: 1, of: 3, residual: 1) { [1, 2, 3] }
    try makeRun(path).ended(iteration: 2, of: 3, residual: 0.5) { [4, 5] }
    #expect(makeRun(path).savedState == [4, 5])
    var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    bytes[bytes.count - 1] ^= 1
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    #expect(makeRun(path).savedState == nil)
  }

  @Test("a wish to stop saves the state and ends with 'try again'")
  func stopSaves() throws {
    let path = temporaryPath()
    defer { unlink(path) }
    let run = makeRun(path, isStopping: { true })
    let problem = #expect(throws: Problem.self) { try run.ended(iteration: 7, of: 9, residual: 1) { [7] } }
    #expect(problem?.code == .tryAgain)
    #expect(makeRun(path).savedState == [7])
  }
}
