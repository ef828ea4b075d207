import HDF5
import STEM

/// Named values of a file from which a calibration can be read: attributes, or small datasets used like them.
/// A name carries its unit: `energy_eV`, `semiangle_mrad`, `scan_step_A`, `q_pixel_invA`. Names without one are only
/// understood where they need none.
struct HDF5Metadata {
  private var values: [String: AttributeValue] = [:]
  /// In file order, as text, for the record.
  private var record: [(key: String, value: String)] = []
  private static let mostRecorded = 64

  /// Adds a value unless one of that name is there already: read the nearest object first.
  mutating func add(_ name: String, _ value: AttributeValue) {
    guard values[name.lowercased()] == nil else { return }
    values[name.lowercased()] = value
    if record.count < Self.mostRecorded, let text = value.shortText { record.append((name, text)) }
  }

  /// Adds the attributes of an object and of the groups above it, nearest first.
  mutating func readAttributes(of place: HDF5Place) throws {
    try withHDF5(place.file) { file in
      var path = place.path
      while true {
        try readAttributes(at: path, in: file)
        guard path != "/" else { break }
        let parent = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
        path = parent.isEmpty ? "/" : String(parent)
      }
    }
  }

  mutating func readAttributes(at path: String, in file: borrowing HDF5.File) throws {
    for (name, value) in try file.attributesOfObject(path) { add(name, value) }
  }

  subscript(name: String) -> AttributeValue? { values[name.lowercased()] }

  /// Fills in what the values say and `about` does not know yet.
  func complete(_ about: inout SourceDescription) {
    var notes: [String] = []
    let found = calibration(&notes)
    about.calibration = about.calibration.completed(by: found)
    about.notes += notes
    about.metadata += record
  }

  /// What the values say of the experiment. `notes` gets those that make no sense.
  func calibration(_ notes: inout [String]) -> Calibration {
    var result = Calibration()
    let energies = ["energy", "beam_energy", "electron_energy"]
    result.energy = fromFile(positive(energies, Self.energyUnits, &notes)?.base)
    let semiangles = ["semiangle", "semi_angle", "convergence_semiangle", "convergence_semi_angle"]
    result.semiangle = fromFile(positive(semiangles, Self.angleUnits, &notes)?.base)
    let pixels = ["detector_pixel", "q_pixel"]
    result.detectorPixel = fromFile(
      pair(pixels, Self.angleUnits, &notes) ?? pair(pixels, Self.reciprocalUnits, &notes))
    result.scanStep = fromFile(
      pair(["scan_step"], Self.lengthUnits, &notes).map { Pair($0.y.base, $0.x.base) })
    let rotation = quantity(["scan_rotation", "scan_to_detector_rotation"], ["deg": .degree, "rad": .radian])
    result.scanRotation = fromFile(rotation?.1.base)
    result.transpose = fromFile(self["transpose"]?.bool)
    if let y = self["center_y_px"]?.double, let x = self["center_x_px"]?.double, y.isFinite, x.isFinite {
      result.center = fromFile(Pair(y, x))
    } else if let both = self["center_px"]?.doubles, both.count == 2, both.allSatisfy(\.isFinite) {
      result.center = fromFile(Pair(both[0], both[1]))
    }
    if let ratio = self["ellipse_ratio"]?.double, let angle = self["ellipse_angle_deg"]?.double, ratio.isFinite {
      result.ellipse = fromFile(Ellipse(ratio: ratio, angle: angle * Unit.degree.factor))
    }
    if let counts = self["counts_per_electron"]?.double, counts.isFinite, counts > 0 {
      result.countsPerElectron = fromFile(counts)
    }
    return result
  }

  private static let energyUnits: [String: Unit] = ["ev": .electronvolt, "kev": .kiloelectronvolt]
  private static let angleUnits: [String: Unit] = ["mrad": .milliradian, "rad": .radian]
  private static let reciprocalUnits: [String: Unit] = [
    "inva": .inverseAngstrom, "1_per_a": .inverseAngstrom, "invnm": .inverseNanometre, "1_per_nm": .inverseNanometre,
  ]
  private static let lengthUnits: [String: Unit] = ["a": .angstrom, "nm": .nanometre, "pm": .picometre, "m": .metre]

  /// The first of the names that is there, with its unit behind it.
  private func quantity(_ names: [String], _ units: [String: Unit]) -> (String, Quantity)? {
    for name in names {
      for (suffix, unit) in units.sorted(by: { $0.key < $1.key }) {
        guard let value = self["\(name)_\(suffix)"]?.double, value.isFinite else { continue }
        return ("\(name)_\(suffix)", Quantity(value, unit))
      }
    }
    return nil
  }

  private func positive(_ names: [String], _ units: [String: Unit], _ notes: inout [String]) -> Quantity? {
    guard let (name, quantity) = quantity(names, units) else { return nil }
    guard quantity.value > 0 else {
      notes.append("\(name) = \(shortNumber(quantity.value)) in the file is not positive; ignored")
      return nil
    }
    return quantity
  }

  private func pair(_ names: [String], _ units: [String: Unit], _ notes: inout [String]) -> Pair<Quantity>? {
    if let both = positive(names, units, &notes) { return Pair(both, both) }
    guard let y = positive(names.map { $0 + "_y" }, units, &notes),
      let x = positive(names.map { $0 + "_x" }, units, &notes)
    else { return nil }
    return Pair(y, x)
  }
}

/// A value that the input file gives.
func fromFile<Value: Sendable>(_ value: Value?) -> Sourced<Value>? { value.map { Sourced($0, .file) } }

extension AttributeValue {
  /// One line for the record; nil for long lists, references and long texts.
  var shortText: String? {
    let text: String?
    switch self {
    case .int(let value): text = String(value)
    case .double(let value): text = String(value)
    case .bool(let value): text = String(value)
    case .string(let value): text = value.split(whereSeparator: \.isNewline).joined(separator: " ")
    case .ints(let values) where values.count <= 4: text = "\(values)"
    case .doubles(let values) where values.count <= 4: text = "\(values)"
    default: text = nil
    }
    guard let text, !text.isEmpty, text.count <= 120 else { return nil }
    return text
  }
}

extension HDF5.File {
  /// Attributes of a group or dataset; those of types that HDF5 cannot read here are left out.
  borrowing func attributesOfObject(_ path: String) throws(HDF5Error) -> [(name: String, value: AttributeValue)] {
    guard try kind(of: path) == .dataset else {
      let group = try openGroup(path)
      return try readable(group.attributeNames()) { name throws(HDF5Error) in try group.attribute(name) }
    }
    let dataset = try openDataset(path)
    return try readable(dataset.attributeNames()) { name throws(HDF5Error) in try dataset.attribute(name) }
  }

  private borrowing func readable(
    _ names: [String], _ read: (String) throws(HDF5Error) -> AttributeValue?
  ) throws(HDF5Error) -> [(name: String, value: AttributeValue)] {
    names.compactMap { name in
      // A damaged attribute is no reason not to read the frames.
      guard let value = try? read(name) else { return nil }
      return (name, value)
    }
  }

  /// One attribute; nil where there is none or it cannot be read.
  borrowing func attribute(_ name: String, of path: String) -> AttributeValue? {
    guard let kind = try? kind(of: path) else { return nil }
    if kind == .dataset {
      guard let dataset = try? openDataset(path) else { return nil }
      return try? dataset.attribute(name)
    }
    guard let group = try? openGroup(path) else { return nil }
    return try? group.attribute(name)
  }

  /// Whether an attribute is there, readable or not.
  borrowing func hasAttribute(_ name: String, of path: String) -> Bool {
    guard let kind = try? kind(of: path) else { return false }
    if kind == .dataset {
      guard let dataset = try? openDataset(path) else { return false }
      return (try? dataset.hasAttribute(name)) ?? false
    }
    guard let group = try? openGroup(path) else { return false }
    return (try? group.hasAttribute(name)) ?? false
  }

  /// A small dataset of numbers; nil where there is none.
  borrowing func numbers(_ path: String, atMost count: Int = 1 << 20) -> [Double]? {
    guard (try? exists(path)) == true, (try? kind(of: path)) == .dataset, let dataset = try? openDataset(path),
      dataset.count <= count, dataset.elementType.number != nil
    else { return nil }
    return try? dataset.values(as: Double.self)
  }
}
