import STEM

/// A value from the command line that takes the place of one in the job file.
public struct Override: Sendable, Equatable {
  /// `analyses.0.virtual_detectors.detectors.disk.radius`; numbers are places in a list.
  public let path: String
  public let value: Setting
  /// What the user typed, without the value: `--set calibration.energy`, `--input`.
  public let label: String

  init(_ path: String, _ value: Setting, label: String) {
    self.path = path
    self.value = value
    self.label = label
  }

  /// `--set key.path=value`; the value is a YAML scalar or flow collection. Throws `Problem` (`.usage`).
  public static func set(_ assignment: String) throws(Problem) -> Override {
    guard let equals = assignment.firstIndex(of: "=") else {
      throw Problem(
        .usage, at: "--set", "'\(assignment)' given; use key.path=value, for example calibration.energy='300 keV'")
    }
    let path = assignment[..<equals].trimmed
    guard !path.isEmpty, !path.split(separator: ".", omittingEmptySubsequences: false).contains("") else {
      throw Problem(.usage, at: "--set", "'\(assignment)' given; use key.path=value with keys separated by single dots")
    }
    let label = "--set \(path)"
    do {
      let value = try JobDocument.value(String(assignment[assignment.index(after: equals)...]), name: label)
      return Override(path, value, label: label)
    } catch {
      throw Problem(.usage, at: label, error.message)
    }
  }

  /// The same with the place of an analysis where its name was given: `virtual_detectors.detectors.bf.radius`. Throws
  /// `Problem` where the job lists several of that name.
  func resolved(in root: Setting) throws(Problem) -> Override {
    let first = String(path.prefix { $0 != "." })
    guard !JobSections.names.contains(first), case .list(let entries)? = root["analyses"] else { return self }
    let places = entries.indices.filter { entries[$0].analysisName == first }
    guard let place = places.first else { return self }
    guard places.count == 1 else {
      let paths = places.map { "analyses.\($0).\(path)" }
      throw Problem(
        .usage, at: label, "the job lists \(first) \(places.count) times; say which: \(paths.joined(separator: ", "))")
    }
    return Override("analyses.\(place).\(path)", value, label: label)
  }

  /// `--input PATH`
  public static func input(_ path: String) -> Override { Override("input.path", .text(path), label: "--input") }
  /// `--output PATH`
  public static func output(_ path: String) -> Override { Override("output.path", .text(path), label: "--output") }
  /// `--no-images`
  public static let noImages = Override("output.images", .bool(false), label: "--no-images")
}

extension StringProtocol {
  var trimmed: String {
    var text = self[...]
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}

extension Setting {
  /// Of an entry of `analyses`: `- name` or `- name: {…}`.
  fileprivate var analysisName: String? {
    switch self {
    case .text(let name): name
    case .map(let items) where items.count == 1: items[0].key
    default: nil
    }
  }

  /// This tree with the override's value at its path; missing maps on the way are made. null takes a key away.
  func applying(_ override: Override) throws(Problem) -> Setting {
    let keys = override.path.split(separator: ".").map(String.init)
    do {
      return try replacing(keys[...], at: "", with: override.value)
    } catch {
      throw Problem(.badConfiguration, at: override.label, error.message)
    }
  }

  private func replacing(_ keys: ArraySlice<String>, at place: String, with value: Setting) throws(Problem) -> Setting {
    guard let key = keys.first else { return value }
    let rest = keys.dropFirst()
    let inner = join(place, key)
    switch self {
    case .null:
      return .map([(key, try Setting.null.replacing(rest, at: inner, with: value))])
    case .map(var items):
      if let index = items.firstIndex(where: { $0.key == key }), rest.isEmpty, value == .null, !isAnalysis(place) {
        items.remove(at: index)
      } else if let index = items.firstIndex(where: { $0.key == key }) {
        items[index].value = try items[index].value.replacing(rest, at: inner, with: value)
      } else if isAnalysis(place) {
        throw absent(key, at: place, kind)
      } else {
        items.append((key, try Setting.null.replacing(rest, at: inner, with: value)))
      }
      return .map(items)
    case .list(var items):
      guard let index = Int(key), items.indices.contains(index) else {
        throw absent(key, at: place, items.isEmpty ? "an empty list" : "a list with the places 0 to \(items.count - 1)")
      }
      items[index] = try items[index].replacing(rest, at: inner, with: value)
      return .list(items)
    case .text(key) where isAnalysis(place):
      // `- center_of_mass` is short for `- center_of_mass: {}`.
      return .map([(key, try Setting.null.replacing(rest, at: inner, with: value))])
    default:
      throw absent(key, at: place, kind)
    }
  }

  private func absent(_ key: String, at place: String, _ found: String) -> Problem {
    Problem(.badConfiguration, "there is no '\(key)' at \(place.isEmpty ? "the top level" : place), which is \(found)")
  }
}

/// `analyses.3`
private func isAnalysis(_ place: String) -> Bool {
  let parts = place.split(separator: ".")
  return parts.count == 2 && parts[0] == "analyses"
}
