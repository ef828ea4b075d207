import Foundation
import HDF5
import STEM

/// An object inside an HDF5 file, all links resolved.
struct HDF5Place: Sendable, Equatable, Codable {
  /// The file that holds it; another than the input where an external link led there.
  var file: String
  /// Absolute, without links.
  var path: String
  /// The files through which links led here, the input first, `file` last.
  var files: [String]

  init(file: String, path: String) {
    self.file = file
    self.path = path
    files = [file]
  }

  /// The object of this name in the group that stands here.
  func child(_ name: String) -> HDF5Place {
    var child = self
    child.path += (path == "/" ? "" : "/") + name
    return child
  }

  /// The root of a file, this one or one that a link here leads to.
  func root(of other: String) -> HDF5Place {
    var root = HDF5Place(file: other, path: "/")
    root.files = files.contains(other) ? files : files + [other]
    return root
  }
}

/// Opens a file for reading. Throws `Problem`: `.noInput` where it is missing, `.badData` where it is damaged.
func openHDF5(_ path: String, options: HDF5.File.Options = .init()) throws -> HDF5.File {
  do throws(HDF5Error) { return try HDF5.File(path, options: options) } catch { throw Problem(error, in: path) }
}

/// Runs `body` on an opened file; what HDF5 complains about becomes a `Problem` at the file.
func withHDF5<Result>(_ path: String, _ body: (borrowing HDF5.File) throws -> Result) throws -> Result {
  let file = try openHDF5(path)
  do { return try body(file) } catch let error as HDF5Error { throw Problem(error, in: path) }
}

/// Runs `body` while an HDF5 file is open: HDF5 shares what it knows of a file among all who open it, so that the many
/// looks of formats and readers need not each read it anew.
func withFileKept<Result>(_ probe: FileProbe, _ body: () throws -> Result) throws -> Result {
  guard probe.isHDF5, let file = try? HDF5.File(probe.path) else { return try body() }
  return try withExtendedLifetime(file) { _ in try body() }
}

extension FileProbe {
  /// The first eight bytes of an HDF5 file; they may follow a user block of 512 · 2ⁿ bytes.
  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]

  var isHDF5: Bool {
    for start in [0, 512, 1024, 2048] where head.dropFirst(start).starts(with: Self.signature) { return true }
    // A larger user block.
    return size > head.count && ((try? HDF5.File.isHDF5(path)) ?? false)
  }
}

extension Problem {
  /// An HDF5 error while an input is opened or looked through.
  init(_ error: HDF5Error, in path: String) {
    // Inside the file the object says more than the file's name does.
    let place = error.object.hasPrefix(path) ? error.object : path
    switch error.kind {
    case .missingFile: self.init(.noInput, at: path, "there is no such file; check the path")
    case .notPermitted: self.init(.noInput, at: path, "the file may not be read (permission denied); ask its owner")
    case .locked:
      self.init(
        .inputOutput, at: path,
        "another program has the file open for writing (\(error.why)); wait until it is done, or on a file system without "
          + "locks (some NFS and Lustre mounts) set HDF5_USE_FILE_LOCKING=FALSE")
    case .notHDF5: self.init(.badData, at: path, "is no complete HDF5 file (\(error.why)); copy it again")
    case .truncated: self.init(.badData, at: path, "the HDF5 file is truncated (\(error.why)); copy it again")
    case .missingFilter: self.init(.badData, at: place, missingFilterText(error.why))
    case .missingObject: self.init(.badData, at: place, "there is no such object (\(error.why))")
    case .fileExists, .diskFull, .other:
      self.init(
        .badData, at: place,
        "the HDF5 file is damaged here, or not readable by HDF5 \(HDF5Library.version): "
          + "\(error.call): \(error.why); copy it again, or check it with h5dump")
    }
  }
}

func missingFilterText(_ why: String) -> String {
  "the data need an HDF5 filter that is not installed (\(why)); \(adviceOnFilter("its plugin"))"
}

func adviceOnFilter(_ plugin: String) -> String {
  "install \(plugin) and let HDF5_PLUGIN_PATH name the plugin's folder, or rewrite the file with h5repack"
}

// MARK: - links

extension HDF5Place {
  /// Follows soft links, and external links to files in the folder of `input` or below.
  /// Throws `Problem`: `.badData` where the path leads nowhere or out of the folder.
  static func resolve(_ path: String, input: String) throws -> HDF5Place {
    var walk = HDF5LinkWalk(input: input)
    return try walk.follow(HDF5Place(file: input, path: "/"), path.split(separator: "/").map(String.init))
  }
}

/// One walk along a path, with the number of links that it may still follow.
struct HDF5LinkWalk {
  let input: String
  private var linksLeft = 32

  init(input: String) { self.input = input }

  mutating func follow(_ start: HDF5Place, _ parts: [String]) throws -> HDF5Place {
    var place = start
    for (index, part) in parts.enumerated() where part != "." {
      guard let child = try Self.child(part, of: place) else { throw missing(place, part) }
      let rest = Array(parts[(index + 1)...])
      switch child.kind {
      case .group, .dataset, .other:
        place = place.child(part)
        if child.kind != .group, let next = rest.first { throw missing(place, next) }
      case .softLink(let target):
        let base = target.hasPrefix("/") ? place.root(of: place.file) : place
        return try next(base, target, rest)
      case .externalLink(let file, let target):
        return try next(place.root(of: try external(file, from: place)), target, rest)
      }
    }
    return place
  }

  private mutating func next(_ base: HDF5Place, _ target: String, _ rest: [String]) throws -> HDF5Place {
    linksLeft -= 1
    guard linksLeft > 0 else { throw Problem(.badData, at: input, "links lead in a circle (\(target))") }
    return try follow(base, target.split(separator: "/").map(String.init) + rest)
  }

  private func missing(_ place: HDF5Place, _ part: String) -> Problem {
    Problem(.badData, at: place.file, "there is no \(part) in \(place.path)")
  }

  private static func child(_ name: String, of place: HDF5Place) throws -> Child? {
    try withHDF5(place.file) { file in
      let group = try file.openGroup(place.path)
      return try group.children().first { $0.name == name }
    }
  }

  /// The file of an external link; only files in the folder of the input, or below, are opened.
  private func external(_ file: String, from place: HDF5Place) throws -> String {
    let folder = canonicalFolder(of: input)
    let base = URL(fileURLWithPath: place.file).deletingLastPathComponent()
    let target = (file.hasPrefix("/") ? URL(fileURLWithPath: file) : base.appendingPathComponent(file))
    let canonical = target.standardizedFileURL.resolvingSymlinksInPath().path
    guard canonical.hasPrefix(folder.hasSuffix("/") ? folder : folder + "/") else {
      throw Problem(
        .badData, at: input,
        "\(place.path) has a link to \(file), which lies outside the input's folder \(folder); links are followed only "
          + "inside it; put the file there, or name it as the input")
    }
    guard FileManager.default.fileExists(atPath: canonical) else {
      throw Problem(
        .noInput, at: input, "\(place.path) has a link to \(file), which does not exist; put it beside the input")
    }
    return target.standardizedFileURL.path
  }

  private func canonicalFolder(of path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().deletingLastPathComponent().path
  }
}
