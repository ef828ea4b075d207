import Foundation
import FuzzSupport
import STEM
import Testing

@testable import Formats

@Suite("Mutants", .serialized)
struct MutantTests {
  @Test("the files that mutants are made of are good ones", arguments: FuzzTarget.allCases)
  func seeds(target: FuzzTarget) throws {
    let run = FuzzRun(target)
    var refused: [Int] = []
    for (number, seed) in try target.seeds().enumerated() where try run.feed(seed) != .accepted {
      refused.append(number)
    }
    // Masks without a scan in both layouts; an array of no dimension; a bomb, too deep a nest; jobs without the
    // arrays they name.
    #expect(refused.count <= 6, "\(target): \(refused)")
  }

  @Test("every mutant is read or refused with a reason", arguments: [FuzzTarget.npy, .raw, .mib, .yaml, .mask])
  func survive(target: FuzzTarget) throws {
    let mutator = Mutator(try target.seeds())
    let run = FuzzRun(target)
    var outcomes: [FuzzTarget.Outcome: Int] = [:]
    for index in 0..<3000 { outcomes[try run.feed(mutator.mutant(index, seed: 20_260_101)), default: 0] += 1 }
    // Both happen, or the mutants test nothing.
    #expect(outcomes[.accepted, default: 0] > 100)
    #expect(outcomes[.refused, default: 0] > 100)
  }

  @Test("HDF5 mutants: what passes the child process is safe in this one")
  func hdf5() throws {
    let text = try runSeries(["hdf5", "--runs", "60", "--seed", "3"])
    #expect(text.contains(" 0 found"), "\(text)")
  }

  @Test("a series repeats itself")
  func reproducible() throws {
    let mutator = Mutator(Seeds.npy)
    for index in 0..<50 { #expect(mutator.mutant(index, seed: 4) == Mutator(Seeds.npy).mutant(index, seed: 4)) }
    #expect(Set((0..<50).map { mutator.mutant($0, seed: 4) }).count > 40)
  }
}
