import Preprocessing
import STEM

/// A job with every value resolved and checked: what a run needs before the first frame is read. Immutable.
public struct Plan: Sendable {
  /// Of the frames and positions in the file.
  public let rawSource: any FrameSource
  public let rawScan: Shape
  let preprocessing: Preprocessing
  /// What analyses see of them; nil only in a plan with problems.
  let corrected: CorrectedScan?
  public let outputPath: String
  /// Whether PNG maps are written beside the output.
  public let images: Bool
  public let scan: Shape
  public let selection: PositionSelection
  /// The calibration is the job's over the file's. `frames` completes it by facts that stages find.
  public let context: FrameContext
  /// The stages that the job lists, in its order, which is that of the results.
  public let analyses: [PlannedStage]
  /// The stages that find the facts that these need and neither job nor file gives, in the order in which they run.
  public let calibrating: [PlannedStage]
  /// What `calibrating` finds.
  public let unknown: Set<Fact>
  public let warnings: [String]
  /// The job as a file that gives the same plan: every parameter with its value, defaults included; what the input file
  /// knows is written out in the program's own units.
  public let resolvedJob: String
  /// Every value in use that the job, the command line, the input file or a default gave.
  public let parameters: [ResolvedParameter]
  /// Seconds.
  public let checkpointInterval: Double
  /// Whether a frame that cannot be read is masked instead of ending the run.
  public let masksBadFrames: Bool
  /// Bytes; nil: what the machine allows.
  public let memoryPerRank: Int?
  public let scheduling: Scheduling

  /// Of the frames that analyses see; `description` describes them.
  public var source: any FrameSource { corrected?.source ?? rawSource }
  public var description: SourceDescription { source.description }
  /// What is done to frames and scan, in words; empty for nothing.
  public var corrections: [String] { corrected?.summary ?? [] }
  /// The selected positions as those of the file.
  public var selectionInFile: PositionSelection { corrected?.positionsInFile(selection) ?? selection }
  /// Whether every analysis but the one that fits the optical axis over the scan follows it, frame by frame
  /// (`calibration.center: fitted`); exactly one of `analyses` then provides `.origins`.
  public var followsOrigin: Bool { context.followsOrigin }
  /// What of the calibration must be measured.
  public var toMeasure: Set<Fact> { unknown.intersection([.center, .disk, .ellipse]) }

  /// `context`, with the detector's middle and a guess of the disk where these will be measured: good for the names and
  /// kinds of outputs, not for numbers.
  public var provisionalContext: FrameContext {
    toMeasure.isEmpty ? context : context.guess(middle: 0.5, radius: 0.25)
  }
}

extension FrameContext {
  /// With unknown values guessed: the center at `middle`, the disk's radius `radius`, as parts of the detector.
  func guess(middle: Double, radius: Double) -> FrameContext {
    var guessed = self
    guessed.calibration.complete(
      center: Pair(middle * Double(detector.y - 1), middle * Double(detector.x - 1)),
      diskRadius: radius * Double(min(detector.y, detector.x)), knownRadius: diskRadius)
    return guessed
  }
}

extension Calibration {
  mutating func complete(center: Pair<Double>?, diskRadius: Double?, knownRadius: Double?) {
    self.center = self.center ?? center.map { Sourced($0, .measured) }
    guard knownRadius == nil, let diskRadius else { return }
    self.diskRadius = Sourced(diskRadius, .measured)
    if semiangle == nil, let pixel = pixelAngle {
      semiangle = Sourced(diskRadius * pixel.mean, .measured)
    } else if detectorPixel == nil, let semiangle, diskRadius > 0 {
      let size = Quantity(semiangle.value / diskRadius, .radian)
      detectorPixel = Sourced(Pair(size, size), .measured)
    }
  }
}

/// One value of a plan.
public struct ResolvedParameter: Sendable, Equatable {
  /// `analyses.1.center_of_mass.outer_radius`
  public let path: String
  /// As in a job file.
  public let value: String
  public let origin: Origin

  public init(path: String, value: String, origin: Origin) {
    self.path = path
    self.value = value
    self.origin = origin
  }
}

/// A stage with its parameters.
public struct PlannedStage: Sendable {
  public let name: String
  /// `analyses.0.center_of_mass`
  public let place: String
  public let stage: any Stage
  /// Paper and equation.
  public let algorithm: String
  public let revision: Int
  /// In declared order, defaults included.
  public let parameters: [(key: String, value: Setting, origin: Origin)]
  let job: JobFile

  /// Throws `Problems`, each with file and line.
  public func outputs(_ context: FrameContext) throws(Problems) -> [OutputDescription] {
    try placed { try stage.outputs(context) }
  }

  /// The kernel of a frame analysis with its outputs. Throws `Problems`, each with file and line.
  public func makeKernel(_ context: FrameContext) throws(Problems) -> BoundKernel {
    try placed {
      guard let analysis = stage as? any FrameAnalysis else { throw Problem(.internalError, "\(name) has no kernel") }
      return try BoundKernel(analysis, context)
    }
  }

  private func placed<Value>(_ work: () throws -> Value) throws(Problems) -> Value {
    do {
      return try work()
    } catch {
      throw Problems(problems(of: error).map { job.located($0.inside(place)) })
    }
  }
}
