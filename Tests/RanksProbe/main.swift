import Foundation
import MPI
import Runner
import STEM
import TestSupport

// Runs the exercise on the ranks of an MPI job, once with whole messages and once cut into small pieces; rank 0 prints the
// sums. An argument `time` measures the two kinds of sums instead; `tiles FILE` writes objects in parts into a file.

try MPIRuntime.initialise()
do {
  if CommandLine.arguments.contains("time") {
    try timeSums(MPIRanks(.world))
  } else if let path = CommandLine.arguments.dropFirst().last, CommandLine.arguments.contains("tiles") {
    try writeTiles(MPIRanks(.world), path)
  } else {
    let whole = try RanksExercise(MPIRanks(.world)).run()
    let pieces = try RanksExercise(MPIRanks(.world, pieceBytes: 248)).run()
    guard whole == pieces else { throw RanksExercise.Failure(description: "pieces change a sum") }
    if Communicator.world.rank == 0 { print(whole.joined(separator: "\n")) }
  }
} catch {
  FileHandle.standardError.write(Data("error: \(error)\n".utf8))
  Communicator.world.abort(70)
}
try MPIRuntime.finalise()

/// Seconds of both sums of an array of doubles, and how far they are from a sum in higher precision.
func timeSums(_ ranks: MPIRanks) throws {
  for (cellCount, count) in [(16, 1 << 20), (64, 1 << 20), (256, 1 << 18), (16, 1 << 23), (64, 1)] {
    let own = (0..<cellCount).filter { $0 * ranks.count / cellCount == ranks.rank }
    let cells = own.map { cell in
      var random = Random(cell)
      return SumCell(cell, (0..<count).map { _ in Double.random(in: -1...1, using: &random) })
    }
    func best(_ work: () throws -> [Double]) throws -> (Double, [Double]) {
      var fastest = Double.infinity
      var result: [Double] = []
      for _ in 0..<5 {
        try ranks.barrier()
        let began = ContinuousClock.now
        result = try work()
        try ranks.barrier()
        let time = ContinuousClock.now - began
        fastest = min(fastest, Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18)
      }
      return (fastest, result)
    }
    let (exactTime, exact) = try best { try ranks.sum(cells: cells, of: count) }
    let (orderedTime, ordered) = try best { try ranks.sumInOrder(cells: cells, cellCount: cellCount, of: count) }
    let difference = zip(exact, ordered).map { abs($0 - $1) }.max() ?? 0
    if ranks.rank == 0 {
      print(
        "\(ranks.count) ranks, \(cellCount) cells of \(count): sum \(exactTime), in order \(orderedTime), apart \(difference)"
      )
    }
  }
}
