import HDF5
import STEM

/// h5USID: main datasets of positions × observations, described by four ancillary datasets each.
enum H5USIDFormat: InputFormat {
  static let name = "h5usid"
  static let summary = "h5USID main datasets (positions × detector pixels), as pyUSID and Ronchi write them"
  static let suffixes = ["h5", "hdf5"]
  static let holdsDatasets = true

  static func recognizes(_ probe: FileProbe) -> Bool {
    guard probe.isHDF5 else { return false }
    let marks = try? withHDF5(probe.path) { file in
      ["pyUSID_version", "pycroscopy_version"].contains { file.hasAttribute($0, of: "/") }
    }
    if marks == true { return true }
    guard let entries = try? HDF5Walk.entries(of: probe.path) else { return false }
    return !H5USIDMain.meant(entries.filter { $0.shape.count == 2 }).isEmpty
  }

  static func open(_ request: InputRequest, _ options: NoOptions, probe: FileProbe) throws -> HDF5FrameSource {
    if let dataset = request.dataset {
      let entry = try request.namedEntry(dataset)
      guard entry.shape.count == 2, !H5USIDMain.meant([entry]).isEmpty else {
        return try HDF5Format.open(entry, request)
      }
      var tables: [String: H5USIDTable] = [:]
      return try open(try H5USIDMain(entry, input: request.path, tables: &tables), request)
    }
    return try open(try onlyScan(request), request)
  }

  private static func onlyScan(_ request: InputRequest) throws -> H5USIDMain {
    var (mains, broken): ([H5USIDMain], [Problem]) = ([], [])
    var tables: [String: H5USIDTable] = [:]
    for entry in H5USIDMain.meant(try HDF5Walk.entries(of: request.path)) {
      do { mains.append(try H5USIDMain(entry, input: request.path, tables: &tables)) } catch let problem as Problem {
        broken.append(problem)
      }
    }
    let scans = mains.filter(\.isScan)
    if scans.count == 1 { return scans[0] }
    guard scans.isEmpty else {
      throw Problem(
        .badData, at: request.path,
        "holds \(scans.count) main datasets that can be a scan: \(scans.map(\.line).joined(separator: ", ")); name one "
          + "with input.dataset or --dataset")
    }
    try broken.throwIfAny()
    // With more dimensions than a scan has, the message about them says more than a list.
    if mains.count == 1 { return mains[0] }
    throw Problem(
      .badData, at: request.path,
      mains.isEmpty
        ? "holds no h5USID main dataset (one with the references \(H5USIDMain.references.joined(separator: ", "))); "
          + "name a 4-D or 3-D dataset with input.dataset or --dataset"
        : "no main dataset has positions and two detector dimensions: \(mains.map(\.line).joined(separator: ", ")); "
          + "name a file with frames")
  }

  // MARK: - one main dataset

  private static func open(_ main: H5USIDMain, _ request: InputRequest) throws -> HDF5FrameSource {
    let place = "\(request.path):\(main.entry.path)"
    try checkDimensions(main, at: place)
    guard let pixel = main.entry.type.pixel else {
      _ = try main.entry.readableLayout(at: place)
      throw Problem(.badData, at: place, "pixels of \(main.entry.type) are not read")
    }
    let scan = main.positions.fastestFirst.count == 2 ? axes(main.positions.fastestFirst).byName : nil
    let detector = axes(main.observations.fastestFirst).byName
    let frames = main.entry.shape[0]
    // A line of positions along y is a column of the scan.
    let isColumn = axes(main.positions.fastestFirst).first?.direction == .y
    let stored = scan.map { Shape($0.y.size, $0.x.size) } ?? (isColumn ? Shape(frames, 1) : Shape(1, frames))
    let turned = scan?.isSwapped ?? false
    let layout = HDF5FrameLayout(
      shape: main.entry.shape, positions: turned ? .joinedColumns(0) : .joined(0),
      pixels: detector.isSwapped ? .joinedColumns(1) : .joined(1), grid: turned ? stored : Shape(1, frames),
      detector: Shape(detector.y.size, detector.x.size))
    var about = SourceDescription(
      format: name, path: request.path, dataset: main.entry.path,
      scanShape: try request.resolvedScanShape(frames: frames, stored: stored), frameCount: frames,
      detectorShape: layout.detector, pixelType: pixel.0, byteOrder: pixel.1)
    about.quantity = main.quantity ?? about.quantity
    about.unit = main.unit ?? about.unit
    about.notes = notes(main, turned, detector.isSwapped)
    try calibrate(&about, main, scan.map { ($0.y, $0.x) }, (detector.y, detector.x))
    return try HDF5FrameSource(main.entry, layout, about: about)
  }

  private static func checkDimensions(_ main: H5USIDMain, at place: String) throws {
    guard !main.isScan else { return }
    throw Problem(
      .badData, at: place,
      "\(main.positions.fastestFirst.count) position and \(main.observations.fastestFirst.count) observation dimensions "
        + "longer than 1: \(main.line); one or two (scan y, x) and two (detector y, x) can be read; name another main "
        + "dataset, or cut this one")
  }

  /// Slow first.
  private static func axes(_ fastestFirst: [H5USIDDimension]) -> [HDF5Axis] {
    fastestFirst.reversed().enumerated().map {
      HDF5Axis(
        index: $0, size: $1.size, name: $1.label, unit: $1.unit, step: $1.step, origin: $1.origin)
    }
  }

  private static func notes(_ main: H5USIDMain, _ turned: Bool, _ transposed: Bool) -> [String] {
    let (positions, pixels) = (axes(main.positions.fastestFirst), axes(main.observations.fastestFirst))
    var notes = main.positions.notes + main.observations.notes
    if turned { notes.append("positions reordered from \(positions.names) (slow first) to y, x") }
    if transposed { notes.append("frames transposed from \(pixels.names) (slow first) to y, x") }
    for axes in [positions, pixels] where axes.count == 2 {
      let known = Set(axes.compactMap(\.direction))
      if known.count != 2 { notes.append("the labels \(axes.names) do not tell y from x: the slow one is taken as y") }
    }
    return notes
  }

  private static func calibrate(
    _ about: inout SourceDescription, _ main: H5USIDMain, _ scan: (HDF5Axis, HDF5Axis)?,
    _ detector: (HDF5Axis, HDF5Axis)
  ) throws {
    // Attributes are in double precision, values in single.
    var metadata = HDF5Metadata()
    try metadata.readAttributes(of: main.entry.place)
    metadata.complete(&about)
    var values = Calibration()
    if let scan { values.setScanStep(scan.0, scan.1) }
    values.setDetectorPixel(detector.0, detector.1)
    about.noteDisagreement(with: values)
    about.calibration = about.calibration.completed(by: values)
  }
}

extension SourceDescription {
  /// Notes where what the axes say differs by more than a hundredth from what was found first.
  mutating func noteDisagreement(with axes: Calibration) {
    func differs(_ a: Double, _ b: Double) -> Bool { abs(a - b) > 0.01 * max(abs(a), abs(b)) }
    if let a = calibration.scanStep?.value, let b = axes.scanStep?.value, differs(a.y, b.y) || differs(a.x, b.x) {
      notes.append(
        "the file gives two scan steps: \(shortNumber(a.y)) × \(shortNumber(a.x)) Å in attributes (used), "
          + "\(shortNumber(b.y)) × \(shortNumber(b.x)) Å on the axes")
    }
    if let a = calibration.detectorPixel?.value, let b = axes.detectorPixel?.value,
      a.y.unit.dimension == b.y.unit.dimension, differs(a.y.base, b.y.base) || differs(a.x.base, b.x.base)
    {
      notes.append("the file gives two detector pixel sizes: \(a.y) × \(a.x) (used), \(b.y) × \(b.x) on the axes")
    }
  }
}
