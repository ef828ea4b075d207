import Analyses
import Calibrating
import Formats
import Reconstruction
import STEM

/// What a job can ask for: the analyses and formats there are, and how files are opened. Tests bring their own.
public struct JobEnvironment: Sendable {
  public struct Format: Sendable {
    public var name: String
    public var summary: String
    public var suffixes: [String]

    public init(name: String, summary: String, suffixes: [String]) {
      self.name = name
      self.summary = summary
      self.suffixes = suffixes
    }
  }

  /// The stages that a job can list.
  public var analyses: [any Stage.Type]
  /// The stages that find what is not known.
  public var calibrating: [any CalibratingStage.Type]
  public var formats: [Format]
  public var openInput: @Sendable (InputRequest) throws -> any FrameSource
  public var loadArray: @Sendable (String) throws -> DenseArray
  /// Folders with files of instruments, searched in this order.
  public var instrumentFolders: [String] = []

  public init(
    analyses: [any Stage.Type], calibrating: [any CalibratingStage.Type] = calibratingRegistry, formats: [Format],
    openInput: @escaping @Sendable (InputRequest) throws -> any FrameSource,
    loadArray: @escaping @Sendable (String) throws -> DenseArray
  ) {
    self.analyses = analyses
    self.calibrating = calibrating
    self.formats = formats
    self.openInput = openInput
    self.loadArray = loadArray
  }

  /// The program's own analyses, formats, and loaders.
  public static let standard: JobEnvironment = {
    var environment = JobEnvironment(
      analyses: analysisRegistry as [any Stage.Type] + reconstructionRegistry,
      formats: formatRegistry.map { Format(name: $0.name, summary: $0.summary, suffixes: $0.suffixes) },
      openInput: { try Formats.openInput($0) },
      loadArray: { try Formats.loadArray($0) })
    environment.instrumentFolders = InstrumentFile.standardFolders
    return environment
  }()

  /// As `standard`, but a child process checks every HDF5 file first; for plans whose files have not been checked.
  public static let probing: JobEnvironment = {
    var environment = standard
    environment.openInput = { request in
      try HDF5Probe.check(request)
      return try Formats.openInput(request)
    }
    environment.loadArray = { path in
      try HDF5Probe.check(array: path)
      return try Formats.loadArray(path)
    }
    return environment
  }()

  var analysisNames: [String] { analyses.map { $0.declarationName } }
}

extension Stage {
  static var declarationName: String { declaration.name }
}
