import ArgumentParser
import Engine
import Formats
import Foundation
import HDF5
import Runner
import STEM

@main
struct Ronchi: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ronchi",
    abstract: "Batch processing of 4D-STEM scans over MPI into one h5USID file.",
    discussion: """
      EXAMPLES
        mpirun -n 8 ronchi run jobs/quickstart.yml --input scan.h5 --output result.h5
        srun ronchi run job.yml --set calibration.semiangle='21 mrad'
        ronchi check job.yml            what a run would do, and every problem of the job at once
        ronchi info scan.mib            what is in a file
        ronchi explain center_of_mass   parameters, units, outputs, an example
        ronchi export result.h5 --analysis virtual_detectors --output bf -o bf.tif

      EXIT CODES
        0 done, 64 usage, 65 bad data, 66 no input, 70 internal error, 73 output exists or cannot be created,
        74 read or write error, 75 interrupted after a checkpoint, 78 bad job
      """,
    version: ronchiVersion,
    subcommands: [
      RunCommand.self, CheckCommand.self, InfoCommand.self, ExplainCommand.self, SchemaCommand.self,
      ExportCommand.self, SimulateCommand.self, VersionCommand.self,
    ])

  static func main() {
    HDF5Probe.runChildIfAsked()
    // A closed pipe (`ronchi info … | head`) ends the program quietly.
    signal(SIGPIPE, SIG_DFL)
    // A file size limit shows as a write error with our message instead.
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as RunFailure {
      end(failure.code)
    } catch let error where error is Problem || error is Problems {
      let listed = problems(of: error)
      if isFirstProcess { print(listed) }
      end(listed.first?.code ?? .internalError)
    } catch {
      // All ranks parse the same command line; only the first reports an error.
      let code = exitCode(for: error)
      if !isFirstProcess { Foundation.exit(code.rawValue) }
      guard logFormat == .json, let wrong = STEM.ExitCode(rawValue: code.rawValue), wrong != .done else {
        exit(withError: error)
      }
      print([Problem(wrong, message(for: error))])
      end(wrong)
    }
  }

  private static func print(_ problems: [Problem]) {
    for problem in problems { FileHandle.standardError.write(Data(problem.logLine(logFormat).utf8)) }
  }

  /// As the words of the command line say it, right or wrong.
  private static var logFormat: LogFormat {
    let words = CommandLine.arguments
    let asks =
      words.contains("--log-format=json") || zip(words, words.dropFirst()).contains { $0 == ("--log-format", "json") }
    return asks ? .json : .text
  }
}

/// Ends MPI where it runs, then the program.
func end(_ code: STEM.ExitCode) -> Never {
  if code != .done, HDF5Library.cannotClearUp {
    fflush(nil)
    ParallelSession.abort(code)
    _exit(code.rawValue)
  }
  ParallelSession.finalize()
  exit(code.rawValue)
}

/// Whether this process prints messages when a launcher started several and MPI is not running.
let isFirstProcess: Bool = {
  let names = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID"]
  let environment = ProcessInfo.processInfo.environment
  return (names.compactMap { environment[$0] }.first ?? "0") == "0"
}()
