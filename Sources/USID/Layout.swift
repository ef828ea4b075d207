import STEM

/// Where the frames came from.
public struct SourceReference: Sendable, Codable, Equatable {
  /// nil: the file that is being written.
  public var filePath: String?
  /// `/datacube_root/datacube/data`; `/Raw_Data` for formats without datasets.
  public var datasetPath: String
  /// Recognizes the same data under another path; nil: compare paths.
  public var digest: String?

  public init(filePath: String?, datasetPath: String, digest: String? = nil) {
    self.filePath = filePath
    self.datasetPath = datasetPath
    self.digest = digest
  }
}

/// One results group: the outputs of one analysis.
public struct ResultGroupLayout: Sendable {
  /// As in a job file: `center_of_mass`.
  public var analysis: String
  /// What was computed, with its paper, in a sentence.
  public var algorithm: String
  /// Parameters and whatever else describes this analysis alone.
  public var attributes: [(key: String, value: Setting)]
  public var outputs: [OutputDescription]
  /// Groups of one pass share their `completed_positions`.
  public var pass: Int

  public init(
    analysis: String, algorithm: String, attributes: [(key: String, value: Setting)] = [],
    outputs: [OutputDescription], pass: Int = 0
  ) {
    self.analysis = analysis
    self.algorithm = algorithm
    self.attributes = attributes
    self.outputs = outputs
    self.pass = pass
  }
}

/// Everything that one run adds to a file of results.
public struct ResultFileLayout: Sendable {
  public var scan: Shape
  public var detector: Shape
  public var calibration: Calibration
  public var source: SourceReference
  public var groups: [ResultGroupLayout]
  /// Stored with every results group of the run.
  public var provenance: [(key: String, value: Setting)]
  /// As `provenance`, with first values that `ResultFile.finish` overwrites in place at the end of the run. A text
  /// has a capacity of at least 64 bytes; a number or flag keeps its type.
  public var pending: [(key: String, value: Setting)]
  public var bookkeeping: Bookkeeping

  /// - Parameter bookkeeping: nil: now, here, with the version that `provenance` gives as `ronchi_version`.
  public init(
    scan: Shape, detector: Shape, calibration: Calibration = Calibration(), source: SourceReference,
    groups: [ResultGroupLayout], provenance: [(key: String, value: Setting)] = [],
    pending: [(key: String, value: Setting)] = [], bookkeeping: Bookkeeping? = nil
  ) {
    self.scan = scan
    self.detector = detector
    self.calibration = calibration
    self.source = source
    self.groups = groups
    self.provenance = provenance
    self.pending = pending
    self.bookkeeping = bookkeeping ?? Bookkeeping(version: version(in: provenance))
  }
}

/// A scan with its frames, as `ronchi simulate` writes it, and results that came with it (the truth of a simulation).
public struct ScanFileLayout: Sendable {
  public var scan: Shape
  public var detector: Shape
  public var pixelType: PixelType
  public var calibration: Calibration
  public var quantity: String
  public var unit: String
  /// Their source is the scan itself.
  public var groups: [ResultGroupLayout]
  /// Stored with the frames.
  public var provenance: [(key: String, value: Setting)]
  public var bookkeeping: Bookkeeping

  /// - Parameter bookkeeping: nil: now, here, with the version that `provenance` gives as `ronchi_version`.
  public init(
    scan: Shape, detector: Shape, pixelType: PixelType, calibration: Calibration = Calibration(),
    quantity: String = "Intensity", unit: String = "counts", groups: [ResultGroupLayout] = [],
    provenance: [(key: String, value: Setting)] = [], bookkeeping: Bookkeeping? = nil
  ) {
    self.scan = scan
    self.detector = detector
    self.pixelType = pixelType
    self.calibration = calibration
    self.quantity = quantity
    self.unit = unit
    self.groups = groups
    self.provenance = provenance
    self.bookkeeping = bookkeeping ?? Bookkeeping(version: version(in: provenance))
  }
}

private func version(in provenance: [(key: String, value: Setting)]) -> String {
  provenance.first { $0.key == "ronchi_version" }?.value.text ?? "unknown"
}
