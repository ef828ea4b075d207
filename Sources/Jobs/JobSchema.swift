import STEM

/// JSON Schema (draft 2020-12) for job files, from the declarations; editors complete and check with it.
public func jobSchema(in environment: JobEnvironment = .standard) -> String {
  var properties = JobSections.types.map { (key: $0.name, value: $0.schema) }
  let names = Setting.list(environment.analysisNames.map { .text($0) })
  let analyses = environment.analyses.map { (key: $0.declarationName, value: $0.schema) }
  let entry = Setting.map([
    ("type", .text("object")), ("properties", .map(analyses)), ("additionalProperties", .bool(false)),
    ("minProperties", .integer(1)), ("maxProperties", .integer(1)),
  ])
  properties.append(
    (
      "analyses",
      .map([
        ("description", .text(JobSections.analysesSummary)), ("type", .text("array")), ("minItems", .integer(1)),
        ("items", .map([("anyOf", .list([entry, .map([("type", .text("string")), ("enum", names)])]))])),
      ])
    ))
  let schema = Setting.map([
    ("$schema", .text("https://json-schema.org/draft/2020-12/schema")),
    ("title", .text("Ronchi job")),
    ("description", .text("A job for the 4D-STEM batch processor Ronchi. Pairs are in array order: y, x.")),
    ("type", .text("object")),
    ("properties", .map(properties)),
    ("required", .list([.text("analyses")])),
    ("additionalProperties", .bool(false)),
  ])
  return schema.json() + "\n"
}

extension JobSection {
  static var schema: Setting { declaration.schema(alternatives: alternatives, defaults: declaration.encode(Self())) }
}

extension Stage {
  static var schema: Setting { declaration.schema(defaults: declaration.encode(Self())) }
}

extension Declaration {
  func schema(
    alternatives: [String: [ParameterForm]] = [:], defaults: [(key: String, value: Setting)]
  ) -> Setting {
    let properties = parameters.map { parameter -> (key: String, value: Setting) in
      var schema: [(key: String, value: Setting)] = [("description", .text(parameter.summary))]
      schema += parameter.form.schema(or: alternatives[parameter.name] ?? [])
      if let value = defaults.first(where: { $0.key == parameter.name })?.value, value != .null, value != .map([]),
        !parameter.required
      {
        schema.append(("default", value))
      }
      return (parameter.name, .map(schema))
    }
    var items: [(key: String, value: Setting)] = [
      ("description", .text(summary)), ("type", .list([.text("object"), .text("null")])),
      ("properties", .map(properties)), ("additionalProperties", .bool(false)),
    ]
    let required = parameters.filter(\.required).map { Setting.text($0.name) }
    if !required.isEmpty {
      // Without a value the parameters would be missing.
      items[1].value = .text("object")
      items.append(("required", .list(required)))
    }
    return .map(items)
  }
}

extension ParameterForm {
  /// The keywords of a schema for this form.
  var schema: [(key: String, value: Setting)] {
    switch self {
    case .flag: return [("type", .text("boolean"))]
    case .integer(let range):
      return [("type", .text("integer"))]
        + bounds(
          range.lowerBound == .min ? nil : .integer(range.lowerBound),
          range.upperBound == .max ? nil : .integer(range.upperBound))
    case .integers(let values): return [("type", .text("integer")), ("enum", .list(values.map { .integer($0) }))]
    case .number(let range):
      return [("type", .text("number"))]
        + bounds(
          range.lowerBound.isFinite ? .number(range.lowerBound) : nil,
          range.upperBound.isFinite ? .number(range.upperBound) : nil)
    case .text, .file: return [("type", .text("string"))]
    case .choice(let choices): return [("type", .text("string")), ("enum", .list(choices.map { .text($0) }))]
    case .quantity(let units, let range):
      return [("type", .text("string")), ("pattern", .text(quantityPattern(units, signed: range.lowerBound < 0)))]
    case .pair(let part):
      return [
        ("type", .text("array")), ("items", .map(part.schema)), ("minItems", .integer(2)), ("maxItems", .integer(2)),
      ]
    case .list(let part): return [("type", .text("array")), ("items", .map(part.schema))]
    case .object(let fields):
      let properties = fields.map { field in
        (key: field.name, value: Setting.map([("description", .text(field.summary))] + field.form.schema))
      }
      let required = fields.filter(\.required).map { Setting.text($0.name) }
      return [("type", .text("object")), ("properties", .map(properties)), ("additionalProperties", .bool(false))]
        + (required.isEmpty ? [] : [("required", .list(required))])
    case .named(let part):
      return [("type", .text("object")), ("additionalProperties", .map(part.schema)), ("minProperties", .integer(1))]
    }
  }

  /// Of this form or one of the others. Alternatives of the parts of a pair may be mixed: `[30 mrad, 12]`.
  func schema(or others: [ParameterForm]) -> [(key: String, value: Setting)] {
    guard !others.isEmpty else { return schema }
    if case .pair(let part) = self {
      let parts = others.compactMap { if case .pair(let other) = $0 { other } else { nil } }
      if !parts.isEmpty {
        let items = Setting.map(part.schema(or: parts))
        let pair = schema.map { $0.key == "items" ? ("items", items) : $0 }
        let rest = others.compactMap { other -> Setting? in
          if case .pair = other { nil } else { .map(other.schema) }
        }
        return rest.isEmpty ? pair : [("anyOf", .list([.map(pair)] + rest))]
      }
    }
    return [("anyOf", .list(([self] + others).map { .map($0.schema) }))]
  }

  private func bounds(_ lower: Setting?, _ upper: Setting?) -> [(key: String, value: Setting)] {
    [("minimum", lower), ("maximum", upper)].compactMap { key, bound in bound.map { (key, $0) } }
  }

  /// A number and one of the units in any spelling.
  private func quantityPattern(_ units: [Unit], signed: Bool) -> String {
    let spellings = units.flatMap(\.spellings).sorted { $0.count > $1.count }.map(escaped).joined(separator: "|")
    return "^\\s*[\(signed ? "-" : "")+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d+)?\\s*(\(spellings))\\s*$"
  }

  private func escaped(_ spelling: String) -> String {
    spelling.reduce(into: "") { $0 += "^$.|?*+()[]{}\\/".contains($1) ? "\\\($1)" : String($1) }
  }
}

extension Unit {
  /// How job files may write the unit; a test holds this against `Unit(spelling:)`.
  var spellings: [String] {
    switch self {
    case .electronvolt: ["eV"]
    case .kiloelectronvolt: ["keV", "kV"]
    case .angstrom: ["Å", "A", "Ang", "Angstrom", "angstrom"]
    case .nanometre: ["nm", "nanometer", "nanometre"]
    case .micrometre: ["µm", "μm", "um"]
    case .picometre: ["pm"]
    case .millimetre: ["mm"]
    case .centimetre: ["cm"]
    case .metre: ["m"]
    case .radian: ["rad", "radian", "radians"]
    case .milliradian: ["mrad"]
    case .degree: ["deg", "degree", "degrees", "°"]
    case .inverseAngstrom: ["Å⁻¹", "1/Å", "Å^-1", "A^-1", "1/A", "A-1"]
    case .inverseNanometre: ["nm⁻¹", "1/nm", "nm^-1", "nm-1"]
    case .pixel: ["px", "pixel", "pixels"]
    case .second: ["s", "sec", "second", "seconds"]
    case .minute: ["min", "minute", "minutes"]
    case .megabyte, .gigabyte, .mebibyte, .gibibyte: [rawValue]
    }
  }
}
