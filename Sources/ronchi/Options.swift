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

/// What can be said about an input, the same for every command that opens one.
struct InputOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Dataset inside the file, where it holds several.", valueName: "path"))
  var dataset: String?

  @Option(help: ArgumentHelp("Scan positions y,x where the file does not say: 64,128.", valueName: "y,x"))
  var scanShape: String?

  @Option(help: "Forces a format: h5usid, emd, hspy, hdf5, npy, mib, raw.")
  var format: String?

  @Option(help: ArgumentHelp("Raw binary: detector pixels y,x.", valueName: "y,x"))
  var detectorShape: String?

  @Option(help: "Raw binary: u8, u16, u32, i8, i16, i32, f32 or f64.")
  var pixelType: String?

  @Option(help: "Raw binary: little or big.")
  var byteOrder: String?

  @Option(help: ArgumentHelp("Raw binary: bytes before the first frame.", valueName: "bytes"))
  var offset: Int?

  @Option(help: ArgumentHelp("Raw binary: bytes between frames.", valueName: "bytes"))
  var gap: Int?

  func overrides() throws -> [Override] {
    var result: [Override] = []
    if let dataset { result.append(.dataset(dataset)) }
    if let scanShape { result.append(try .scanShape(scanShape)) }
    if let detectorShape { result.append(try .set("input.detector_shape=[\(detectorShape)]")) }
    for (key, value) in [("format", format), ("pixel_type", pixelType), ("byte_order", byteOrder)] {
      if let value { result.append(try .set("input.\(key)=\(value)")) }
    }
    for (key, value) in [("offset", offset), ("gap", gap)] {
      if let value { result.append(try .set("input.\(key)=\(value)")) }
    }
    return result
  }
}

extension InputOptions {
  /// The same without a job, for `info`.
  func request(_ path: String) throws -> InputRequest {
    var request = InputRequest(path: path)
    request.dataset = dataset
    request.format = format
    request.offset = offset
    request.gap = gap
    request.scanShape = try scanShape.map { try parsedShape($0, "--scan-shape") }
    request.detectorShape = try detectorShape.map { try parsedShape($0, "--detector-shape") }
    request.pixelType = try parsed(pixelType, "--pixel-type")
    request.byteOrder = try parsed(byteOrder, "--byte-order")
    return request
  }

  private func parsed<Choice: CaseIterable & RawRepresentable>(
    _ text: String?, _ option: String
  ) throws -> Choice? where Choice.RawValue == String {
    guard let text else { return nil }
    guard let choice = Choice.allCases.first(where: { $0.rawValue == text }) else {
      let allowed = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw Problem(.usage, at: option, "'\(text)' given; allowed: \(allowed)")
    }
    return choice
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
