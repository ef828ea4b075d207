import ArgumentParser
import Formats
import Foundation
import Runner
import STEM
import USID

struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Shows what is in an input or an output.",
    discussion: """
      EXAMPLES
        ronchi info scan.mib
        ronchi info result.h5 --json | jq '.results[].path'
        ronchi info frames.raw --format raw --detector-shape 128,128 --pixel-type u16 --scan-shape 64,64
      """)

  @Argument(help: "The file.") var path: String
  @OptionGroup(title: "Input") var inputOptions: InputOptions
  @Flag(help: "One JSON document on standard output, nothing else.") var json = false

  func run() throws {
    try HDF5Probe.check(everythingIn: path)
    if inputOptions.dataset == nil, ResultCatalog.isResultFile(path) {
      try describeResults(ResultCatalog(path))
    } else {
      try describeInput()
    }
  }

  private func describeResults(_ catalog: ResultCatalog) throws {
    if json { return try printJSON(ResultsInfo(catalog)) }
    print("\(path): results of ronchi")
    list(catalog.results)
  }

  private func list(_ results: [StoredResult]) {
    for (group, results) in Dictionary(grouping: results, by: \.groupPath).sorted(by: { $0.key < $1.key }) {
      print("\n\(group)")
      for result in results {
        let entry = result.entry
        let shape = entry.dimensions.map { "\($0.name) \($0.size)" }.joined(separator: " × ")
        let quantity = entry.columns.map(words) ?? "\(entry.quantity) [\(entry.unit)]"
        print(
          "  \(padded(entry.output, 22)) \(padded(entry.kind.rawValue, 20)) \(padded(entry.element, 10)) "
            + "\(padded(shape, 24)) \(quantity)")
      }
    }
  }

  /// `y [px], x [px], intensity`
  private func words(_ columns: [TableColumn]) -> String {
    columns.map { $0.unit.isEmpty ? $0.name : "\($0.name) [\($0.unit)]" }.joined(separator: ", ")
  }

  private func describeInput() throws {
    let request = try inputOptions.request(path)
    try HDF5Probe.check(request)
    let source = try openInput(request).description
    let results = (try? ResultCatalog(source.path).results) ?? []
    if json { return try printJSON(InputInfo(source, results.map(\.entry))) }
    print("\(source.path): \(source.format)\(source.dataset.map { ", dataset \($0)" } ?? "")")
    print("  scan        \(source.scanShape?.text ?? "unknown: \(source.frameCount) frames; give --scan-shape y,x")")
    print(
      "  detector    \(source.detectorShape.text) \(source.pixelType.numpyName), \(source.byteOrder.rawValue)-endian")
    print("  storage     \(source.storage)")
    for (name, value, _) in calibrationTable(source.calibration) { print("  \(padded(name, 11)) \(value)") }
    for note in source.notes { print("  note        \(note)") }
    for (key, value) in source.metadata.prefix(40) { print("  \(key): \(value)") }
    list(results)
  }
}

/// `info --json` of an output.
private struct ResultsInfo: Encodable {
  let path: String
  let kind = "results"
  let attributes: [String: String]
  let results: [ResultEntry]

  init(_ catalog: ResultCatalog) {
    path = catalog.path
    attributes = Dictionary(catalog.attributes.map { ($0.key, $0.value.text) }) { first, _ in first }
    results = catalog.entries
  }
}

/// `info --json` of an input.
private struct InputInfo: Encodable {
  struct Value: Encodable {
    let name: String
    let value: String
  }

  let path: String
  let kind = "input"
  let format: String
  let dataset: String?
  let scanShape: [Int]?
  let frames: Int
  let detectorShape: [Int]
  let pixelType: String
  let byteOrder: String
  let storage: String
  let calibration: [Value]
  let notes: [String]
  let metadata: [Value]
  let results: [ResultEntry]

  enum CodingKeys: String, CodingKey {
    case path, kind, format, dataset, frames, storage, calibration, notes, metadata, results
    case scanShape = "scan_shape"
    case detectorShape = "detector_shape"
    case pixelType = "pixel_type"
    case byteOrder = "byte_order"
  }

  init(_ source: SourceDescription, _ results: [ResultEntry]) {
    self.results = results
    path = source.path
    format = source.format
    dataset = source.dataset
    scanShape = source.scanShape.map { [$0.y, $0.x] }
    frames = source.frameCount
    detectorShape = [source.detectorShape.y, source.detectorShape.x]
    pixelType = source.pixelType.rawValue
    byteOrder = source.byteOrder.rawValue
    storage = source.storage
    calibration = calibrationTable(source.calibration).map { Value(name: $0.name, value: $0.value) }
    notes = source.notes
    metadata = source.metadata.map { Value(name: $0.key, value: $0.value) }
  }
}
