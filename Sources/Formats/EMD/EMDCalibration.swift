import HDF5
import STEM

/// The calibration of an EMD array: py4DSTEM's bundle, Prismatic's parameters, then the axes.
struct EMDCalibration {
  private var metadata = HDF5Metadata()
  private let axes: EMDAxes

  init(_ array: EMDArray, _ axes: EMDAxes) throws {
    self.axes = axes
    try withHDF5(array.group.file) { file in
      var path = Substring(array.group.path)
      while !path.isEmpty {
        try metadata.readBundles(in: String(path), of: file)
        path = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
      }
    }
    try metadata.readAttributes(of: array.entry.place)
  }

  func apply(to about: inout SourceDescription) throws {
    metadata.complete(&about)
    if metadata["QR_flip"] != nil || metadata["QR_rotation"] != nil || metadata["QR_rotation_degrees"] != nil {
      about.notes.append(
        "QR_flip and QR_rotation of the file are recorded, not used (py4DSTEM writes defaults there): give "
          + "calibration.transpose and calibration.scan_rotation, or have them measured")
    }
    about.calibration = about.calibration.completed(by: bundle)
    var fromAxes = Calibration()
    let (scan, detector) = unmislabelled(&about.notes)
    if let scan { fromAxes.setScanStep(scan.y, scan.x) }
    fromAxes.setDetectorPixel(detector.y, detector.x)
    about.noteDisagreement(with: fromAxes)
    about.calibration = about.calibration.completed(by: fromAxes).completed(by: prismatic)
  }

  /// py4DSTEM's `Calibration`.
  private var bundle: Calibration {
    var result = Calibration()
    if let size = metadata.size("Q_pixel"), [.angle, .reciprocalLength].contains(size.unit.dimension) {
      result.detectorPixel = Sourced(Pair(size, size), .file)
    }
    if let size = metadata.size("R_pixel"), size.unit.dimension == .length {
      result.scanStep = Sourced(Pair(size.base, size.base), .file)
    }
    // (qx0, qy0) is py4DSTEM's (axis 0, axis 1).
    if let y = metadata["qx0_mean"]?.double, let x = metadata["qy0_mean"]?.double, y.isFinite, x.isFinite {
      result.center = Sourced(Pair(y, x), .file)
    }
    let radius = metadata["probe_semiangle"]?.double ?? metadata["convergence_semiangle_pixels"]?.double
    if let radius, radius.isFinite, radius > 0 { result.diskRadius = Sourced(radius, .file) }
    return result
  }

  // MARK: - Prismatic

  /// Prismatic's command line: `E` in keV, `sa` (semi-angle of the probe) in mrad, `rx` (probe step) in Å.
  private var isPrismatic: Bool { ["E", "sa", "rx", "ry", "nqs"].allSatisfy { metadata[$0] != nil } }

  private var prismatic: Calibration {
    var result = Calibration()
    guard isPrismatic else { return result }
    if let energy = metadata["E"]?.double, energy > 0 { result.energy = Sourced(energy * 1000, .file) }
    if let angle = metadata["sa"]?.double, angle > 0 { result.semiangle = Sourced(angle * 1e-3, .file) }
    return result
  }

  /// The axes in the units that their numbers have: Prismatic labels Å as nm and Å⁻¹ as nm⁻¹, which shows in the step
  /// of the probe that its parameters give in Å.
  private func unmislabelled(
    _ notes: inout [String]
  ) -> (scan: (y: HDF5Axis, x: HDF5Axis)?, detector: (y: HDF5Axis, x: HDF5Axis)) {
    guard isPrismatic, let scan = axes.scan, let rx = metadata["rx"]?.double, let step = scan.y.quantity,
      step.unit == .nanometre, abs(step.value - rx) < 1e-3 * rx
    else { return (axes.scan, axes.detector) }
    notes.append("axes labelled nm and nm⁻¹ by Prismatic are in Å and Å⁻¹, as the probe step in its parameters shows")
    func mended(_ axis: HDF5Axis, _ unit: Unit) -> HDF5Axis {
      var copy = axis
      copy.unit = unit.rawValue
      return copy
    }
    let detector = axes.detector
    guard detector.y.quantity?.unit == .inverseNanometre, detector.x.quantity?.unit == .inverseNanometre else {
      return ((mended(scan.y, .angstrom), mended(scan.x, .angstrom)), detector)
    }
    return (
      (mended(scan.y, .angstrom), mended(scan.x, .angstrom)),
      (mended(detector.y, .inverseAngstrom), mended(detector.x, .inverseAngstrom))
    )
  }
}

extension HDF5Metadata {
  /// `Q_pixel_size` with `Q_pixel_units`, when both make sense.
  func size(_ name: String) -> Quantity? {
    guard let value = self["\(name)_size"]?.double, value.isFinite, value > 0,
      let text = self["\(name)_units"]?.string ?? self["\(name)_size_units"]?.string, let unit = Unit(spelling: text)
    else { return nil }
    return Quantity(value, unit)
  }

  /// Metadata that EMD keeps in groups below `path`: `metadatabundle/NAME` (1.0, values are datasets) and
  /// `metadata/metadata_0/…` (0.x, values are attributes).
  mutating func readBundles(in path: String, of file: borrowing HDF5.File) throws {
    for name in ["metadatabundle", "metadata"] {
      let bundle = "\(path)/\(name)"
      guard try file.exists(bundle), try file.kind(of: bundle) == .group else { continue }
      try readValues(below: bundle, of: file, depth: 4)
    }
  }

  private mutating func readValues(below path: String, of file: borrowing HDF5.File, depth: Int) throws {
    try readAttributes(at: path, in: file)
    guard depth > 0 else { return }
    let group = try file.openGroup(path)
    for child in try group.children().prefix(500) where !child.name.hasPrefix("_") {
      let inner = "\(path)/\(child.name)"
      switch child.kind {
      case .group: try readValues(below: inner, of: file, depth: depth - 1)
      case .dataset: if let value = file.smallValue(inner) { add(child.name, value) }
      default: break
      }
    }
  }
}

extension HDF5.File {
  /// A dataset of few elements, used like an attribute.
  borrowing func smallValue(_ path: String) -> AttributeValue? {
    guard let dataset = try? openDataset(path), (1...16).contains(dataset.count) else { return nil }
    switch dataset.elementType {
    case .string: return (try? dataset.strings()).map { $0.count == 1 ? .string($0[0]) : .strings($0) }
    case .number(let number, _) where number.isFloat:
      return (try? dataset.values(as: Double.self)).map { $0.count == 1 ? .double($0[0]) : .doubles($0) }
    case .number:
      return (try? dataset.values(as: Int.self)).map { $0.count == 1 ? .int($0[0]) : .ints($0) }
    case .boolean:
      var flag: UInt8 = 0
      let whole = dataset.whole
      guard dataset.count == 1,
        (try? withUnsafeMutableBytes(of: &flag, { try dataset.read(whole, into: $0, as: .boolean) })) != nil
      else { return nil }
      return .bool(flag != 0)
    default: return nil
    }
  }
}
