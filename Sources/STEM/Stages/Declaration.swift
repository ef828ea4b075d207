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
  /// A job fragment that works without changes, shown by `explain`.
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
