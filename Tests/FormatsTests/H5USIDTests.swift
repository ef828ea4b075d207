import Foundation
import HDF5
import STEM
import Testing

@testable import Formats

/// Writes main datasets with any order of dimensions.
struct USIDFile {
  /// A pair of logical axes (`y`, `x`) as it is stored.
  struct Order: Sendable {
    /// x changes slowest.
    var xIsSlow = false
    /// The fastest dimension is the first column (row) of the table, as the specification says.
    var fastestFirst = false
    var labels = ["Y", "X"]
    var units = ["nm", "nm"]
    /// y, x.
    var steps = [0.05, 0.04]
    var origin = 0.0
  }

  var scan = KnownScan()
  var positions = Order()
  var pixels = Order(labels: ["Qy", "Qx"], units: ["1/nm", "1/nm"], steps: [0.2, 0.3], origin: -1)
  var layout = DatasetLayout.contiguous

  func write(_ path: String, group: String = "/Measurement_000/Channel_000") throws {
    let file = try HDF5.File(path, .create)
    try add(to: file, group)
  }

  func add(to file: borrowing HDF5.File, _ group: String) throws {
    try ancillary(file, "\(group)/Position", positions, scan.scan, pointsFirst: true)
    try ancillary(file, "\(group)/Spectroscopic", pixels, scan.detector, pointsFirst: false)
    let order: [Int] = (positions.xIsSlow ? [1, 0] : [0, 1]) + (pixels.xIsSlow ? [3, 2] : [2, 3])
    try file.add(scan, "\(group)/Raw_Data", order: order, shape: [scan.frames, scan.detector.count], layout: layout)
    let main = try file.openDataset("\(group)/Raw_Data")
    for name in H5USIDMain.references { try main.setAttribute(name, referenceTo: "\(group)/\(name)") }
    try main.setAttribute("quantity", "Electron counts")
    try main.setAttribute("units", "e")
  }

  private func ancillary(
    _ file: borrowing HDF5.File, _ name: String, _ order: Order, _ size: Shape, pointsFirst: Bool
  ) throws {
    // (y, x) of every point, in the order of the points.
    let points: [[Int]] = (0..<size.count).map {
      order.xIsSlow ? [$0 % size.y, $0 / size.y] : [$0 / size.x, $0 % size.x]
    }
    let slowFirst = order.xIsSlow ? [1, 0] : [0, 1]
    let columns = order.fastestFirst ? Array(slowFirst.reversed()) : slowFirst
    let cells: [(Int, Int)] =
      pointsFirst
      ? points.flatMap { point in columns.map { ($0, point[$0]) } }
      : columns.flatMap { column in points.map { (column, $0[column]) } }
    let shape = pointsFirst ? [size.count, 2] : [2, size.count]
    let indices = try file.createDataset("\(name)_Indices", shape: shape, of: .u32)
    try indices.write(cells.map { UInt32($0.1) })
    let values = try file.createDataset("\(name)_Values", shape: shape, of: .f32)
    try values.write(cells.map { Float(order.origin + order.steps[$0.0] * Double($0.1)) })
    for dataset in ["Indices", "Values"] {
      let ancillary = try file.openDataset("\(name)_\(dataset)")
      try ancillary.setAttribute("labels", columns.map { order.labels[$0] })
      try ancillary.setAttribute("units", columns.map { order.units[$0] })
    }
  }
}

@Suite("h5USID")
struct H5USIDTests {
  @Test(
    "every order of dimensions and of columns gives the same frames",
    arguments: [DatasetLayout.contiguous, .chunked([3, 24], deflate: 3, shuffles: true), .chunked([35, 5])])
  func orders(layout: DatasetLayout) throws {
    for bits in 0..<16 {
      var usid = USIDFile()
      usid.layout = layout
      usid.positions.xIsSlow = bits & 1 != 0
      usid.positions.fastestFirst = bits & 2 != 0
      usid.pixels.xIsSlow = bits & 4 != 0
      usid.pixels.fastestFirst = bits & 8 != 0
      let folder = try ScratchFolder()
      try usid.write(folder.file())
      let source = try opened(folder.file())
      let about = source.description
      #expect(about.format == "h5usid" && about.scanShape == usid.scan.scan)
      #expect(about.dataset == "/Measurement_000/Channel_000/Raw_Data")
      #expect(about.quantity == "Electron counts" && about.unit == "e")
      #expect(about.notes.contains { $0.contains("reordered") } == usid.positions.xIsSlow)
      #expect(about.notes.contains { $0.contains("transposed") } == usid.pixels.xIsSlow)
      let step = about.calibration.scanStep!
      #expect(step.origin == .file && abs(step.value.y - 0.5) < 1e-5 && abs(step.value.x - 0.4) < 1e-5)
      let pixel = about.calibration.pixelReciprocal!
      #expect(abs(pixel.y - 0.02) < 1e-6 && abs(pixel.x - 0.03) < 1e-6)
      try usid.scan.check(source)
    }
  }

  @Test("labels that do not tell y from x: the slow dimension is y")
  func unknownLabels() throws {
    for labels in [["A", "B"], ["X", "X"]] {
      var usid = USIDFile()
      usid.positions.labels = labels
      let folder = try ScratchFolder()
      try usid.write(folder.file())
      let source = try opened(folder.file())
      #expect(source.description.notes.contains { $0.contains("slow one is taken as y") })
      try usid.scan.check(source)
    }
  }

  @Test("attributes of the measurement say what the experiment was, as the simulations and Ronchi name it")
  func attributes() throws {
    let folder = try ScratchFolder()
    let usid = USIDFile()
    try usid.write(folder.file())
    do {
      let file = try HDF5.File(folder.file(), .readWrite)
      let group = try file.openGroup("/Measurement_000")
      for (name, value) in [
        ("energy_eV", 200e3), ("semiangle_mrad", 20), ("scan_step_y_A", 0.5), ("scan_step_x_A", 0.4),
        ("detector_pixel_y_mrad", 0.6), ("detector_pixel_x_mrad", 0.7), ("scan_rotation_deg", 90), ("center_y_px", 3.5),
        ("center_x_px", 2.25), ("counts_per_electron", 12),
      ] { try group.setAttribute(name, value) }
      try group.setAttribute("transpose", true)
    }
    let found = try opened(folder.file()).description.calibration
    #expect(found.energy == Sourced(200e3, .file))
    #expect(found.semiangle == Sourced(0.020, .file))
    #expect(found.scanStep == Sourced(Pair(0.5, 0.4), .file))
    #expect(found.detectorPixel == Sourced(Pair(Quantity(0.6, .milliradian), Quantity(0.7, .milliradian)), .file))
    #expect(abs(found.scanRotation!.value - .pi / 2) < 1e-12)
    #expect(found.center == Sourced(Pair(3.5, 2.25), .file))
    #expect(found.transpose == Sourced(true, .file))
    #expect(found.countsPerElectron == Sourced(12, .file))
  }

  @Test("several scans in a file: all are named, one can be chosen; result maps do not count")
  func several() throws {
    let folder = try ScratchFolder()
    var second = USIDFile()
    second.scan.scan = Shape(3, 4)
    let file = try HDF5.File(folder.file(), .create)
    try USIDFile().add(to: file, "/Measurement_000/Channel_000")
    var map = USIDFile()
    map.scan.detector = Shape(1, 1)
    try map.add(to: file, "/Measurement_000/Channel_000/Raw_Data-Map_000")
    try file.flush()
    #expect(try opened(folder.file()).description.dataset == "/Measurement_000/Channel_000/Raw_Data")
    try second.add(to: file, "/Measurement_001/Channel_000")
    try file.flush()
    let found = problem { _ = try opened(folder.file()) }
    #expect(found?.code == .badData)
    for part in ["/Measurement_000/Channel_000/Raw_Data ([Y 5, X 7]", "/Measurement_001", "--dataset"] {
      #expect(found?.message.contains(part) == true)
    }
    #expect(found?.message.contains("Map_000") == false)
    try second.scan.check(try opened(folder.file()) { $0.dataset = "Measurement_001/Channel_000/Raw_Data" })
  }

  @Test("a line of positions is a scan of one row; the user may fold it")
  func line() throws {
    var usid = USIDFile()
    usid.scan = KnownScan(scan: Shape(1, 12))
    let folder = try ScratchFolder()
    try usid.write(folder.file())
    #expect(try opened(folder.file()).description.scanShape == Shape(1, 12))
    #expect(try opened(folder.file()) { $0.scanShape = Shape(3, 4) }.description.scanShape == Shape(3, 4))
  }

  @Test("the table says which grid it is")
  func tables() throws {
    func table(_ indices: [[Int]]) throws -> [Int] {
      let columns = H5USIDColumns(
        numbers: indices.flatMap { $0 }, count: indices[0].count, dimensions: indices.count, pointsFirst: false)
      let table = try H5USIDTable(indices: columns, values: nil, labels: [], units: [])
      return table.fastestFirst.map(\.size)
    }
    #expect(try table([[0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2]]) == [3, 2])
    #expect(try table([[0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 2, 2]]) == [2, 3])
    // Gaps in the numbering (a cut-out) do not matter, dimensions of one point vanish.
    #expect(try table([[10, 10, 14, 14], [3, 5, 3, 5], [7, 7, 7, 7]]) == [2, 2])
    #expect(try table([[.min, .min, .max, .max], [3, 1 << 40, 3, 1 << 40]]) == [2, 2])
    for bad in [
      [[0, 0, 1], [0, 1, 0]], [[0, 0, 1, 1], [0, 1, 1, 0]], [[0, 1, 1, 0], [0, 0, 1, 1]],
      [[0, 0, 0, 1], [0, 1, 1, 1]],
    ] {
      #expect(throws: Problem.self) { try table(bad) }
    }
  }
}
