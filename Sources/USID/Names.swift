import STEM

/// How objects are called.
enum Names {
  static let completed = "completed_positions"
  static let badFrames = "bad_frames"
  static let resultFile = "ronchi results"
  static let scanFile = "ronchi scan"

  /// `center_of_mass` → `Center_Of_Mass`: the Tool of a results group.
  static func tool(_ analysis: String) -> String {
    analysis.replacing("-", with: "_").split(separator: "_")
      .map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: "_")
  }

  /// The last part of a dataset's path; a results group's name has only one '-', so none in here.
  static func source(_ datasetPath: String) -> String {
    let last = datasetPath.split(separator: "/").last.map(String.init) ?? "Raw_Data"
    return last.replacing("-", with: "_")
  }

  /// `Measurement`, 7 → `Measurement_007`.
  static func numbered(_ name: String, _ number: Int) -> String {
    let digits = String(number)
    return "\(name)_" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
  }

  /// `Measurement_007` → (`Measurement`, 7); nil without at least three digits behind the last underscore.
  static func parts(_ text: String) -> (name: String, number: Int)? {
    guard let bar = text.lastIndex(of: "_") else { return nil }
    let digits = text[text.index(after: bar)...]
    guard digits.count >= 3, digits.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(digits) else {
      return nil
    }
    return (String(text[..<bar]), number)
  }

  /// `Source-Tool_NNN`; nil for any other name.
  static func resultsGroup(_ text: String) -> (source: String, tool: String, number: Int)? {
    guard let (name, number) = parts(text) else { return nil }
    let sides = name.split(separator: "-", omittingEmptySubsequences: false)
    guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else { return nil }
    return (String(sides[0]), String(sides[1]), number)
  }

  /// What an output may not be called: pyUSID reads '-' as a results group, HDF5 reads '/' and '.' as a path.
  static func problem(ofOutput name: String) -> Problem? {
    let reserved = ["", ".", completed, badFrames]
    let bad = reserved.contains(name) || name.contains { "-/\0".contains($0) }
    guard bad else { return nil }
    return Problem(
      .badConfiguration, at: name,
      "'\(name)' cannot be the name of an output; letters, digits and '_' are allowed, give it another name")
  }
}
