import Foundation
import STEM

/// A job as given by the user: the file and the changes by the command line. Nothing is decoded yet, but every value has
/// where it was given.
public struct JobFile: Sendable {
  /// The file as messages call it.
  public let name: String
  /// The file's text, for the provenance.
  public let text: String
  public let overrides: [Override]
  let document: JobDocument

  /// The job with the overrides applied; a map.
  public var root: Setting { document.root }

  /// Reads a job file. Throws `Problems`: no such file (`.noInput`), not YAML or an override that has no place
  /// (`.badConfiguration`).
  public static func load(path: String, overrides: [Override] = []) throws(Problems) -> JobFile {
    try parse(try text(path: path), name: path, overrides: overrides)
  }

  /// The text of a job file. Throws `Problems` as `load`, but for what is in it.
  public static func text(path: String) throws(Problems) -> String {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue else {
      let found = isDirectory.boolValue ? "this is a folder" : "there is no such file"
      throw Problems([
        Problem(.noInput, at: path, "\(found); give the path of a job file, for example jobs/quickstart.yml")
      ])
    }
    // At the end of a file there are no bytes, not none: nil.
    guard let handle = FileHandle(forReadingAtPath: path),
      let data = try? handle.read(upToCount: JobDocument.mostBytes + 1) ?? Data()
    else {
      throw Problems([Problem(.noInput, at: path, "the job file cannot be read; check its permissions")])
    }
    guard data.count <= JobDocument.mostBytes else {
      throw Problems([
        Problem(.badConfiguration, at: path, "larger than 1 MiB, the most a job file may have; is it a data file?")
      ])
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw Problems([Problem(.badConfiguration, at: path, "the job is not UTF-8 text; is it a data file?")])
    }
    return text
  }

  /// The job in `text`, for ranks that got it from another one and for tests.
  public static func parse(_ text: String, name: String, overrides: [Override] = []) throws(Problems) -> JobFile {
    do {
      var document = try JobDocument(yaml: text, name: name)
      var problems: [Problem] = []
      var resolved: [Override] = []
      for override in overrides {
        do {
          let override = try override.resolved(in: document.root)
          document.root = try document.root.applying(override)
          resolved.append(override)
        } catch { problems.append(error) }
      }
      try problems.throwIfAny()
      return JobFile(name: name, text: text, overrides: resolved, document: document)
    } catch let problem as Problem {
      throw Problems([problem])
    } catch let problems as Problems {
      throw problems
    } catch {
      throw Problems([Problem(.internalError, at: name, "\(error)")])
    }
  }

  /// Returns the job's request for the input, before anything is checked; nil without a path.
  public var inputRequest: InputRequest? {
    var section = InputSection()
    try? InputSection.declaration.decode(root[InputSection.name] ?? .null, into: &section)
    return section.request
  }

  /// Every value that may name a dataset: `masks.h5:/bright_field`.
  public var arrayPaths: [String] {
    func paths(_ value: Setting) -> [String] {
      switch value {
      case .text(let text): text.contains(":/") ? [text] : []
      case .list(let items): items.flatMap(paths)
      case .map(let items): items.flatMap { paths($0.value) }
      default: []
      }
    }
    return paths(root)
  }

  /// The value at a path, nil where the user gave none.
  func value(at path: String) -> Setting? {
    var value = root
    for key in path.split(separator: ".") {
      switch value {
      case .map: guard let inner = value[String(key)] else { return nil }; value = inner
      case .list(let items):
        guard let index = Int(key), items.indices.contains(index) else { return nil }
        value = items[index]
      default: return nil
      }
    }
    return value
  }

  /// `.commandLine` when an override set the value or a part of it.
  func origin(of path: String) -> Origin {
    if overrides.contains(where: { lies(path, inside: $0.path) || lies($0.path, inside: path) }) { return .commandLine }
    return value(at: path) == nil ? .default : .job
  }

  /// The problem with the file and line, or the command-line option, in front of its path. A place that is not one of
  /// a job, such as an input file, stays as it is.
  func located(_ problem: Problem) -> Problem {
    guard isPlace(problem.place) else { return problem }
    var located = problem
    located.place = position(of: problem.place)
    return located
  }

  /// Whether a problem's place is one of the job; `scan.h5` is not, although `scan` is a section.
  private func isPlace(_ place: String) -> Bool {
    let parts = place.split(separator: ".").prefix(2).map(String.init)
    guard let section = parts.first else { return false }
    let head = parts.joined(separator: ".")
    if document.lines[head] != nil
      || overrides.contains(where: { lies(head, inside: $0.path) || lies($0.path, inside: head) })
    {
      return true
    }
    guard parts.count == 2 else { return JobSections.names.contains(section) }
    return JobSections.types.contains { $0.name == section && $0.parameterNames.contains(parts[1]) }
  }

  /// `jobs/dpc.yml:14: analyses.1.center_of_mass.outer_radius`, or `--set analyses.1.center_of_mass.outer_radius`.
  func position(of place: String) -> String {
    if let override = overrides.last(where: { lies(place, inside: $0.path) }) {
      return override.path == place ? override.label : "\(override.label): \(place)"
    }
    let changed = overrides.filter { lies($0.path, inside: place) }.map(\.label)
    var outer = place
    while document.lines[outer] == nil, let dot = outer.lastIndex(of: ".") { outer = String(outer[..<dot]) }
    guard let line = document.lines[outer] else {
      return changed.isEmpty ? "\(name): \(place)" : "\(changed.joined(separator: ", ")): \(place)"
    }
    return "\(name):\(line): \(place)" + (changed.isEmpty ? "" : " (changed by \(changed.joined(separator: ", ")))")
  }
}
