/// Something that runs over a scan: a value type that holds its parameters. See `docs/architecture.md`.
///
/// There are three kinds, from small to large: a `FrameAnalysis` is a kernel for single frames, and those that need the
/// same facts share one pass over the data; a `Reconstruction` is a frame analysis that goes on with the complete maps on
/// rank 0; any other stage has a `run` of its own, which asks for passes and works on all ranks.
public protocol Stage: Sendable {
  init()
  static var declaration: Declaration<Self> { get }
  /// Facts that must be known before the stage runs; what the job and the file do not give, another stage finds.
  var needs: Set<Fact> { get }
  /// Facts that the stage finds.
  var provides: Set<Fact> { get }
  /// Facts that its parameters give without a look at the frames.
  func given(_ context: FrameContext) -> Facts
  /// Whether it keeps to the mean center where others follow the origin frame by frame.
  static var keepsMeanCenter: Bool { get }
  /// Array files (masks) that the parameters name; `Jobs` loads them into `FrameContext.arrays`.
  var files: [String] { get }
  /// The outputs of these parameters on this scan. Throws `Problems`, places relative to the stage.
  func outputs(_ context: FrameContext) throws -> [OutputDescription]
  /// Private memory that a rank needs beside that of the passes [bytes].
  func memoryBytes(_ context: FrameContext) -> Int
  /// Does the work. Collective: every rank calls the same collective methods of `context` in the same order. Throws
  /// `Problem` and whatever `context` throws, which is the same on all ranks.
  func run(_ context: any StageContext) throws
}

extension Stage {
  public var needs: Set<Fact> { [] }
  public var provides: Set<Fact> { [] }
  public func given(_ context: FrameContext) -> Facts { Facts() }
  public static var keepsMeanCenter: Bool { false }
  public var files: [String] { [] }
  public func outputs(_ context: FrameContext) throws -> [OutputDescription] { Self.declaration.outputs }
  public func memoryBytes(_ context: FrameContext) -> Int { 0 }
}

/// Which frames a pass brings.
public enum PassFrames: Sendable, Equatable {
  /// All selected positions.
  case all
  /// At most this many positions, in whole blocks spread evenly over the scan.
  case sample(atMost: Int)
  /// As `sample`, frames as they are in the file: before any correction, in the file's geometry.
  case fileSample(atMost: Int)
}

/// The run as a stage sees it. Methods are collective where they do not say otherwise.
public protocol StageContext: AnyObject {
  /// What is known about the scan, facts of earlier stages included.
  var frame: FrameContext { get }
  /// The same of the frames in the file, before corrections.
  var fileFrame: FrameContext { get }
  var facts: Facts { get }
  /// The positions that take part.
  var positions: PositionSelection { get }
  /// Of the stage, in the order in which they are stored.
  var outputs: [OutputDescription] { get }
  var ranks: any Ranks { get }
  /// Brings every frame once to every kernel; afterwards the kernels of rank 0 hold the sums over all frames, and rows are
  /// in the output. A pass that an interrupted run has finished is not repeated: its sums come from the checkpoint.
  /// - Returns: how many frames this run has read on all ranks
  @discardableResult func pass(_ kernels: [BoundKernel], over frames: PassFrames) throws -> Int
  /// A reader of corrected frames for this rank alone; not collective.
  func makeReader() throws -> any FrameReader
  /// Writes rows of an output: positions of a map, lines of an object; `values` row-major. Not collective: any rank writes
  /// what it has.
  /// - Parameter rows: nil for the whole output
  func write(_ output: String, rows: Range<Int>?, _ values: [Double]) throws
  /// The whole output as all ranks wrote it in passes that have ended; not collective.
  func read(_ output: String) throws -> [Double]
  /// Does work that is not collective on every rank; what it throws on one is thrown on all ranks.
  func together<Value>(_ work: () throws -> Value) throws -> Value
  /// Does work on rank 0 while the others wait. What it throws is thrown on all ranks.
  func onFirst(_ work: () throws -> Void) throws
  /// As `onFirst`, for work that may take long: it can save a state, and hears of signals that reach any rank.
  func onFirst(solving work: (any SolverControl) throws -> Void) throws
  /// Adds what rank 0 has found to the facts of all ranks.
  func provide(_ facts: Facts) throws
  /// Keeps a value with the results of the stage, a line for the log, or a warning for both; what rank 0 says counts.
  /// Not collective.
  func keep(_ key: String, _ value: Setting)
  func note(_ text: String)
  func warn(_ text: String)
  /// What the last run saved last: the iteration and all parts of its state; nil at a fresh start.
  func savedState() throws -> (iteration: Int, parts: [Int: [UInt8]])?
  /// To be called after every iteration, counted from 1: shows progress, keeps the state when it is time, and throws
  /// `.tryAgain` on all ranks, after saving, when the run is to stop.
  /// - Parameter state: what is needed to go on behind this iteration, in numbered parts that follow from the data; every
  ///   part is given by one rank. Asked for only when it is saved.
  func ended(iteration: Int, of total: Int, residual: Double, state: () throws -> [Int: [UInt8]]) throws
}

/// A stage that finds facts before a result is laid out. A job does not list it: it runs where something needs a fact that
/// neither the job nor the file gives, and it has no outputs.
public protocol CalibratingStage: Stage {
  /// Where a job has its parameters, if it gives any: `calibration.ellipse`.
  static var jobPlace: String { get }
}
