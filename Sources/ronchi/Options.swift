import ArgumentParser
import Foundation
import Jobs
import Runner
import STEM

extension LogFormat: ExpressibleByArgument {}

struct LoggingOptions: ParsableArguments {
  @Option(help: "How log and progress lines look on standard error: text or json.")
  var logFormat = LogFormat.text

  @Flag(name: .shortAndLong, help: "Only warnings and errors on standard error.")
  var quiet = false
}

/// What can be said about an input, the same for every command that opens one. The library that parses the command line
/// wants each option written out; `given` has them all, and what they mean follows from the declarations of the formats.
struct InputOptions: ParsableArguments {
  @Option(help: .input("dataset", "path")) var dataset: String?
  @Option(help: .input("scan_shape", "y,x")) var scanShape: String?
  @Option(help: .input("format")) var format: String?
  @Option(help: .input("detector_shape", "y,x")) var detectorShape: String?
  @Option(help: .input("pixel_type")) var pixelType: String?
  @Option(help: .input("byte_order")) var byteOrder: String?
  @Option(help: .input("offset", "bytes")) var offset: String?
  @Option(help: .input("gap", "bytes")) var gap: String?

  private var given: KeyValuePairs<String, String?> {
    [
      "dataset": dataset, "scan_shape": scanShape, "format": format, "detector_shape": detectorShape,
      "pixel_type": pixelType, "byte_order": byteOrder, "offset": offset, "gap": gap,
    ]
  }

  /// Throws `Problem` (`.usage`).
  func overrides() throws -> [Override] {
    try given.compactMap { key, text in try text.map { try .input(key, $0) } }
  }

  /// The same without a job, for `info`.
  func request(_ path: String) throws -> InputRequest { try InputRequest(path: path, try overrides()) }
}

extension ArgumentHelp {
  fileprivate static func input(_ key: String, _ valueName: String? = nil) -> ArgumentHelp {
    ArgumentHelp("\(inputOptionHelp(key))", valueName: valueName)
  }
}

/// `64,128` or `64x128`.
func parsedShape(_ text: String, _ option: String) throws -> Shape {
  let parts = text.split(whereSeparator: { ",x× ".contains($0) }).map { Int($0) }
  guard parts.count == 2, let y = parts[0], let x = parts[1], y > 0, x > 0 else {
    throw Problem(.usage, at: option, "'\(text)' given; two whole numbers y,x are allowed, for example 64,128")
  }
  return Shape(y, x)
}

/// A job file and what the command line changes in it.
struct JobOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("The job file (YAML).", valueName: "job.yml"))
  var job: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The scan; takes the place of input.path.", valueName: "file"))
  var input: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("The result; takes the place of output.path.", valueName: "file.h5"))
  var output: String?

  @OptionGroup(title: "Input") var inputOptions: InputOptions

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "Any value of the job: calibration.energy='300 keV', radial_profile.bins=32.",
      valueName: "key.path=value"))
  var settings: [String] = []

  @Flag(help: "No PNG pictures beside the output.")
  var noImages = false

  func overrides() throws -> [Override] {
    var result = try inputOptions.overrides()
    if let input { result.append(.input(input)) }
    if let output { result.append(.output(output)) }
    result += try settings.map { try Override.set($0) }
    if noImages { result.append(.noImages) }
    return result
  }
}
