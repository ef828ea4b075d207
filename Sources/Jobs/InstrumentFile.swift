import Foundation
import STEM

/// What is known of a microscope and its detector: defaults for the calibration, one set for all jobs and tables for the
/// settings under which values change.
///
///     calibration: {energy: 200 keV, transpose: false}
///     camera_length:
///       100 mm: {detector_pixel: 1.2 mrad, scan_rotation: 12 deg}
///     magnification:
///       1000000: {scan_step: 0.2 Å}
struct InstrumentFile {
  let path: String
  private let root: Setting
  private let lines: [String: Int]

  /// Below the current directory, below what RONCHI_CONFIG names, beside the program.
  static var standardFolders: [String] {
    var folders = ["config/instruments"]
    if let config = ProcessInfo.processInfo.environment["RONCHI_CONFIG"], !config.isEmpty {
      folders.append("\(config)/instruments")
    }
    // Foundation's bundle of the program takes half a millisecond.
    if let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
      let root = URL(fileURLWithPath: program).deletingLastPathComponent().deletingLastPathComponent()
      // Beside a checkout's program, and where `make install` puts them.
      for place in ["config/instruments", "share/ronchi/config/instruments"] {
        folders.append(root.appendingPathComponent(place).path)
      }
    }
    return folders
  }

  /// - Parameter name: of a file in one of the folders, or a path that has a slash or ends in `.yml`.
  /// Throws `Problem`.
  init(_ name: String, folders: [String]) throws(Problem) {
    let isPath = name.contains("/") || name.hasSuffix(".yml") || name.hasSuffix(".yaml")
    let candidates = isPath ? [name] : folders.map { "\($0)/\(name).yml" }
    guard let path = candidates.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      throw isPath
        ? Problem(.noInput, "there is no file \(name); give the path of an instrument's file, or a name")
        : Self.unknown(name, folders)
    }
    guard let data = FileManager.default.contents(atPath: path), let text = String(validating: data, as: UTF8.self)
    else { throw Problem(.noInput, "\(path) cannot be read as text; check the file and its permissions") }
    var loader = YAMLLoader(name: path)
    root = try loader.load(text)
    lines = loader.lines
    self.path = path
  }

  private static func unknown(_ name: String, _ folders: [String]) -> Problem {
    var found: [String] = []
    for folder in folders {
      let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      found += files.filter { $0.hasSuffix(".yml") }.map { String($0.dropLast(4)) }.sorted()
        .filter { !found.contains($0) }
    }
    let guess = nearest(name, among: found).map { "did you mean '\($0)'? " } ?? ""
    return Problem(
      .badConfiguration,
      "'\(name)' is not known; \(guess)"
        + (found.isEmpty ? "there is none in " : "known: \(found.joined(separator: ", ")), from ")
        + folders.joined(separator: ", ") + "; RONCHI_CONFIG names a further folder that has instruments/")
  }

  // MARK: tables

  /// The defaults, with the entries for these settings over them. Throws `Problems`, each placed in this file but for a
  /// setting that its table does not have, which is placed at the job's key.
  func calibration(cameraLength: Quantity?, magnification: Double?) throws(Problems) -> Calibration {
    var problems: [Problem] = []
    guard case .map(let items) = root else {
      throw Problems([at("", "a map is needed: calibration, camera_length, magnification")])
    }
    let allowed = ["calibration", "camera_length", "magnification", "description"]
    for item in items where !allowed.contains(item.key) {
      problems.append(at(item.key, unknownKey(item.key, allowed: allowed).message))
    }
    var result = Calibration()
    if let defaults = root["calibration"] { result = values(defaults, at: "calibration", &problems) }
    let tables: [(String, String?, (String) -> Bool)] = [
      (
        "camera_length", cameraLength?.description,
        { key in Quantity(key).map { same($0.base, cameraLength?.base) && $0.unit.dimension == .length } ?? false }
      ),
      ("magnification", magnification.map(shortNumber), { key in same(Double(key), magnification) }),
    ]
    for (name, wanted, matches) in tables {
      guard let wanted else { continue }
      switch entry(name, wanted, matches) {
      case .success(let (place, entry)): result = values(entry, at: place, &problems).completed(by: result)
      case .failure(let problem): problems.append(problem)
      }
    }
    try problems.throwIfAny()
    return result
  }

  /// Camera lengths of the table, as written.
  var cameraLengths: [String] { keys("camera_length") }

  private func keys(_ table: String) -> [String] {
    guard case .map(let items)? = root[table] else { return [] }
    return items.map(\.key)
  }

  private func entry(
    _ table: String, _ wanted: String, _ matches: (String) -> Bool
  ) -> Result<(String, Setting), Problem> {
    let known = keys(table)
    guard let key = known.first(where: matches), let entry = root[table]?[key] else {
      return .failure(
        Problem(
          .badConfiguration, at: "calibration.\(table)",
          "\(wanted) is not in \(path); "
            + (known.isEmpty ? "it has no table \(table); remove the key" : "known: \(known.joined(separator: ", "))")
            + "; nothing is interpolated: measure it, and add it there or give calibration.detector_pixel"))
    }
    return .success(("\(table).\(key)", entry))
  }

  private func values(_ setting: Setting, at place: String, _ problems: inout [Problem]) -> Calibration {
    var section = CalibrationSection()
    let found = gather(at: place) {
      try CalibrationSection.declaration.decode(setting, into: &section)
      for key in ["center", "instrument", "camera_length", "magnification"] where setting[key] != nil {
        throw Problem(.badConfiguration, at: key, "this is a matter of the job; remove it here")
      }
      if section.ellipse?.ring != nil {
        throw Problem(.badConfiguration, at: "ellipse.ring", "this is a matter of the job; give ratio and angle here")
      }
    }
    problems += found.map { at($0.place, $0.message) }
    // Refused before; no detector is known here.
    section.center = nil
    var impossible: [Problem] = []
    let result = section.resolved(
      over: Calibration(), on: Pair(1, 1), origin: { _ in .instrument }, problems: &impossible)
    problems += impossible.map { at(place + $0.place.dropFirst("calibration".count), $0.message) }
    return result
  }

  private func at(_ place: String, _ message: String) -> Problem {
    var outer = place
    while lines[outer] == nil, let dot = outer.lastIndex(of: ".") { outer = String(outer[..<dot]) }
    let line = lines[outer].map { ":\($0)" } ?? ""
    return Problem(.badConfiguration, at: "\(path)\(line)", place.isEmpty ? message : "\(place): \(message)")
  }
}

private func same(_ a: Double?, _ b: Double?) -> Bool {
  guard let a, let b else { return false }
  return abs(a - b) <= 1e-6 * abs(b)
}

extension Planner {
  /// Returns the values of the job's instrument; empty without one.
  mutating func instrument(_ section: CalibrationSection, _ file: Calibration) -> Calibration {
    guard let name = section.instrument else {
      for (key, isGiven) in [
        ("camera_length", section.cameraLength != nil), ("magnification", section.magnification != nil),
      ] where isGiven {
        problems.append(
          Problem(
            .badConfiguration, at: "calibration.\(key)",
            "given without calibration.instrument, whose table it looks up; give that too, or calibration.detector_pixel "
              + "and calibration.scan_step"))
      }
      return Calibration()
    }
    do {
      let instrument = try InstrumentFile(name, folders: environment.instrumentFolders)
      let result = try instrument.calibration(
        cameraLength: section.cameraLength, magnification: section.magnification)
      let known = instrument.cameraLengths
      if section.cameraLength == nil, !known.isEmpty,
        section.detectorPixel == nil, file.detectorPixel == nil, result.detectorPixel == nil
      {
        warnings.append(
          "calibration.instrument: \(name) gives the size of a detector pixel by camera length; give "
            + "calibration.camera_length, one of \(known.joined(separator: ", "))")
      }
      return result
    } catch let problem as Problem {
      problems.append(problem.place.isEmpty ? problem.inside("calibration.instrument") : problem)
    } catch {
      problems += STEM.problems(of: error)
    }
    return Calibration()
  }
}
