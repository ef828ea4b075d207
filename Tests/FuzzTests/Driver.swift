import Foundation
import TestSupport

/// The built `ronchi-fuzz`, beside the test bundle.
let driver: String = {
  let beside = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    .appendingPathComponent("ronchi-fuzz").path
  return FileManager.default.fileExists(atPath: beside)
    ? beside : packageRoot.appendingPathComponent(".build/debug/ronchi-fuzz").path
}()

/// Runs a series and returns what it printed. Findings go into a folder that is removed.
func runSeries(_ arguments: [String]) throws -> String {
  let folder = try TemporaryFolder()
  let outcome = try run(
    driver, arguments + ["--findings", folder.path("findings")], environment: ["RONCHI_HDF5_PROBE": "5"], seconds: 120)
  return outcome.output + outcome.errors
}
