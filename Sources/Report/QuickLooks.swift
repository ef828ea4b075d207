import Foundation
import STEM
import USID

/// Pictures of all outputs of a file of results.
public enum QuickLooks {
  /// What was written and what was left out, with the reason.
  public struct Outcome: Sendable {
    public var written: [String] = []
    public var skipped: [(output: String, reason: String)] = []
  }

  /// `scan/result.h5` → `scan/result_images`
  public static func defaultFolder(for resultPath: String) -> String {
    let url = URL(fileURLWithPath: resultPath)
    let suffix = url.pathExtension.isEmpty ? 0 : url.pathExtension.count + 1
    return resultPath.dropLast(suffix) + "_images"
  }

  /// Frames of a stack that get a picture.
  static let shownFrames = 6

  /// Writes `<analysis>_<index>_<output>.png` for every output; `…_amplitude.png` and `…_phase.png` of complex numbers,
  /// `…_0.png` and so on of the first frames of a stack; and `…_<vector>.png` in colors for maps `<vector>_y` whose
  /// attribute `vector_x` names the other component.
  /// - Parameters:
  ///   - folder: made where it does not exist; `defaultFolder` when nil
  ///   - groups: paths of the results groups to draw; nil: all
  /// - Throws: `Problem`: 66, 65 for the file of results, 73 and 74 for the pictures.
  public static func write(
    _ resultPath: String, folder: String? = nil, groups: Set<String>? = nil
  ) throws -> Outcome {
    let catalog = try ResultCatalog(resultPath)
    let folder = folder ?? defaultFolder(for: resultPath)
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw Problem(
        .cannotCreate, at: folder, "the folder cannot be made; remove what bears its name, or leave out the images")
    }
    var outcome = Outcome()
    for result in catalog.results where groups?.contains(result.groupPath) ?? true {
      let entry = result.entry
      if let reason = reasonToSkip(entry) {
        outcome.skipped.append(("\(entry.analysis) \(entry.output)", reason))
        continue
      }
      try writeViews(of: try ResultArray(result, in: catalog), entry, folder: folder, &outcome)
      if let path = try writeVector(result, catalog, folder: folder) { outcome.written.append(path) }
    }
    return outcome
  }

  private static func writeViews(
    of array: ResultArray, _ entry: ResultEntry, folder: String, _ outcome: inout Outcome
  ) throws(Problem) {
    for view in array.views(firstFrames: shownFrames) {
      let path = "\(folder)/\(fileName(entry, view.suffix))"
      try view.array().picture().write(to: path)
      outcome.written.append(path)
    }
    if array.frameCount > shownFrames {
      let left = array.frameCount - shownFrames
      outcome.skipped.append(("\(entry.analysis) \(entry.output)", "has \(left) more frames"))
    }
  }

  /// nil where the result is no component of a vector.
  private static func writeVector(_ y: StoredResult, _ catalog: ResultCatalog, folder: String) throws -> String? {
    guard case .text(let name)? = y["vector_x"], y.entry.kind == .map, y.entry.output.hasSuffix("_y"),
      let x = catalog.results.first(where: { $0.groupPath == y.groupPath && $0.entry.output == name }),
      x.entry.shape == y.entry.shape
    else { return nil }
    var entry = y.entry
    entry.output = String(entry.output.dropLast(2))
    let path = "\(folder)/\(fileName(entry))"
    let figure = VectorFigure(entry.output, y: try ResultArray(y, in: catalog), x: try ResultArray(x, in: catalog))
    try figure.picture().write(to: path)
    return path
  }

  private static func reasonToSkip(_ entry: ResultEntry) -> String? {
    if !entry.components.isEmpty, entry.components != ["r", "i"] {
      return "has components \(entry.components.joined(separator: ", "))"
    }
    if let reason = ResultArray.reasonNotToDraw(entry.kind, axisCount: entry.shape.count) { return reason }
    if entry.shape.reduce(1, *) > 1 << 25 { return "has \(entry.shape.reduce(1, *)) values" }
    return nil
  }

  static func fileName(_ entry: ResultEntry, _ suffix: String = "") -> String {
    let number = String(format: "%03d", entry.index)
    // A slash would be a folder.
    return "\(entry.analysis)_\(number)_\(entry.output)\(suffix).png".replacingOccurrences(of: "/", with: "_")
  }
}
