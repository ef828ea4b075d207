import STEM

/// An option of the input that only some formats take, as jobs, the command line, the schema and the docs see it.
public struct InputOption: Sendable {
  /// The key below `input:` in a job; the command line has dashes: `--detector-shape`.
  public let name: String
  public let form: ParameterForm
  public let summary: String
  /// Names of the formats that declare it.
  public internal(set) var formats: [String]
  /// Decodes a value as the format will, and gives it back as a job would write it. Throws `Problem` or `Problems`, places
  /// relative to the value.
  public let checked: @Sendable (Setting) throws -> Setting

  init<Owner: FormatOptions>(_ parameter: Parameter<Owner>, of format: String) {
    name = parameter.name
    form = parameter.form
    summary = parameter.summary
    formats = [format]
    checked = { setting in
      var owner = Owner()
      try parameter.decode(setting, &owner)
      return parameter.encode(owner)
    }
  }
}

/// The options that formats declare, in the order of the registry; one that several declare occurs once.
public let inputOptions: [InputOption] = {
  var options: [InputOption] = []
  for option in formatRegistry.flatMap({ $0.declaredOptions }) {
    if let known = options.firstIndex(where: { $0.name == option.name }) {
      options[known].formats += option.formats
    } else {
      options.append(option)
    }
  }
  return options
}()

extension InputFormat {
  static var declaredOptions: [InputOption] { Options.parameters.map { InputOption($0, of: name) } }

  /// Whether the request gives every option without which this format has no meaning: what chooses a format that nothing
  /// in a file shows.
  static func isDescribed(by request: InputRequest) -> Bool {
    let required = Options.parameters.filter(\.required)
    return !required.isEmpty && required.allSatisfy { request.options[$0.name] != nil }
  }

  /// Decodes the options. Throws `Problems` (`.badConfiguration`): all that are wrong or missing, at once.
  static func options(_ request: InputRequest) throws -> Options {
    var options = Options()
    var problems: [Problem] = []
    func missing(_ key: InputKey, _ what: String) {
      problems.append(
        Problem(
          .badConfiguration, at: key.place,
          "missing; \(request.path) is read as \(name), and \(name) files do not say it themselves; give it: \(what)"))
    }
    for parameter in Options.parameters {
      if let value = request.options[parameter.name] {
        problems += gather(at: InputKey.option(parameter.name).place) { try parameter.decode(value, &options) }
      } else if parameter.required {
        missing(.option(parameter.name), parameter.summary)
      }
    }
    if needsScanShape, request.scanShape == nil {
      missing(.scanShape, "[rows, columns] of the scan, such as [128, 128]")
    }
    try problems.throwIfAny()
    return options
  }

  /// Throws `Problems` (`.badConfiguration`) naming every key that belongs to other formats.
  static func refuseForeignKeys(_ request: InputRequest) throws {
    let verb = request.format == nil ? "was recognized as" : "is read as"
    var problems: [Problem] = []
    if let dataset = request.dataset, !holdsDatasets {
      problems.append(
        Problem(
          .badConfiguration, at: InputKey.dataset.place,
          "'\(dataset)' given, but \(request.path) \(verb) \(name), whose files hold one array; remove the key"))
    }
    let own = Options.parameters.map(\.name)
    let foreign = request.options.keys.filter { !own.contains($0) }
    for option in inputOptions where foreign.contains(option.name) {
      let owners = option.formats.joined(separator: " and ")
      let value = request.options[option.name]!.text
      problems.append(
        Problem(
          .badConfiguration, at: InputKey.option(option.name).place,
          "\(value) given, an option of the format \(owners); \(request.path) \(verb) \(name), "
            + (own.isEmpty ? "which has no options" : "whose options are \(own.joined(separator: ", "))")
            + "; remove the key, or set input.format: \(option.formats[0])"))
    }
    let known = inputOptions.map(\.name)
    for key in foreign.sorted() where !known.contains(key) {
      problems.append(unknownKey(key, allowed: known).inside("input"))
    }
    try problems.throwIfAny()
  }
}
