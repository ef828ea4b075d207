import HDF5
import STEM

/// Creates the groups and datasets of one measurement in an open file. Serial: one rank does it before all others open
/// the file.
struct LayoutWriter {
  let scan: Shape
  let detector: Shape
  let calibration: Calibration
  let source: SourceReference
  let bookkeeping: Bookkeeping
  /// `/Measurement_000`.
  let measurement: String
  var channel: String { measurement + "/Channel_000" }
  private let ancillary = AncillaryPlaces()

  // MARK: groups

  /// The measurement with its channel and what is known of the experiment.
  func createMeasurement(in file: borrowing File) throws {
    var sheet = AttributeSheet()
    sheet.add(bookkeeping.attributes, prefix: "measurement")
    sheet.add(shapes + sourceAttributes + calibration.attributes, prefix: "measurement")
    let group = try file.createGroup(measurement)
    try sheet.write(to: group)
    var channelSheet = AttributeSheet()
    channelSheet.add(bookkeeping.attributes, prefix: "")
    let inner = try file.createGroup(channel)
    try channelSheet.write(to: inner)
  }

  private var shapes: [(key: String, value: Setting)] {
    func list(_ shape: Shape) -> Setting { .list([.integer(shape.y), .integer(shape.x)]) }
    return [("scan_shape", list(scan)), ("detector_shape", list(detector))]
  }

  /// Where another file is the source, its path and dataset; the specification's `source_000` needs the same file.
  private var sourceAttributes: [(key: String, value: Setting)] {
    guard let file = source.filePath else { return [] }
    let name = Names.source(source.datasetPath)
    let parts = source.datasetPath.split(separator: "/")
    var items: [(key: String, value: Setting)] = [("source_file_path", .text(file))]
    if parts.last.map(String.init) == name {
      items.append(("source_dataset_path", .text(source.datasetPath)))
    } else {
      let renamed = parts.dropLast().map { "/\($0)" }.joined() + "/" + name
      items += [
        ("source_dataset_path", .text(renamed)), ("source_dataset_path_original", .text(source.datasetPath)),
      ]
    }
    if let digest = source.digest { items.append(("source_digest", .text(digest))) }
    return items
  }

  /// One results group with its datasets. Returns its place and adds what can be overwritten to `places.pending`.
  func createGroup(
    _ layout: ResultGroupLayout, run: RunAttributes, in file: borrowing File, _ places: inout ResultPlaces
  ) throws {
    let tool = Names.tool(layout.analysis)
    let name = "\(Names.source(source.datasetPath))-\(tool)"
    let index = try nextIndex(of: name, in: file)
    let path = "\(channel)/\(Names.numbered(name, index))"
    var sheet = AttributeSheet(reserved: source.filePath == nil ? ["source_000"] : [])
    sheet.add(bookkeeping.attributes, prefix: "")
    sheet.add(
      [
        ("tool", .text(tool)), ("num_source_dsets", .integer(1)), ("algorithm", .text(layout.algorithm)),
        ("analysis", .text(layout.analysis)),
      ] + sourceAttributes + shapes, prefix: "")
    sheet.add(layout.attributes, prefix: "parameter")
    sheet.add(calibration.attributes.map { ("calibration_\($0.key)", $0.value) }, prefix: "run")
    sheet.add(run.provenance, prefix: "run")
    places.pending = sheet.addPending(run.pending, prefix: "run")
    let group = try file.createGroup(path)
    try sheet.write(to: group)
    if source.filePath == nil { try group.setAttribute("source_000", referenceTo: "\(channel)/\(frameName)") }

    let axes = RunAxes(scan: scan, detector: detector, calibration: calibration)
    let outputs = try layout.outputs.map { try createOutput($0, axes: axes, in: file, group: path) }
    places.groups.append(
      ResultPlaces.Group(analysis: layout.analysis, index: index, path: path, pass: layout.pass, outputs: outputs))
  }

  private func nextIndex(of name: String, in file: borrowing File) throws -> Int {
    let numbers = try file.openGroup(channel).children().compactMap { child in
      Names.parts(child.name).flatMap { $0.name == name ? $0.number : nil }
    }
    return (numbers.max() ?? -1) + 1
  }

  // MARK: datasets

  private var frameName: String { Names.source(source.datasetPath) }

  private func createOutput(
    _ output: OutputDescription, axes: RunAxes, in file: borrowing File, group: String
  ) throws -> ResultPlaces.Output {
    let (position, spectroscopic) = try axes.axes(of: output)
    let path = "\(group)/\(output.name)"
    let dataset = try file.createDataset(
      path, shape: [position.count, spectroscopic.count], type: output.element.stored, fill: output.element.fill)
    let main = MainDescription(quantity: output.quantity, unit: output.unit, summary: output.summary)
    var more: [(key: String, value: Setting)] = [
      ("kind", .text(output.kind.rawValue)), ("signed", .bool(output.signed)),
    ]
    if output.categorical { more.append(("categorical", .bool(true))) }
    if let missing = output.element.missingValue { more.append(("missing_value", .integer(missing))) }
    try describe(dataset, main, more + output.attributes)
    try link(dataset, position, spectroscopic, in: file)
    return ResultPlaces.Output(
      name: output.name, path: path, kind: output.kind, element: output.element, rows: position.count,
      columns: spectroscopic.count)
  }

  /// The frames of a scan: not filled, since all of them are written.
  func createFrames(_ layout: ScanFileLayout, in file: borrowing File) throws -> ResultPlaces.Frames {
    let path = "\(channel)/\(frameName)"
    let axes = RunAxes(scan: scan, detector: detector, calibration: calibration)
    var storage = DatasetLayout.contiguous
    storage.fills = false
    let type = NumberType(rawValue: layout.pixelType.rawValue) ?? .f64
    let dataset = try file.createDataset(path, shape: [scan.count, detector.count], of: type, layout: storage)
    let main = MainDescription(quantity: layout.quantity, unit: layout.unit, summary: "One row a scan position.")
    try describe(dataset, main, layout.provenance)
    try link(dataset, axes.scan, axes.detector, in: file)
    return ResultPlaces.Frames(
      path: path, pixelType: layout.pixelType, positions: scan.count, pixels: detector.count)
  }

  private func describe(
    _ dataset: borrowing Dataset, _ main: MainDescription, _ more: [(key: String, value: Setting)]
  ) throws {
    var sheet = AttributeSheet(reserved: Set(MainDescription.references))
    sheet.add(bookkeeping.attributes, prefix: "")
    sheet.add(
      [("quantity", .text(main.quantity)), ("units", .text(main.unit)), ("summary", .text(main.summary))], prefix: "")
    sheet.add(more, prefix: "output")
    try sheet.write(to: dataset)
  }

  private func link(
    _ dataset: borrowing Dataset, _ position: AxisSet, _ spectroscopic: AxisSet, in file: borrowing File
  ) throws {
    let rows = try place(of: position, in: file)
    let columns = try place(of: spectroscopic, in: file)
    let targets = [rows.indices, rows.values, columns.indices, columns.values]
    for (name, target) in zip(MainDescription.references, targets) {
      try dataset.setAttribute(name, referenceTo: target)
    }
  }

  private func place(of axes: AxisSet, in file: borrowing File) throws -> AncillaryPair {
    if let known = ancillary.known.first(where: { $0.axes == axes }) { return known.pair }
    let pair = try axes.write(in: file, channel: channel, bookkeeping)
    ancillary.known.append((axes, pair))
    return pair
  }

  /// What is known of every position: one dataset a pass, in the first of its groups and linked into the others.
  func createStatus(in file: borrowing File, _ places: inout ResultPlaces) throws {
    let isDone = "1 where the results of a scan position are complete and in the file."
    let isBad = "1 where the frame of a scan position could not be read and was masked: its results are NaN."
    for group in places.groups {
      try createStatus(Names.completed, isDone, of: group, in: file, &places.completed)
      try createStatus(Names.badFrames, isBad, of: group, in: file, &places.badFrames)
    }
  }

  private func createStatus(
    _ name: String, _ summary: String, of group: ResultPlaces.Group, in file: borrowing File,
    _ places: inout [Int: String]
  ) throws {
    let path = "\(group.path)/\(name)"
    if let first = places[group.pass] { return try file.createHardLink(path, to: first) }
    let dataset = try file.createDataset(path, shape: [scan.count], of: .u8, fill: UInt8(0))
    var sheet = AttributeSheet()
    sheet.add(bookkeeping.attributes, prefix: "")
    sheet.add([("summary", .text(summary))], prefix: "")
    try sheet.write(to: dataset)
    places[group.pass] = path
  }
}

/// Where a writer has put axes: looking for them in the file means to read them again.
private final class AncillaryPlaces {
  var known: [(axes: AxisSet, pair: AncillaryPair)] = []
}

/// What all results groups of a run say.
struct RunAttributes {
  var provenance: [(key: String, value: Setting)] = []
  var pending: [(key: String, value: Setting)] = []
}

struct MainDescription {
  static let references = [
    "Position_Indices", "Position_Values", "Spectroscopic_Indices", "Spectroscopic_Values",
  ]
  var quantity: String
  var unit: String
  var summary: String
}
