/// What an analysis is: everything else (decoding, range checks, `explain`, the JSON schema, docs, provenance, the
/// layout of its results group) is derived from it.
public struct Declaration<Owner>: Sendable {
  public let name: String
  public let summary: String
  /// Paper and equation.
  public let source: String
  /// Raised whenever the numbers of a result may change; part of what a resume checks.
  public let revision: Int
  public let parameters: [Parameter<Owner>]
  /// The outputs with the default parameters, for the docs; `FrameAnalysis.outputs` gives those of a job.
  public let outputs: [OutputDescription]
  /// A job fragment that works as it stands, shown by `explain`.
  public let example: String

  public init(
    _ name: String, _ summary: String, source: String, revision: Int = 1, parameters: [Parameter<Owner>],
    outputs: [OutputDescription], example: String
  ) {
    self.name = name
    self.summary = summary
    self.source = source
    self.revision = revision
    self.parameters = parameters
    self.outputs = outputs
    self.example = example
  }

  /// Decodes a job's map into `owner`; collects every problem before throwing `Problems`.
  public func decode(_ setting: Setting, into owner: inout Owner) throws(Problems) {
    var problems: [Problem] = []
    let items: [(key: String, value: Setting)]
    switch setting {
    case .null: items = []
    case .map(let map): items = map
    default:
      throw Problems([
        Problem(.badConfiguration, "\(setting.text) given; \(name) takes a map of parameters, {} for defaults")
      ])
    }
    for item in items {
      guard let parameter = parameters.first(where: { $0.name == item.key }) else {
        problems.append(unknownKey(item.key, allowed: parameters.map(\.name)))
        continue
      }
      problems += gather(at: item.key) { try parameter.decode(item.value, &owner) }
    }
    for parameter in parameters where parameter.required && !items.contains(where: { $0.key == parameter.name }) {
      problems.append(Problem(.badConfiguration, at: parameter.name, "missing; \(name) needs it: \(parameter.summary)"))
    }
    try problems.throwIfAny()
  }

  /// The resolved parameters as a job file would give them, in declared order.
  public func encode(_ owner: Owner) -> [(key: String, value: Setting)] {
    parameters.map { ($0.name, $0.encode(owner)) }
  }
}

/// What an output's array is.
public enum OutputKind: String, Sendable, Codable {
  /// One value a position.
  case map
  /// One value a detector pixel.
  case pattern
  /// One value a bin of `OutputDescription.axis`.
  case profile
  case perPositionProfile = "per_position_profile"
  case volume
}

public enum ElementType: String, Sendable, Codable {
  case float32, float64

  public var size: Int { self == .float32 ? 4 : 8 }
}

/// The axis of a profile.
public struct OutputAxis: Sendable, Equatable {
  public var name: String
  public var unit: String
  public var values: [Double]

  public init(_ name: String, unit: String, values: [Double]) {
    self.name = name
    self.unit = unit
    self.values = values
  }
}

public struct OutputDescription: Sendable {
  public var name: String
  public var kind: OutputKind
  /// What is measured: `Intensity`, `Displacement`.
  public var quantity: String
  /// `px`, `mrad`, `counts`, `a.u.`; empty for none.
  public var unit: String
  public var summary: String
  public var element: ElementType
  /// For profiles.
  public var axis: OutputAxis?
  /// Whether zero is in the middle of the colour scale.
  public var signed: Bool
  /// Stored beside the dataset: radii in px and mrad, the number of pixels.
  public var attributes: [(key: String, value: Setting)] = []

  public init(
    _ name: String, _ kind: OutputKind, quantity: String, unit: String, element: ElementType = .float64,
    axis: OutputAxis? = nil, signed: Bool = false, _ summary: String
  ) {
    self.name = name
    self.kind = kind
    self.quantity = quantity
    self.unit = unit
    self.element = element
    self.axis = axis
    self.signed = signed
    self.summary = summary
  }

  /// The same output with these attributes behind those it has.
  public func with(_ more: [(key: String, value: Setting)]) -> OutputDescription {
    var result = self
    result.attributes += more
    return result
  }
}

/// `unknown key 'detectr'; did you mean 'detector'? allowed: …`
public func unknownKey(_ key: String, allowed: [String]) -> Problem {
  let synonym = synonyms[key].flatMap { allowed.contains($0) ? $0 : nil }
  let guess = (synonym ?? nearest(key, among: allowed)).map { "did you mean '\($0)'? " } ?? ""
  return Problem(.badConfiguration, at: key, "unknown key; \(guess)allowed: \(allowed.joined(separator: ", "))")
}

/// Names that users bring from other programs and what they are called here.
private let synonyms = [
  "convergence_angle": "semiangle", "convergence_semiangle": "semiangle", "alpha": "semiangle", "voltage": "energy",
  "accelerating_voltage": "energy", "beam_energy": "energy", "camera_length": "detector_pixel",
  "pixel_size": "detector_pixel", "step_size": "scan_step", "step": "scan_step", "rotation": "scan_rotation",
  "centre": "center", "origin": "center", "r_inner": "inner_radius", "r_outer": "outer_radius",
  "inner": "inner_radius", "outer": "outer_radius", "file": "path", "filename": "path", "shape": "scan_shape",
]

/// The candidate within an edit distance of a third of its length; nil when none is.
public func nearest(_ word: String, among candidates: [String]) -> String? {
  let scored = candidates.map { ($0, editDistance(Array(word.lowercased()), Array($0.lowercased()))) }
  guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= max(1, best.0.count / 3) else { return nil }
  return best.0
}

/// Levenshtein distance.
func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  var row = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, y) in b.enumerated() {
      let substitution = diagonal + (x == y ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[b.count]
}
