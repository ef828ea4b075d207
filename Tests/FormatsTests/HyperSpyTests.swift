import Foundation
import HDF5
import STEM
import Testing

@testable import Formats

@Suite("HyperSpy")
struct HyperSpyTests {
  private struct Axis {
    var navigate: Bool?
    var scale = 1.0
    var units: String?
    var name: String?
  }

  private func write(
    _ path: String, _ scan: KnownScan, _ axes: [Axis], order: [Int] = [0, 1, 2, 3], oldStyle: Bool = false
  ) throws {
    let file = try HDF5.File(path, .create)
    try file.setAttribute("file_format", "HyperSpy")
    let signal = "/Experiments/scan"
    try file.add(scan, "\(signal)/data", order: order, layout: .chunked([2, 2, 2, 2], deflate: 4))
    for (k, axis) in axes.enumerated() {
      let group = try file.createGroup("\(signal)/axis-\(k)")
      try group.setAttribute("scale", axis.scale)
      try group.setAttribute("offset", 0.0)
      try group.setAttribute("size", order.map { scan.shape[$0] }[k])
      if let navigate = axis.navigate { try group.setAttribute("navigate", navigate) }
      // Python 2 wrote bytes under another name, nothing as a word.
      try group.setAttribute(oldStyle ? "_bs_units" : "units", axis.units ?? "_None_", length: oldStyle ? 8 : nil)
      try group.setAttribute("name", axis.name ?? "_None_")
    }
    let microscope = try file.createGroup("\(signal)/metadata/Acquisition_instrument/TEM")
    try microscope.setAttribute("beam_energy", 200.0)
    try microscope.setAttribute("convergence_angle", 12.5)
    try file.createGroup("\(signal)/metadata/Acquisition_instrument/TEM/Detector/Diffraction")
      .setAttribute("camera_length", 80.0)
  }

  @Test("navigate says which axes are the scan; energy in keV and semi-angle in mrad come from the metadata")
  func navigation() throws {
    let scan = KnownScan()
    for oldStyle in [false, true] {
      let folder = try ScratchFolder()
      try write(
        folder.file("a.hspy"), scan,
        [
          Axis(navigate: true, scale: 0.05, units: "nm"), Axis(navigate: true, scale: 0.04, units: "nm"),
          Axis(navigate: false, scale: -0.3, units: "1/nm"), Axis(navigate: false, scale: 0.2, units: "$A^{-1}$"),
        ], oldStyle: oldStyle)
      let source = try opened(folder.file("a.hspy"))
      let about = source.description
      #expect(about.format == "hspy" && about.scanShape == scan.scan)
      #expect(about.calibration.energy == Sourced(200e3, .file))
      #expect(about.calibration.semiangle == Sourced(0.0125, .file))
      #expect(about.calibration.scanStep.map { abs($0.value.y - 0.5) < 1e-12 && abs($0.value.x - 0.4) < 1e-12 } == true)
      #expect(about.calibration.pixelReciprocal.map { abs($0.y - 0.03) < 1e-12 && abs($0.x - 0.2) < 1e-12 } == true)
      #expect(about.metadata.contains { $0.key == "camera_length" && $0.value == "80.0" })
      try scan.check(source)
    }
  }

  @Test("signal axes before navigation axes are reordered, names do not matter")
  func reordered() throws {
    let (scan, folder) = (KnownScan(), try ScratchFolder())
    let (navigation, signal) = (Axis(navigate: true, name: "x"), Axis(navigate: false, name: "x"))
    try write(folder.file(), scan, [signal, signal, navigation, navigation], order: [2, 3, 0, 1])
    try scan.check(try opened(folder.file()))
  }

  @Test("one navigation axis is a stack of frames; three are refused by name")
  func wrongAxes() throws {
    let (scan, folder) = (KnownScan(), try ScratchFolder())
    let (n, s) = (Axis(navigate: true, name: "n"), Axis(navigate: false, name: "s"))
    try write(folder.file("a.h5"), scan, [n, n, n, s])
    let found = problem { _ = try opened(folder.file("a.h5")) }
    #expect(found?.code == .badData && found?.message.contains("3 navigation axes (n: 5, n: 7, n: 6)") == true)
    try write(folder.file("b.h5"), scan, [Axis(), Axis(), Axis(), Axis()])
    let source = try opened(folder.file("b.h5"))
    #expect(source.description.notes.contains { $0.contains("last two are taken as the detector") })
    try scan.check(source)
  }
}
