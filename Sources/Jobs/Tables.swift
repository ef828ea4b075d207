import STEM

// Markdown tables for the README and `docs/`, from the declarations.

/// Name, what it computes, outputs and source of every analysis.
public func analysesTable(in environment: JobEnvironment = .standard) -> String {
  markdown(
    ["analysis", "computes", "outputs", "source"],
    environment.analyses.map { analysis in analysis.tableRow })
}

/// Name, file names and a sentence for every input format.
public func formatsTable(in environment: JobEnvironment = .standard) -> String {
  markdown(
    ["format", "files", "what is read"],
    environment.formats.map { format in
      ["`\(format.name)`", format.suffixes.map { "`.\($0)`" }.joined(separator: " "), format.summary]
    })
}

/// Keys of a section of the job file; nil for an unknown section.
public func sectionTable(_ name: String) -> String? {
  JobSections.types.first { $0.name == name }.map { $0.table }
}

extension Stage {
  fileprivate static var tableRow: [String] {
    let outputs = declaration.outputs.map { "`\($0.name)`" }.joined(separator: ", ")
    return ["`\(declaration.name)`", declaration.summary, outputs, declaration.source]
  }
}

extension JobSection {
  fileprivate static var table: String {
    markdown(
      ["key", "value", "meaning"],
      declaration.parameters.flatMap { parameter -> [[String]] in
        let words = parameter.form.words(or: alternatives[parameter.name] ?? [])
        return [["`\(parameter.name)`", words, parameter.summary]]
          + parameter.form.fieldRows(indentation: "").map { field, text in
            let parts = text.split(separator: ". ", maxSplits: 1).map(String.init)
            return ["`\(parameter.name).\(field.trimmed)`", parts[0], parts.last ?? ""]
          }
      })
  }
}

private func markdown(_ head: [String], _ rows: [[String]]) -> String {
  func line(_ cells: [String]) -> String {
    "| "
      + cells.map { $0.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }.joined(
        separator: " | ") + " |"
  }
  return ([line(head), "|" + String(repeating: "---|", count: head.count)] + rows.map(line)).joined(separator: "\n")
    + "\n"
}
