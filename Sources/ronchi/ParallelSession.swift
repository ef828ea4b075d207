import Engine
import Foundation
import HDF5
import MPI
import Runner
import STEM

/// MPI from start to end, HDF5, and the console of rank 0.
struct ParallelSession {
  let ranks: MPIRanks
  let console: Console
  private let format: LogFormat

  /// Starts MPI and HDF5. Throws `Problem` when the launcher belongs to another MPI.
  init(_ logging: LoggingOptions) throws {
    do { try MPIRuntime.initialise() } catch { throw Problem(.internalError, "\(error)") }
    if let mismatch = MPIRuntime.launcherMismatch() { throw Problem(.badConfiguration, at: "MPI", mismatch) }
    MPIRuntime.loadFiles()
    HDF5Library.start()
    ranks = MPIRanks(.world)
    format = logging.logFormat
    console = Console(format: logging.logFormat, isFirstRank: ranks.rank == 0, level: logging.quiet ? .warning : .info)
  }

  /// Does the work; on failure all ranks print the problems once and end with the same code.
  func run(_ work: () throws -> Void) throws {
    do {
      try work()
    } catch let failure as RunFailure {
      console.endProgress()
      for problem in failure.problems { console.error(problem) }
      end(failure.code)
    } catch {
      // Not agreed on by the ranks: the others may wait in a collective call, so they are ended too.
      for problem in problems(of: error) {
        let place = ranks.count > 1 ? " [rank \(ranks.rank)]" : ""
        FileHandle.standardError.write(Data(problem.logLine(format, place).utf8))
      }
      if ranks.count > 1 { ranks.communicator.abort(ExitCode.internalError.rawValue) }
      end(problems(of: error).first?.code ?? .internalError)
    }
  }

  /// Ends all ranks without a farewell, where there are several.
  static func abort(_ code: ExitCode) {
    if MPIRuntime.isRunning, Communicator.world.size > 1 { Communicator.world.abort(code.rawValue) }
  }

  static func finalize() {
    if MPIRuntime.isRunning { try? MPIRuntime.finalise() }
  }
}
