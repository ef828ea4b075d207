import HDF5
import STEM

/// EMD: 1.0 as py4DSTEM writes it, and the older 0.x of Berkeley, Prismatic, ncempy and HyperSpy.
enum EMDFormat: InputFormat {
  static let name = "emd"
  static let summary = "EMD 1.0 (py4DSTEM) and EMD 0.x (Berkeley, Prismatic, HyperSpy)"
  static let suffixes = ["emd", "h5", "hdf5"]
  static let holdsDatasets = true

  static func recognizes(_ probe: FileProbe) -> Bool {
    guard probe.isHDF5 else { return false }
    return (try? withHDF5(probe.path) { file in try EMDArray.hasMark(file) }) ?? false
  }

  static func open(_ request: InputRequest, _ options: NoOptions, probe: FileProbe) throws -> HDF5FrameSource {
    if let dataset = request.dataset {
      let entry = try request.namedEntry(dataset)
      guard let array = try EMDArray(entry) else { return try HDF5Format.open(entry, request) }
      return try open(array, request)
    }
    return try open(try onlyArray(request), request)
  }

  private static func onlyArray(_ request: InputRequest) throws -> EMDArray {
    let entries = try HDF5Walk.entries(of: request.path)
    let arrays = try entries.filter(\.isScanLike).compactMap { try EMDArray($0) }
    let fourD = arrays.filter { $0.entry.squeezedRank == 4 }
    let cubes = fourD.filter(\.isDataCube)
    for candidates in [cubes, fourD, arrays] {
      if candidates.count == 1 { return candidates[0] }
      if candidates.count > 1 { throw HDF5Format.several(candidates.map(\.entry), request) }
    }
    let others = entries.filter { $0.shape.count > 1 }.prefix(8).map(\.line)
    throw Problem(
      .badData, at: request.path,
      "is an EMD file without a 4-D or 3-D array of pixels; it holds "
        + (others.isEmpty ? "no array" : others.joined(separator: ", ")) + "; name a file with frames")
  }

  private static func open(_ array: EMDArray, _ request: InputRequest) throws -> HDF5FrameSource {
    let entry = array.entry
    let place = "\(request.path):\(entry.path)"
    let axes: EMDAxes
    do { axes = try EMDAxes(array.axes, shape: entry.shape, fastestFirst: array.isFastestFirst) } catch let problem
      as Problem
    { throw Problem(problem.code, at: place, problem.message) }
    guard let pixel = entry.type.pixel else {
      _ = try entry.readableLayout(at: place)
      throw Problem(.badData, at: place, "pixels of \(entry.type) are not read")
    }
    var about = SourceDescription(
      format: name, path: request.path, dataset: entry.path,
      scanShape: try request.resolvedScanShape(
        frames: axes.layout.frameCount, stored: axes.scan == nil ? nil : axes.layout.grid),
      frameCount: axes.layout.frameCount, detectorShape: axes.layout.detector, pixelType: pixel.0, byteOrder: pixel.1)
    if let note = axes.note { about.notes.append(note) }
    try EMDCalibration(array, axes).apply(to: &about)
    return try HDF5FrameSource(entry, axes.layout, about: about)
  }
}

/// An array of an EMD file: a dataset in a group that carries `emd_group_type`, with its axes beside it.
struct EMDArray: Sendable {
  var entry: HDF5Entry
  /// Of the file that holds it.
  var group: HDF5Place
  var axes: [HDF5Axis]
  /// By py4DSTEM's word.
  var isDataCube: Bool
  /// In `/signals`, where HyperSpy writes the fast axis first.
  var isFastestFirst: Bool

  /// nil for a dataset outside such a group, and for the axes themselves.
  init?(_ entry: HDF5Entry) throws {
    let path = entry.place.path
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return nil }
    let name = String(path[path.index(after: slash)...])
    let group = String(path[..<slash])
    guard Int(name.dropFirst(3)) == nil || !name.hasPrefix("dim") else { return nil }
    let found: (axes: [HDF5Axis], isCube: Bool)? = try withHDF5(entry.place.file) { file in
      guard file.hasAttribute("emd_group_type", of: group) else { return nil }
      let kind = file.attribute("python_class", of: group)?.string
      return (try Self.axes(file, group, entry.shape), kind == "DataCube" || name == "datacube")
    }
    guard let found else { return nil }
    self.entry = entry
    self.group = HDF5Place(file: entry.place.file, path: group)
    axes = found.axes
    isDataCube = found.isCube
    isFastestFirst = group.split(separator: "/").dropLast().last == "signals"
  }

  /// `dim0 …` (EMD 1.0) or `dim1 …` (0.x): two points, or as many as the axis has.
  private static func axes(_ file: borrowing HDF5.File, _ group: String, _ shape: [Int]) throws -> [HDF5Axis] {
    let first = try file.exists("\(group)/dim0") ? 0 : 1
    return shape.indices.map { index in
      let path = "\(group)/dim\(index + first)"
      var axis = HDF5Axis(index: index, size: shape[index])
      guard (try? file.exists(path)) == true else { return axis }
      axis.name = file.attribute("name", of: path)?.string ?? ""
      axis.unit = file.attribute("units", of: path)?.string ?? ""
      if let values = file.numbers(path), let (origin, step) = evenSpacing(values) {
        (axis.origin, axis.step) = (origin, step)
      }
      if axis.countsAxes { axis.declaredRole = axis.name.lowercased().hasPrefix("r") ? .scan : .detector }
      return axis
    }
  }

  /// Whether a group near the root carries EMD's mark.
  static func hasMark(_ file: borrowing HDF5.File) throws -> Bool {
    if file.hasAttribute("emd_group_type", of: "/") { return true }
    var level = ["/"]
    // 0.x: /4DSTEM_simulation; /signals/NAME; /data/NAME.
    for _ in 0..<3 {
      var next: [String] = []
      for path in level.prefix(200) {
        let group = try file.openGroup(path)
        for child in try group.children() where child.kind == .group {
          let inner = (path == "/" ? "" : path) + "/" + child.name
          if file.hasAttribute("emd_group_type", of: inner) { return true }
          next.append(inner)
        }
      }
      level = next
    }
    return false
  }
}
