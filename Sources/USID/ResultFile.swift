import Foundation
import HDF5
import STEM

/// Files of results: laid out completely before the first value is computed, so that afterwards only raw data moves.
public enum ResultFile {
  /// Lays out a new file on one rank: all groups, datasets (contiguous, allocated, all values missing) and attributes;
  /// closed, not synced. Throws `Problem`: 73 where the file exists or cannot be created, 74 for a full disk; a file
  /// that could not be finished is removed again. Throws `Problems` for a layout that no file can have.
  public static func create(_ path: String, _ layout: ResultFileLayout) throws -> ResultPlaces {
    try layout.check()
    return try createFile(path, bytes: layout.bytes) { file in
      try describeRoot(file, type: Names.resultFile, layout.bookkeeping)
      let writer = LayoutWriter(layout, measurement: Names.numbered("/Measurement", 0))
      try writer.createMeasurement(in: file)
      return try lay(layout, with: writer, in: file)
    }
  }

  /// Adds groups to a file of ours, which should be a copy until all is done. A source of the same shape and path (or
  /// digest) shares its measurement and gets the next free numbers; another one gets a new measurement. Throws as `create`
  /// does, and 73 for a file that is not ours; what could not be completed is removed.
  public static func append(_ path: String, _ layout: ResultFileLayout) throws -> ResultPlaces {
    try layout.check()
    try DiskSpace.check(path, bytes: layout.bytes)
    let file = try using(path, .laying) { try File(path, .readWrite) }
    try using(path, .laying) { try checkIsOurs(file) }
    return try complete(file, path) { file in
      let measurement = try findMeasurement(in: file, layout)
      let writer = LayoutWriter(layout, measurement: measurement.path)
      if measurement.isNew { try writer.createMeasurement(in: file) }
      return try lay(layout, with: writer, in: file)
    }
  }

  /// Gives attributes their last values on every results group of the run, after all data is in the file; not synced.
  /// Those of `ResultFileLayout.pending` are overwritten in place, texts cut to their capacity; others are replaced.
  /// - Parameters:
  ///   - own: what belongs to one group alone, by its index in `places`
  ///   - measurement: what belongs to the measurement
  public static func finish(
    _ path: String, _ places: ResultPlaces, _ values: [(key: String, value: Setting)],
    own: [Int: [(key: String, value: Setting)]] = [:], measurement: [(key: String, value: Setting)] = []
  ) throws {
    try using(path, .writing) {
      let file = try File(path, .readWrite)
      for (index, group) in places.groups.enumerated() {
        try overwrite(values + (own[index] ?? []), places, on: try file.openGroup(group.path))
      }
      if !measurement.isEmpty { try overwrite(measurement, places, on: try file.openGroup(places.measurement)) }
      try file.close()
    }
  }

  private static func overwrite(
    _ values: [(key: String, value: Setting)], _ places: ResultPlaces, on group: borrowing Group
  ) throws {
    for (key, value) in values {
      let pending = places.pending.first { $0.key == key || $0.key == "run_\(key)" }
      if let pending, pending.room > 0 {
        try group.setAttribute(pending.key, shorten(value.text, pending.room), length: pending.room)
      } else if case .integer(let number) = value, case .double? = try group.attribute(key) {
        try group.setAttribute(key, Double(number))
      } else {
        try group.setAttribute(pending?.key ?? key, value.attribute)
      }
    }
  }

  /// Cuts the text to at most `room` bytes, at a character boundary.
  private static func shorten(_ text: String, _ room: Int) -> String {
    var short = text
    while short.utf8.count > room { short.removeLast() }
    return short
  }

  // MARK: parts of a layout

  private static func lay(
    _ layout: ResultFileLayout, with writer: LayoutWriter, in file: borrowing File
  ) throws -> ResultPlaces {
    var places = ResultPlaces(measurement: writer.measurement)
    let run = RunAttributes(provenance: layout.provenance, pending: layout.pending)
    for group in layout.groups { try writer.createGroup(group, run: run, in: file, &places) }
    try writer.createStatus(in: file, &places)
    return places
  }

  static func describeRoot(_ file: borrowing File, type: String, _ bookkeeping: Bookkeeping) throws {
    var sheet = AttributeSheet()
    sheet.add([("file_type", .text(type))] + bookkeeping.attributes, prefix: "")
    sheet.add(
      [
        (
          "writer",
          .text(
            "ronchi \(bookkeeping.version); pyUSID_version names the version of the USID model that is followed, "
              + "pyUSID did not write this file")
        )
      ], prefix: "")
    try sheet.write(to: file)
  }

  /// Creates a file of at least `bytes` and lays it out by `body`.
  static func createFile(
    _ path: String, bytes: Int, _ body: (borrowing File) throws -> ResultPlaces
  ) throws -> ResultPlaces {
    try DiskSpace.check(path, bytes: bytes)
    var options = File.Options()
    // Frames and large maps on page boundaries: for mapping, and for stripes of parallel file systems.
    options.alignment = (threshold: 1 << 16, boundary: 4096)
    let file = try using(path, .laying) { try File(path, .create, options: options) }
    return try complete(file, path, body)
  }

  /// Lays out an open file by `body` and closes it; removes it where that fails.
  private static func complete(
    _ file: consuming File, _ path: String, _ body: (borrowing File) throws -> ResultPlaces
  ) throws -> ResultPlaces {
    do {
      let places = try layOut(file, path, body)
      try file.finish()
      return places
    } catch {
      unlink(path)
      throw error
    }
  }

  private static func layOut(
    _ file: borrowing File, _ path: String, _ body: (borrowing File) throws -> ResultPlaces
  ) throws -> ResultPlaces {
    do {
      return try using(path, .writing) {
        let places = try body(file)
        try file.flush()
        return places
      }
    } catch {
      // HDF5 1.10 crashes at the end of the process when a file cannot be closed, as on a full disk. Without its
      // contents there is room for what closing writes; the file is removed right after.
      truncate(path, 0)
      throw error
    }
  }

  // MARK: appending

  private static func checkIsOurs(_ file: borrowing File) throws {
    let type = try file.attribute("file_type")?.string
    guard type == Names.resultFile || type == Names.scanFile else {
      throw Problem(
        .cannotCreate, at: file.fileName,
        "was not written by ronchi; results can only be added to files that were, choose another output")
    }
  }

  private static func findMeasurement(
    in file: borrowing File, _ layout: ResultFileLayout
  ) throws -> (path: String, isNew: Bool) {
    var next = 0
    for child in try file.children() where child.kind == .group {
      guard let (name, number) = Names.parts(child.name), name == "Measurement" else { continue }
      next = max(next, number + 1)
      let group = try file.openGroup(child.name)
      if try holds(layout, group) { return ("/\(child.name)", false) }
    }
    return (Names.numbered("/Measurement", next), true)
  }

  private static func holds(_ layout: ResultFileLayout, _ group: borrowing Group) throws -> Bool {
    func shape(_ name: String) throws -> [Double]? { try group.attribute(name)?.doubles }
    guard try shape("scan_shape") == [Double(layout.scan.y), Double(layout.scan.x)],
      try shape("detector_shape") == [Double(layout.detector.y), Double(layout.detector.x)]
    else { return false }
    let path = try group.attribute("source_file_path")?.string
    let original = try group.attribute("source_dataset_path_original")?.string
    let dataset = try original ?? group.attribute("source_dataset_path")?.string
    // A scan file's own measurement has no path: its frames are in this file.
    guard (path == nil) == (layout.source.filePath == nil) else { return false }
    guard path != nil else { return true }
    let digest = try group.attribute("source_digest")?.string
    let canCompare = digest != nil && layout.source.digest != nil
    let isSame = canCompare ? digest == layout.source.digest : path == layout.source.filePath
    return isSame && dataset == layout.source.datasetPath
  }
}

extension LayoutWriter {
  init(_ layout: ResultFileLayout, measurement: String) {
    self.init(
      scan: layout.scan, detector: layout.detector, calibration: layout.calibration, source: layout.source,
      bookkeeping: layout.bookkeeping, measurement: measurement)
  }
}

extension ResultFileLayout {
  var bytes: Int { storage(groups, scan, detector) }

  /// All that would keep a file from having this layout.
  public func check() throws(Problems) { try problems(scan, detector, calibration, groups).throwIfAny() }
}

extension ScanFileLayout {
  var bytes: Int { storage(groups, scan, detector) + scan.count * detector.count * pixelType.size }

  /// All that would keep a file from having this layout.
  public func check() throws(Problems) { try problems(scan, detector, calibration, groups).throwIfAny() }
}

/// Bytes of the values of all outputs.
private func storage(_ groups: [ResultGroupLayout], _ scan: Shape, _ detector: Shape) -> Int {
  groups.flatMap(\.outputs).reduce(0) { sum, output in
    sum + output.rowCount(scan: scan) * output.columnCount(detector: detector) * output.element.size
  }
}

private func problems(
  _ scan: Shape, _ detector: Shape, _ calibration: Calibration, _ groups: [ResultGroupLayout]
) -> [Problem] {
  guard scan.y > 0, scan.x > 0, detector.y > 0, detector.x > 0 else {
    return [Problem(.badData, "scan \(scan.text), detector \(detector.text): every size must be at least 1")]
  }
  let axes = RunAxes(scan: scan, detector: detector, calibration: calibration)
  var found: [Problem] = []
  for group in groups {
    var names: Set<String> = []
    for output in group.outputs {
      if let problem = Names.problem(ofOutput: output.name) { found.append(problem.inside(group.analysis)) }
      if !names.insert(output.name).inserted {
        found.append(
          Problem(.badConfiguration, at: "\(group.analysis).\(output.name)", "two outputs have this name; rename one"))
      }
      if output.quantity.isEmpty {
        found.append(Problem(.internalError, at: "\(group.analysis).\(output.name)", "has no quantity"))
      }
      do { _ = try axes.axes(of: output) } catch { found.append(error.inside(group.analysis)) }
    }
    if group.outputs.isEmpty {
      found.append(Problem(.badConfiguration, at: group.analysis, "gives no output; ask for at least one"))
    }
  }
  return found
}
