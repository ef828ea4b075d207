import HDF5
import STEM

/// HyperSpy's own files: `Experiments/NAME/data` with `axis-N` groups and metadata beside it.
enum HyperSpyFormat: InputFormat {
  static let name = "hspy"
  static let summary = "HyperSpy .hspy"
  static let suffixes = ["hspy", "hdf5"]
  static let holdsDatasets = true

  static func recognizes(_ probe: FileProbe) -> Bool {
    guard probe.isHDF5 else { return false }
    let format = try? withHDF5(probe.path) { file in file.hyperSpyText("file_format", of: "/") }
    return format?.lowercased() == "hyperspy"
  }

  static func open(_ request: InputRequest, _ options: NoOptions, probe: FileProbe) throws -> HDF5FrameSource {
    if let dataset = request.dataset {
      let entry = try request.namedEntry(dataset)
      guard let signal = try HyperSpySignal(entry) else { return try HDF5Format.open(entry, request) }
      return try open(signal, request)
    }
    let signals = try HDF5Walk.entries(of: request.path).compactMap { try HyperSpySignal($0) }
    let scans = signals.filter { $0.entry.isScanLike }
    let fourD = scans.filter { $0.entry.squeezedRank == 4 }
    for candidates in [fourD, scans] {
      if candidates.count == 1 { return try open(candidates[0], request) }
      if candidates.count > 1 { throw HDF5Format.several(candidates.map(\.entry), request) }
    }
    throw Problem(
      .badData, at: request.path,
      "holds no HyperSpy signal with two signal axes and navigation axes of pixels that are read; it holds "
        + (signals.isEmpty ? "none at all" : signals.map(\.entry.line).joined(separator: ", "))
        + "; name a file with frames at positions")
  }

  private static func open(_ signal: HyperSpySignal, _ request: InputRequest) throws -> HDF5FrameSource {
    let entry = signal.entry
    let place = "\(request.path):\(entry.path)"
    let (scan, detector, note): ([HDF5Axis], [HDF5Axis], String?)
    do { (scan, detector, note) = try signal.scanAndDetector() } catch let problem as Problem {
      throw Problem(problem.code, at: place, problem.message)
    }
    guard let pixel = entry.type.pixel else {
      _ = try entry.readableLayout(at: place)
      throw Problem(.badData, at: place, "pixels of \(entry.type) are not read")
    }
    let grid = scan.count == 2 ? Shape(scan[0].size, scan[1].size) : Shape(1, scan[0].size)
    let layout = HDF5FrameLayout(
      shape: entry.shape,
      positions: scan.count == 2 ? .separate(y: scan[0].index, x: scan[1].index) : .joined(scan[0].index),
      pixels: .separate(y: detector[0].index, x: detector[1].index), grid: grid,
      detector: Shape(detector[0].size, detector[1].size))
    var about = SourceDescription(
      format: name, path: request.path, dataset: entry.path,
      scanShape: try request.resolvedScanShape(frames: layout.frameCount, stored: scan.count == 2 ? grid : nil),
      frameCount: layout.frameCount, detectorShape: layout.detector, pixelType: pixel.0, byteOrder: pixel.1)
    if let note { about.notes.append(note) }
    if scan.count == 2 { about.calibration.setScanStep(scan[0], scan[1]) }
    about.calibration.setDetectorPixel(detector[0], detector[1])
    try signal.readMetadata(into: &about)
    return try HDF5FrameSource(entry, layout, about: about)
  }
}

/// A signal of a HyperSpy file.
struct HyperSpySignal: Sendable {
  var entry: HDF5Entry
  var group: String
  /// In the order of the array, roles from HyperSpy's `navigate`.
  var axes: [HDF5Axis]

  /// nil for a dataset that is not the `data` of a signal.
  init?(_ entry: HDF5Entry) throws {
    let parts = entry.place.path.split(separator: "/")
    guard parts.count == 3, parts[0] == "Experiments", parts[2] == "data" else { return nil }
    let group = "/Experiments/\(parts[1])"
    axes = try withHDF5(entry.place.file) { file in
      var axes = entry.shape.enumerated().map { HDF5Axis(index: $0, size: $1) }
      for number in entry.shape.indices {
        let path = "\(group)/axis-\(number)"
        guard try file.exists(path) else { continue }
        let index = file.attribute("index_in_array", of: path)?.int ?? number
        guard axes.indices.contains(index) else { continue }
        axes[index].name = file.hyperSpyText("name", of: path) ?? ""
        axes[index].unit = file.hyperSpyText("units", of: path) ?? ""
        axes[index].step = file.attribute("scale", of: path)?.double
        axes[index].origin = file.attribute("offset", of: path)?.double
        axes[index].declaredRole = file.attribute("navigate", of: path)?.bool.map { $0 ? .scan : .detector }
      }
      return axes
    }
    self.entry = entry
    self.group = group
  }

  /// (y, x) or (frame), and (y, x). HyperSpy shows the last axis of a pair from left to right, whatever its name.
  func scanAndDetector() throws -> (scan: [HDF5Axis], detector: [HDF5Axis], note: String?) {
    var long = axes
    while long.count > 4, let extra = long.firstIndex(where: { $0.size == 1 && $0.role == .scan }) {
      long.remove(at: extra)
    }
    let scan = long.filter { $0.declaredRole == .scan }
    let detector = long.filter { $0.declaredRole == .detector }
    if (1...2).contains(scan.count), detector.count == 2 {
      let order = (scan + detector).map(\.index)
      return (scan, detector, order == order.sorted() ? nil : "axes reordered: navigation first, then signal")
    }
    guard long.allSatisfy({ $0.declaredRole == nil }), long.count == 4 || long.count == 3 else {
      let (navigation, signal) = (
        scan.map(\.text).joined(separator: ", "), detector.map(\.text).joined(separator: ", ")
      )
      throw Problem(
        .badData,
        "\(scan.count) navigation axes (\(navigation)) and \(detector.count) signal axes (\(signal)); one or two "
          + "navigation axes and two signal axes can be read; transpose the signal in HyperSpy, or give input.format: hdf5 "
          + "with input.dataset")
    }
    return (
      Array(long.dropLast(2)), Array(long.suffix(2)),
      "the axes do not say which are navigation: the last two are taken as the detector"
    )
  }

  /// `metadata/Acquisition_instrument/TEM`: beam_energy in keV, convergence_angle (semi-angle) in mrad.
  func readMetadata(into about: inout SourceDescription) throws {
    try withHDF5(entry.place.file) { file in
      for instrument in ["TEM", "STEM"] {
        let path = "\(group)/metadata/Acquisition_instrument/\(instrument)"
        guard try file.exists(path) else { continue }
        if let energy = file.attribute("beam_energy", of: path)?.double, energy.isFinite, energy > 0 {
          about.calibration.energy = Sourced(energy * 1000, .file)
        }
        if let angle = file.attribute("convergence_angle", of: path)?.double, angle.isFinite, angle > 0 {
          about.calibration.semiangle = Sourced(angle * 1e-3, .file)
        }
        about.metadata += try file.record(path)
        let camera = "\(path)/Detector/Diffraction"
        if try file.exists(camera) { about.metadata += try file.record(camera) }
      }
      let general = "\(group)/metadata/General"
      if try file.exists(general) { about.metadata += try file.record(general) }
      let signal = "\(group)/metadata/Signal"
      if let quantity = file.hyperSpyText("quantity", of: signal), !quantity.isEmpty { about.quantity = quantity }
    }
    var metadata = HDF5Metadata()
    try metadata.readAttributes(of: entry.place)
    metadata.complete(&about)
  }
}

extension HDF5.File {
  /// A text attribute; files of Python 2 keep bytes under `_bs_NAME`, and `_None_` stands for nothing.
  borrowing func hyperSpyText(_ name: String, of path: String) -> String? {
    let value = attribute(name, of: path)?.string ?? attribute("_bs_\(name)", of: path)?.string
    return value == "_None_" || value == "<undefined>" ? nil : value
  }

  /// The short attributes of a group, for the record.
  fileprivate borrowing func record(_ path: String) throws(HDF5Error) -> [(key: String, value: String)] {
    try attributesOfObject(path).compactMap { name, value in value.shortText.map { (name, $0) } }
      .filter { $0.1 != "_None_" }
  }
}
