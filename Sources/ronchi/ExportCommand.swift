import ArgumentParser
import Foundation
import Report
import STEM
import USID

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Writes one output of a result as a NumPy array, TIFF, PNG, or CSV.",
    discussion: """
      EXAMPLES
        ronchi export result.h5 --analysis virtual_detectors --output bf -o bf.tif
        ronchi export result.h5 --analysis radial_profile --output mean_profile -o profile.csv

      Images of complex numbers and of stacks are several files: object_amplitude.tif, object_phase.tif,
      components_0.tif, components_1.tif, and so on. The names of the files that were written are printed.
      """)

  @Argument(help: "A result of ronchi run.") var path: String
  @Option(help: "The analysis.") var analysis: String
  @Option(help: "The output of the analysis.") var output: String
  @Option(help: "Number of the results group, where there are several; default: the last.") var index: Int?
  @Option(name: [.customShort("o"), .customLong("file")], help: "The file; its suffix decides: npy, tif, png, csv.")
  var file: String
  @Flag(help: "Replaces an existing file.") var overwrite = false

  func run() throws {
    _ = try ExportFormat(path: file)
    let catalog = try ResultCatalog(path)
    guard let result = catalog.result(analysis: analysis, output: output, index: index) else {
      throw Problem(.usage, at: path, missing(catalog))
    }
    let array = try ResultArray(result, in: catalog)
    let paths = try array.exportPaths(to: file)
    if !overwrite, let taken = paths.first(where: FileManager.default.fileExists) {
      throw Problem(.cannotCreate, at: taken, "exists; use --overwrite to replace it")
    }
    try array.export(to: file)
    for path in paths { print(path) }
  }

  private func missing(_ catalog: ResultCatalog) -> String {
    let outputs = catalog.entries.filter { $0.analysis == analysis }
    if outputs.isEmpty {
      let names = Array(Set(catalog.entries.map(\.analysis))).sorted()
      return "no results of '\(analysis)'; there are: \(names.joined(separator: ", "))"
    }
    if !outputs.contains(where: { $0.output == output }) {
      let names = Array(Set(outputs.map(\.output))).sorted()
      return "\(analysis) has no output '\(output)'; there are: \(names.joined(separator: ", "))"
    }
    return
      "there is no group \(index ?? 0); there are: \(Array(Set(outputs.map { "\($0.index)" })).sorted().joined(separator: ", "))"
  }
}
