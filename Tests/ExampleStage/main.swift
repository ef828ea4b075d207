import Engine
import Foundation
import HDF5
import Jobs
import MPI
import Runner
import STEM

// What `ronchi run JOB --set KEY=VALUE …` does, with one more stage to choose from: the program that a contributor has who
// adds a stage and its line in the registry.

private func turn(_ turns: Double) -> Double { 2 * .pi * turns }
func cosine(_ turns: Double) -> Double { cos(turn(turns)) }
func sine(_ turns: Double) -> Double { sin(turn(turns)) }

StopSignals.install(grace: 20)
try MPIRuntime.initialise()
HDF5Library.start()
let ranks = MPIRanks(.world)
var code = ExitCode.done
do {
  var environment = JobEnvironment.standard
  environment.analyses.append(SideBand.self)
  let arguments = CommandLine.arguments.dropFirst()
  let plan = try ranks.together {
    let overrides = try arguments.dropFirst().map { try Override.set($0) }
    return try Plan.make(try JobFile.load(path: arguments.first ?? "", overrides: overrides), in: environment)
  }
  let console = Console(format: .text, isFirstRank: ranks.rank == 0)
  let summary = try JobRun(plan, options: RunOptions(), ranks: ranks, events: console).run()
  if ranks.rank == 0 { print(summary.text) }
} catch let failure as RunFailure {
  for problem in failure.problems { FileHandle.standardError.write(Data("error: \(problem)\n".utf8)) }
  code = failure.code
}
try MPIRuntime.finalise()
exit(code.rawValue)
