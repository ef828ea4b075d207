import ArgumentParser
import FFT
import Foundation
import HDF5
import MPI
import Runner

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Prints the versions of the program and of its libraries.")

  @Flag(help: "As JSON.")
  var json = false

  func run() throws {
    let rows = [
      ("ronchi", ronchiVersion),
      ("mpi", MPIRuntime.libraryVersion),
      ("mpi_standard", MPIRuntime.standardVersion),
      ("hdf5", HDF5Library.version),
      ("hdf5_parallel", HDF5Library.isParallel ? "yes" : "no"),
      ("fftw", FFTLibrary.version),
    ]
    if json {
      try printJSON(Dictionary(uniqueKeysWithValues: rows))
    } else {
      for (name, value) in rows { print("\(padded(name, 14)) \(value)") }
    }
  }
}

/// One JSON document on standard output.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
