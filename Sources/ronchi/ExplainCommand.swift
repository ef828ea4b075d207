import ArgumentParser
import Jobs

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Describes the analyses: parameters, units, defaults, outputs, an example.",
    discussion: """
      EXAMPLES
        ronchi explain
        ronchi explain virtual_detectors
      """)

  @Argument(help: "An analysis; without it, the list of all.")
  var analysis: String?

  func run() throws { print(try explain(analysis)) }
}

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Prints the JSON Schema of job files, for editors and pipelines.",
    discussion: """
      EXAMPLE
        ronchi schema > ronchi.schema.json
        then, as first line of a job:  # yaml-language-server: $schema=ronchi.schema.json
      """)

  func run() throws { print(jobSchema()) }
}
