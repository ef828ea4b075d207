import STEM

/// A decoded job and its input, written out: as a job file that gives the same plan, and as a list of values.
struct Resolution {
  let job: JobFile
  let sections: DecodedSections
  let analyses: [PlannedStage]
  let calibration: Calibration
  let description: SourceDescription
  let scan: Shape

  /// Canonical YAML: declared order, no comments, defaults included, unknown values left out.
  func resolvedJob() -> String {
    var items: [(key: String, value: Setting)] = []
    func add(_ name: String, _ values: [(key: String, value: Setting)]) {
      let known = values.filter { !$0.value.isUnset }
      if !known.isEmpty { items.append((name, .map(known))) }
    }
    add("input", values(sections.input))
    add("output", values(sections.output))
    add("calibration", calibrationValues.map { ($0.key, $0.value) })
    add("scan", values(sections.scan))
    add("detector", values(sections.detector))
    add("run", values(sections.run))
    let list = analyses.map { analysis in
      let parameters = analysis.parameters.filter { $0.value != .null }.map { (key: $0.key, value: $0.value) }
      return Setting.map([(analysis.name, .map(parameters))])
    }
    items.append(("analyses", .list(list)))
    return Setting.map(items).yaml
  }

  func parameters() -> [ResolvedParameter] {
    var all: [ResolvedParameter] = []
    func add(_ path: String, _ value: Setting, _ origin: Origin) {
      if !value.isUnset { all.append(ResolvedParameter(path: path, value: value.yamlFlow, origin: origin)) }
    }
    func add(_ name: String, _ values: [(key: String, value: Setting)]) {
      for value in values { add(join(name, value.key), value.value, job.origin(of: join(name, value.key))) }
    }
    add("input", values(sections.input))
    if sections.input.format == nil { add("input.format", .text(description.format), .file) }
    if sections.input.dataset == nil, let dataset = description.dataset { add("input.dataset", .text(dataset), .file) }
    if sections.input.scanShape == nil { add("input.scan_shape", scan.setting, .file) }
    add("output", values(sections.output))
    for key in ["instrument", "camera_length", "magnification"] {
      let path = "calibration.\(key)"
      // What the instrument gave is written out below: the resolved job needs no file beside it.
      if let value = job.value(at: path) { add(path, value, job.origin(of: path)) }
    }
    for value in calibrationValues { add("calibration.\(value.key)", value.value, value.origin) }
    add("scan", values(sections.scan))
    add("detector", values(sections.detector))
    add("run", values(sections.run))
    for analysis in analyses {
      for parameter in analysis.parameters {
        add(join(analysis.place, parameter.key), parameter.value, parameter.origin)
      }
    }
    return all
  }

  private func values<Section: JobSection>(_ section: Section) -> [(key: String, value: Setting)] {
    let given = job.root[Section.name]
    return Section.declaration.encode(section).map { ($0.key, $0.value.precise(given?[$0.key])) }
  }

  /// Values of the user as given; values of the file in internal units, which avoids rounding.
  private var calibrationValues: [(key: String, value: Setting, origin: Origin)] {
    func one(_ value: Sourced<Double>?, _ unit: Unit) -> (Setting, Origin)? {
      value.map { (Quantity($0.value, unit).exactSetting, $0.origin) }
    }
    func pair(_ value: Sourced<Pair<Quantity>>?) -> (Setting, Origin)? {
      value.map { (.list([$0.value.y.exactSetting, $0.value.x.exactSetting]), $0.origin) }
    }
    let step = calibration.scanStep.map {
      Sourced(Pair(Quantity($0.value.y, .angstrom), Quantity($0.value.x, .angstrom)), $0.origin)
    }
    let known: [String: (Setting, Origin)?] = [
      "energy": one(calibration.energy, .electronvolt),
      "semiangle": one(calibration.semiangle, .radian),
      "detector_pixel": pair(calibration.detectorPixel),
      "scan_step": pair(step),
      "scan_rotation": one(calibration.scanRotation, .radian),
      "transpose": calibration.transpose.map { (.bool($0.value), $0.origin) },
      "center": calibration.center.map { ($0.value.setting, $0.origin) },
      "ellipse": calibration.ellipse.map { (EllipseSetting.given($0.value).setting, $0.origin) },
      "counts_per_electron": calibration.countsPerElectron.map { (.number($0.value), $0.origin) },
    ]
    return values(sections.calibration).compactMap { key, given in
      // Values that only the run can determine stay as requested.
      let isFitted =
        key == "center"
        ? sections.calibration.center?.isFitted == true : key == "ellipse" && sections.calibration.ellipse?.ring != nil
      if isFitted {
        return (key, given, job.origin(of: "calibration.\(key)"))
      }
      guard case (let value, let origin)?? = known[key] else { return nil }
      return (key, given == .null ? value : given, origin)
    }
  }
}

extension Setting {
  /// Nothing given and no default that does anything.
  fileprivate var isUnset: Bool { self == .null || self == .map([]) }
}
