import Foundation
import HDF5
import STEM
import Testing

@testable import Formats

@Suite("EMD")
struct EMDTests {
  /// An EMD 1.0 file like py4DSTEM's, or one like 0.2 with `firstDim` 1 in `/signals`.
  private func write(
    _ path: String, _ scan: KnownScan, names: [String], units: [String], steps: [Double], order: [Int] = [0, 1, 2, 3],
    signals: Bool = false
  ) throws {
    let file = try HDF5.File(path, .create)
    let group = signals ? "/signals/scan" : "/datacube_root/datacube"
    if !signals { try file.setAttribute("emd_group_type", "file") }
    try file.add(scan, "\(group)/data", order: order)
    let made = try file.openGroup(group)
    if signals { try made.setAttribute("emd_group_type", 1) } else { try made.setAttribute("emd_group_type", "array") }
    for k in 0..<4 {
      let dim = try file.createDataset("\(group)/dim\(k + (signals ? 1 : 0))", shape: [2], of: .f64)
      try dim.write([0, steps[k]])
      try dim.setAttribute("name", names[k])
      try dim.setAttribute("units", units[k])
    }
  }

  private let units = ["nm", "nm", "A^-1", "A^-1"]

  @Test("py4DSTEM's Rx, Ry, Qx, Qy only count the axes: no swap")
  func py4DSTEM() throws {
    let (scan, folder) = (KnownScan(), try ScratchFolder())
    try write(folder.file(), scan, names: ["Rx", "Ry", "Qx", "Qy"], units: units, steps: [0.1, 0.2, 0.03, 0.04])
    let source = try opened(folder.file())
    #expect(source.description.format == "emd" && source.description.scanShape == scan.scan)
    #expect(source.description.calibration.scanStep == Sourced(Pair(1, 2), .file))
    let pixel = Pair(Quantity(0.03, .inverseAngstrom), Quantity(0.04, .inverseAngstrom))
    #expect(source.description.calibration.detectorPixel == Sourced(pixel, .file))
    try scan.check(source)
  }

  @Test(
    "names decide the axes, in every order",
    arguments: [
      [3, 2, 1, 0], [0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [0, 1, 3, 2], [1, 0, 2, 3], [0, 2, 1, 3],
    ])
  func named(order: [Int]) throws {
    let (scan, folder) = (KnownScan(), try ScratchFolder())
    let (names, steps) = (["y", "x", "ky", "kx"], [0.1, 0.2, 0.03, 0.04])
    let units = ["[n_m]", "nm", "[Å^-1]", "[1_/_Å]"]
    try write(
      folder.file(), scan, names: order.map { names[$0] }, units: order.map { units[$0] },
      steps: order.map { steps[$0] }, order: order, signals: true)
    let source = try opened(folder.file())
    #expect(source.description.scanShape == scan.scan && source.description.detectorShape == scan.detector)
    #expect(source.description.calibration.scanStep == Sourced(Pair(1, 2), .file))
    #expect(source.description.calibration.pixelReciprocal == Pair(0.03, 0.04))
    try scan.check(source)
  }

  @Test("no names: HyperSpy's signals have the fast axis first, everything else the slow one")
  func unnamed() throws {
    let scan = KnownScan()
    for signals in [true, false] {
      let folder = try ScratchFolder()
      let blank = ["", "", "", ""]
      try write(
        folder.file(), scan, names: blank, units: blank, steps: [1, 1, 1, 1],
        order: signals ? [3, 2, 1, 0] : [0, 1, 2, 3], signals: signals)
      try scan.check(try opened(folder.file()))
    }
  }

  @Test("py4DSTEM's calibration bundle; QR_flip and QR_rotation are recorded, not believed")
  func bundle() throws {
    let (scan, folder) = (KnownScan(), try ScratchFolder())
    try write(
      folder.file(), scan, names: ["Rx", "Ry", "Qx", "Qy"], units: ["pixels", "pixels", "pixels", "pixels"],
      steps: [1, 1, 1, 1])
    do {
      let file = try HDF5.File(folder.file(), .readWrite)
      let bundle = "/datacube_root/metadatabundle/calibration"
      for (name, value) in [
        ("Q_pixel_size", 0.05), ("R_pixel_size", 0.3), ("convergence_semiangle_mrad", 21), ("QR_rotation", 0.4),
        ("qx0_mean", 2.5), ("qy0_mean", 1.5), ("probe_semiangle", 1.75),
      ] { try file.createDataset("\(bundle)/\(name)", shape: [], of: .f64).write([value]) }
      for (name, text) in [("Q_pixel_units", "mrad"), ("R_pixel_units", "A")] {
        try file.createDataset("\(bundle)/\(name)", shape: [], type: .string(length: nil, isUTF8: true)).write([text])
      }
    }
    let about = try opened(folder.file()).description
    let pixel = Quantity(0.05, .milliradian)
    #expect(about.calibration.detectorPixel == Sourced(Pair(pixel, pixel), .file))
    #expect(about.calibration.scanStep == Sourced(Pair(0.3, 0.3), .file))
    #expect(about.calibration.semiangle == Sourced(0.021, .file))
    #expect(about.calibration.center == Sourced(Pair(2.5, 1.5), .file))
    #expect(about.calibration.diskRadius == Sourced(1.75, .file))
    #expect(about.calibration.scanRotation == nil && about.calibration.transpose == nil)
    #expect(about.notes.contains { $0.contains("QR_rotation") })
    #expect(about.metadata.contains { $0.key == "QR_rotation" && $0.value == "0.4" })
  }

  @Test("real-space images and spectra are no frames")
  func notFrames() throws {
    let (scan, folder) = (KnownScan(), try ScratchFolder())
    try write(
      folder.file(), scan, names: ["x", "y", "z", "t"], units: ["nm", "nm", "nm", "nm"], steps: [1, 1, 1, 1])
    let found = problem { _ = try opened(folder.file()) }
    #expect(found?.code == .badData && found?.message.contains("no scan of frames") == true)
    // The user knows better.
    try scan.check(try opened(folder.file()) { ($0.format, $0.dataset) = ("hdf5", "/datacube_root/datacube/data") })
  }
}
