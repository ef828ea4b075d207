import Foundation
import STEM

extension Planner {
  mutating func decodeSections() -> DecodedSections {
    if case .map(let items) = job.root {
      for item in items where !JobSections.names.contains(item.key) { problems.append(unknownSection(item.key)) }
    }
    var sections = DecodedSections()
    decode(&sections.input)
    decode(&sections.output)
    decode(&sections.calibration)
    decode(&sections.scan)
    decode(&sections.detector)
    decode(&sections.run)
    if sections.input.path?.isEmpty ?? true, isClear("input.path") {
      problems.append(
        Problem(.badConfiguration, at: "input.path", "missing; the file to read is needed; add the key or use --input"))
    }
    if sections.output.path?.isEmpty ?? true, isClear("output.path") {
      problems.append(
        Problem(
          .badConfiguration, at: "output.path", "missing; the file to write is needed; add the key or use --output"))
    }
    return sections
  }

  /// Whether nothing is known to be wrong with the value of this key already.
  private func isClear(_ place: String) -> Bool { !problems.contains { lies(place, inside: $0.place) } }

  mutating func decode<Section: JobSection>(_ section: inout Section) {
    do {
      try Section.declaration.decode(job.root[Section.name] ?? .null, into: &section)
    } catch {
      add(error, inside: Section.name)
    }
  }

  private func unknownSection(_ key: String) -> Problem {
    if environment.analysisNames.contains(key) {
      return Problem(.badConfiguration, at: key, "this is an analysis; write it into the list: analyses: [{\(key): …}]")
    }
    if let owner = JobSections.section(owning: key) {
      return Problem(
        .badConfiguration, at: key, "unknown at the top level; the key belongs to \(owner); write \(owner): {\(key): …}"
      )
    }
    if suggestion(for: key, among: JobSections.names) == nil {
      for section in JobSections.types {
        guard let name = suggestion(for: key, among: section.parameterNames) else { continue }
        return Problem(
          .badConfiguration, at: key,
          "unknown at the top level; did you mean \(name) in \(section.name)? "
            + "write \(section.name): {\(name): …}")
      }
    }
    return unknownKey(key, allowed: JobSections.names)
  }

  /// The name that `unknownKey` suggests, including names used by other programs.
  private func suggestion(for key: String, among allowed: [String]) -> String? {
    unknownKey(key, allowed: allowed).message.firstMatch(of: /did you mean '(.*?)'/).map { String($0.1) }
  }

  mutating func decodeAnalyses() -> [PlannedStage] {
    guard case .list(let entries)? = job.root["analyses"], !entries.isEmpty else {
      let given =
        job.root["analyses"].map { $0 == .null || $0 == .list([]) ? "empty" : "\($0.kind) given" } ?? "missing"
      let names = environment.analysisNames.joined(separator: ", ")
      problems.append(
        Problem(
          .badConfiguration, at: "analyses",
          "\(given); a list such as '- center_of_mass: {}' is needed; the analyses are \(names)"))
      return []
    }
    var analyses: [PlannedStage] = []
    for (index, entry) in entries.enumerated() {
      do {
        analyses.append(try decode(entry, at: "analyses.\(index)"))
      } catch {
        add(error, inside: "analyses.\(index)")
      }
    }
    return analyses
  }

  /// `center: fitted` needs the stage that fits it: in front, with its defaults, where the job lists none.
  mutating func withOrigin(_ analyses: [PlannedStage], isFollowed: Bool) -> [PlannedStage] {
    guard isFollowed else { return analyses }
    let place = "calibration.center"
    let listed = analyses.filter { $0.stage.provides.contains(.origins) }
    if listed.count > 1 {
      problems.append(
        Problem(
          .badConfiguration, at: place,
          "fitted given, and the analysis \(listed[0].name) \(listed.count) times "
            + "(\(listed.map(\.place).joined(separator: ", "))); "
            + "one is followed; remove the others, or run them in a job of their own"))
    }
    guard listed.isEmpty else { return analyses }
    guard let type = environment.analyses.first(where: { $0.init().provides.contains(.origins) }) else {
      problems.append(Problem(.internalError, at: place, "there is no analysis that fits the origin"))
      return analyses
    }
    do {
      return [try decode(type, .map([]), at: "\(place).\(type.declarationName)")] + analyses
    } catch {
      add(error, inside: place)
      return analyses
    }
  }

  private func decode(_ entry: Setting, at place: String) throws -> PlannedStage {
    let name: String
    let parameters: Setting
    switch entry {
    case .text(let text): (name, parameters) = (text, .map([]))
    case .map(let items) where items.count == 1: (name, parameters) = items[0]
    default:
      throw Problem(
        .badConfiguration,
        "\(entry.kind) given; one analysis for each entry is allowed, '- name: {parameters}'; "
          + "indent its parameters below the name")
    }
    guard let type = environment.analyses.first(where: { $0.declarationName == name }) else {
      let allowed = unknownKey(name, allowed: environment.analysisNames)
      throw Problem(
        .badConfiguration, at: name, allowed.message.replacingOccurrences(of: "unknown key", with: "unknown analysis"))
    }
    do {
      return try decode(type, parameters, at: "\(place).\(name)")
    } catch {
      throw Problems(STEM.problems(of: error).map { $0.inside(name) })
    }
  }

  func decode<Analysis: Stage>(
    _ type: Analysis.Type, _ parameters: Setting, at place: String
  ) throws -> PlannedStage {
    let declaration = Analysis.declaration
    var analysis = Analysis()
    try declaration.decode(parameters, into: &analysis)
    let encoded = declaration.encode(analysis).map { key, value in
      (key: key, value: value.precise(parameters[key]), origin: job.origin(of: "\(place).\(key)"))
    }
    return PlannedStage(
      name: declaration.name, place: place, stage: analysis, algorithm: declaration.source,
      revision: declaration.revision, parameters: encoded, job: job)
  }
}
