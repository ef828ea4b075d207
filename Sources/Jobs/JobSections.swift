import Formats
import STEM

/// A part of the job beside the analyses, declared like one: decoding, checks, schema and help come from the declaration.
protocol JobSection: Sendable {
  init()
  static var declaration: Declaration<Self> { get }
  /// Other accepted forms of a parameter: one value instead of a pair, px without a unit.
  static var alternatives: [String: [ParameterForm]] { get }
}

extension JobSection {
  static var alternatives: [String: [ParameterForm]] { [:] }
}

/// The keys of a job file.
enum JobSections {
  static let types: [any JobSection.Type] = [
    InputSection.self, OutputSection.self, CalibrationSection.self, ScanSection.self, DetectorSection.self,
    RunSection.self,
  ]
  static let names = types.map { $0.name } + ["analyses"]
  static let analysesSummary = "The list of analyses, each `- name: {parameters}`, or `- name` for the defaults."

  /// The section that has a parameter of this name, for keys that were written one level too high.
  static func section(owning key: String) -> String? {
    types.first { $0.parameterNames.contains(key) }?.name
  }
}

extension JobSection {
  static var name: String { declaration.name }
  static var parameterNames: [String] { declaration.parameters.map(\.name) }
}

struct InputSection: JobSection {
  var path: String?
  var dataset: String?
  var scanShape: Shape?
  var format: String?
  /// What only some formats take, as the job gives it; its format has checked it.
  var options: [String: Setting] = [:]

  static let declaration = Declaration<Self>(
    "input", "The file to read. Only the path is needed where the file describes itself.", source: "",
    parameters: [
      .init("path", \.path, .text, "The file, relative to the current directory; also --input."),
      .init("dataset", \.dataset, .text, "The dataset, only where the file holds several; also --dataset."),
      .init(
        "scan_shape", \.scanShape, .pair(.integer(1...Int(Int32.max))),
        "Positions [y, x], only where the file does not say; also --scan-shape."),
      .init(
        "format", \.format, .choice(JobEnvironment.standard.formats.map(\.name).sorted()),
        "Forces a format; without it the format is recognized from the content."),
    ] + inputOptions.map(parameter), outputs: [], example: "input: {path: scan.h5}\n")

  private static func parameter(_ option: InputOption) -> Parameter<Self> {
    Parameter(
      option.name, option.form, "Only for \(option.formats.joined(separator: " and ")): \(option.summary)",
      decode: { $1.options[option.name] = $0 == .null ? nil : try option.checked($0) },
      encode: { $0.options[option.name] ?? .null })
  }

  /// nil without a path.
  var request: InputRequest? {
    guard let path, !path.isEmpty else { return nil }
    var request = InputRequest(path: path)
    request.dataset = dataset
    request.scanShape = scanShape
    request.format = format
    request.options = options
    return request
  }
}

struct OutputSection: JobSection {
  var path: String?
  var images = true

  static let declaration = Declaration<Self>(
    "output", "The h5USID file to write.", source: "",
    parameters: [
      .init("path", \.path, .text, "The file, relative to the current directory; also --output."),
      .init("images", \.images, .flag, "Whether to write a PNG of every map beside the output; also --no-images."),
    ], outputs: [], example: "output: {path: result.h5}\n")
}

struct RunSection: JobSection {
  enum BadFrameAction: String, ChoiceParameter { case stop, mask }

  var checkpointInterval = Quantity(30, .second)
  var onBadFrame = BadFrameAction.stop
  var memoryPerRank: Quantity?
  var scheduling = Scheduling.dynamic

  static let declaration = Declaration<Self>(
    "run", "How to run; nothing here changes a number of the result.", source: "",
    parameters: [
      .init(
        "checkpoint_interval", \.checkpointInterval, .quantity([.second, .minute], 0...86_400),
        "Time between syncs to disk: the most work that the loss of a machine costs. The end of a process costs only the blocks in flight."
      ),
      .init(
        "on_bad_frame", \.onBadFrame, BadFrameAction.form,
        "What a frame that cannot be read does: stop ends the run, mask makes its position NaN and lists it."),
      .init(
        "memory_per_rank", \.memoryPerRank, .quantity([.gigabyte, .gibibyte, .megabyte, .mebibyte], 1...1e9),
        "The most private memory of a rank; default: the Slurm or cgroup limit, else 80 % of the node, by its ranks."),
      .init(
        "scheduling", \.scheduling, Scheduling.form,
        "Which rank computes what: dynamic gives the next part to whoever is free, static deals all out in advance."),
    ], outputs: [], example: "run: {on_bad_frame: mask}\n")
}
