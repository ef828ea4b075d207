import STEM

/// The text of a job as a tree of settings, with the line of every key and list entry.
public struct JobDocument: Sendable {
  /// A map; empty for a job that consists of command-line values only.
  public internal(set) var root: Setting
  /// Line, counted from 1, by path: `analyses.1.center_of_mass.outer_radius`.
  public let lines: [String: Int]

  static let mostBytes = 1 << 20

  /// - Parameter name: the file as messages call it.
  /// Throws `Problem` (`.badConfiguration`), its place `name:line:column`.
  public init(yaml text: String, name: String) throws(Problem) {
    var loader = YAMLLoader(name: name)
    root = try loader.load(text)
    lines = loader.lines
    switch root {
    case .map: break
    case .null:
      throw Problem(.badConfiguration, at: name, "the job is empty; it needs the sections input, output and analyses")
    default:
      throw Problem(
        .badConfiguration, at: "\(name):1",
        "the job is \(root.kind); a map with the keys \(JobSections.names.joined(separator: ", ")) is allowed")
    }
  }

  /// The value of `--set key=value`: a YAML scalar or flow collection.
  static func value(_ text: String, name: String) throws(Problem) -> Setting {
    var loader = YAMLLoader(name: name)
    return try loader.load(text)
  }
}

extension Setting {
  /// For messages: `a list of 3`, `the text 'scan.h5'`.
  var kind: String {
    switch self {
    case .null: "empty"
    case .bool, .integer, .number: "the value \(text)"
    case .text(let value): "the text '\(value.count > 60 ? value.prefix(60) + "…" : value)'"
    case .list(let items): "a list of \(items.count)"
    case .map(let items): "a map with the keys \(items.map(\.key).joined(separator: ", "))"
    }
  }
}

/// `analyses` and `1` → `analyses.1`.
func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

/// Whether `path` is `outer` or inside it.
func lies(_ path: String, inside outer: String) -> Bool { path == outer || path.hasPrefix(outer + ".") }
