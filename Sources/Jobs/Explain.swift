import STEM

/// What `ronchi explain` prints: without a name the table of analyses, with one the parameters, outputs and an example of
/// that analysis or section of the job file. Throws `Problem` (`.usage`) for an unknown name.
public func explain(_ name: String? = nil, in environment: JobEnvironment = .standard) throws(Problem) -> String {
  guard let name else { return overview(environment) }
  if let analysis = environment.analyses.first(where: { $0.declarationName == name }) { return analysis.explanation }
  if let section = JobSections.types.first(where: { $0.name == name }) { return section.explanation }
  if name == "analyses" { return overview(environment) }
  let known = environment.analysisNames + JobSections.names
  let guess = nearest(name, among: known).map { "; did you mean '\($0)'?" } ?? ""
  throw Problem(
    .usage, at: "explain",
    "'\(name)' is no analysis and no section of a job\(guess); known: \(known.joined(separator: ", "))")
}

private func overview(_ environment: JobEnvironment) -> String {
  let analyses = environment.analyses.map { ($0.declarationName, $0.declarationSummary) }
  let sections = JobSections.types.map { ($0.name, $0.sectionSummary) } + [("analyses", JobSections.analysesSummary)]
  return """
    Analyses (ronchi explain NAME):
    \(aligned(analyses))

    Sections of a job file (ronchi explain NAME):
    \(aligned(sections))

    """
}

/// Two columns, the second one wrapped.
func aligned(_ rows: [(String, String)], indentation: String = "  ") -> String {
  let width = rows.map(\.0.count).max() ?? 0
  return rows.map { name, text in
    let head = indentation + name + String(repeating: " ", count: width - name.count + 2)
    let lines = wrapped(text, to: max(40, 100 - head.count))
    return head + lines.joined(separator: "\n" + String(repeating: " ", count: head.count))
  }.joined(separator: "\n")
}

private func wrapped(_ text: String, to width: Int) -> [String] {
  var lines = [""]
  for word in text.split(separator: " ") {
    if !lines[lines.count - 1].isEmpty, lines[lines.count - 1].count + word.count + 1 > width { lines.append("") }
    lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
  }
  return lines
}

extension Stage {
  static var declarationSummary: String { declaration.summary }
  static var explanation: String { declaration.explanation(defaults: declaration.encode(Self())) }
}

extension JobSection {
  static var sectionSummary: String { declaration.summary }
  static var explanation: String {
    declaration.explanation(alternatives: alternatives, defaults: declaration.encode(Self()))
  }
}

extension Declaration {
  func explanation(
    alternatives: [String: [ParameterForm]] = [:], defaults: [(key: String, value: Setting)]
  ) -> String {
    var parts = ["\(name): \(summary)"]
    if !source.isEmpty { parts.append("Source: \(source)") }
    if !parameters.isEmpty {
      let rows = parameters.flatMap { parameter -> [(String, String)] in
        let value = defaults.first { $0.key == parameter.name }?.value
        let allowed = parameter.form.words(or: alternatives[parameter.name] ?? [])
        let text = "\(allowed)\(parameter.required ? "; required" : defaultWords(value)). \(parameter.summary)"
        return [(parameter.name, text)] + parameter.form.fieldRows(indentation: "  ")
      }
      parts.append("Parameters\n" + aligned(rows))
    }
    if !outputs.isEmpty {
      let rows = outputs.map { output in
        let unit = output.unit.isEmpty ? "" : " [\(output.unit)]"
        return (output.name, "\(output.kind.words), \(output.quantity)\(unit). \(output.summary)")
      }
      parts.append("Outputs\n" + aligned(rows))
    }
    if !example.isEmpty {
      let lines = example.split(separator: "\n").map { "  " + $0 }
      parts.append("Example\n" + lines.joined(separator: "\n"))
    }
    return parts.joined(separator: "\n\n") + "\n"
  }

  private func defaultWords(_ value: Setting?) -> String {
    guard let value, value != .null, value != .map([]) else { return "" }
    return "; default \(value.yamlFlow)"
  }
}

extension OutputKind {
  var words: String {
    switch self {
    case .perPositionProfile: "profile at every position"
    case .value: "single value"
    default: rawValue
    }
  }
}

extension ParameterForm {
  /// What a job may write, for people.
  var words: String {
    switch self {
    case .flag: "true or false"
    case .integer(let range):
      "whole number"
        + bounds(
          range.lowerBound == .min ? nil : "\(range.lowerBound)",
          range.upperBound >= Int(Int32.max) ? nil : "\(range.upperBound)")
    case .integers(let values): values.map(String.init).joined(separator: " | ")
    case .number(let range):
      "number"
        + bounds(
          range.lowerBound.isFinite ? shortNumber(range.lowerBound) : nil,
          range.upperBound.isFinite ? shortNumber(range.upperBound) : nil)
    case .text: "text"
    case .choice(let choices): choices.joined(separator: " | ")
    case .quantity(let units, _): "value in " + units.map(\.rawValue).joined(separator: ", ")
    case .file: "path of an array file"
    case .pair(.pair(let part)): "[[y, y], [x, x]], each a \(part.words)"
    case .pair(let part): "[y, x], each a \(part.words)"
    case .list(let part): "list, each a \(part.words)"
    case .object: "a map"
    case .named(let part): "map of names of your choice, each with \(part.words)"
    }
  }

  func words(or others: [ParameterForm]) -> String {
    ([words]
      + others.map { other in
        // `[y, x], each a value in px` or only `a number`
        switch (self, other) {
        case (.pair, .pair(let part)): "a \(part.words)"
        case (_, .choice): other.words
        default: "one \(other.words)"
        }
      }).joined(separator: ", or ")
  }

  private func bounds(_ lower: String?, _ upper: String?) -> String {
    switch (lower, upper) {
    case (nil, nil): ""
    case (let lower?, nil): " from \(lower)"
    case (nil, let upper?): " up to \(upper)"
    case (let lower?, let upper?): " from \(lower) to \(upper)"
    }
  }

  /// The fields of an object, one level further in.
  func fieldRows(indentation: String) -> [(String, String)] {
    switch self {
    case .object(let fields):
      fields.flatMap { field in
        [(indentation + field.name, "\(field.form.words)\(field.required ? "; required" : ""). \(field.summary)")]
          + field.form.fieldRows(indentation: indentation + "  ")
      }
    case .named(let part): part.fieldRows(indentation: indentation + "  ")
    case .pair(let part), .list(let part): part.fieldRows(indentation: indentation)
    default: []
    }
  }
}
