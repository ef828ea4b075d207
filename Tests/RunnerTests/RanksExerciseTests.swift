import Foundation
import STEM
import TestSupport
import Testing

/// What ranks tell each other, on all three implementations, and that sums have the same bits on any number of ranks.
@Suite(.serialized) struct RanksExerciseTests {
  private func serial() throws -> [String] { try RanksExercise(SerialRanks()).run() }

  @Test("one rank without MPI, also with messages in small pieces")
  func alone() throws {
    let lines = try serial()
    #expect(lines.count == 61)
    #expect(try RanksExercise(SerialRanks(pieceBytes: 16)).run() == lines)
  }

  @Test("ranks that are threads", arguments: [1, 2, 3, 5], [1 << 30, 248])
  func threads(count: Int, pieceBytes: Int) throws {
    let lines = try ThreadRanks.run(count, pieceBytes: pieceBytes) { try RanksExercise($0).run() }
    let expected = try serial()
    #expect(lines.allSatisfy { $0 == expected })
  }

  @Test("ranks of MPI, with shared memory and over TCP", arguments: [1, 2, 3, 5])
  func mpi(count: Int) throws {
    let probe = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appendingPathComponent("ronchi-ranks-probe").path
    let expected = try serial()
    for environment in [[:], ["OMPI_MCA_btl": "tcp,self"]] {
      let outcome = try run("/usr/bin/env", ["mpirun", "-n", "\(count)", probe], environment: environment)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.split(separator: "\n").map(String.init) == expected)
    }
  }

  @Test("parts of objects and tables in every element type, written by many ranks into one file")
  func tiles() throws {
    let folder = try TemporaryFolder()
    let probe = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appendingPathComponent("ronchi-ranks-probe").path
    var digests: [[String: String]] = []
    for count in [1, 2, 3] {
      let path = folder.path("tiles_\(count).h5")
      let outcome = try run("/usr/bin/env", ["mpirun", "-n", "\(count)", probe, "tiles", path])
      #expect(outcome.status == 0 && outcome.output == "8 outputs\n", "\(outcome.errors)")
      digests.append(try datasetDigests(path))
    }
    #expect(digests[0].count > 8 && digests.allSatisfy { $0 == digests[0] })
  }

  @Test("the only rank that waits for what it never sends is told so")
  func waitsForItself() throws {
    #expect(throws: Problem.self) { try SerialRanks().receive(1, of: Int.self, from: 0) }
  }
}
