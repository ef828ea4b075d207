/// A per-frame analysis: a value type holding its parameters. See `docs/architecture.md`, "a new analysis".
public protocol FrameAnalysis: Sendable {
  init()
  static var declaration: Declaration<Self> { get }
  /// What must be known before the pass; the runner measures what the job and the file do not give.
  var requirements: Set<Requirement> { get }
  /// Whether it keeps to the mean center where others follow the origin frame by frame.
  static var keepsMeanCenter: Bool { get }
  /// Array files (masks) that the parameters name; `Jobs` loads them into `FrameContext.arrays`.
  var files: [String] { get }
  /// The outputs of these parameters on this scan. Throws `Problems`, places relative to the analysis.
  func outputs(_ context: FrameContext) throws -> [OutputDescription]
  /// One kernel for one rank.
  func makeKernel(_ context: FrameContext) throws -> any FrameKernel
}

extension FrameAnalysis {
  public var requirements: Set<Requirement> { [] }
  public static var keepsMeanCenter: Bool { false }
  public var files: [String] { [] }
  public func outputs(_ context: FrameContext) throws -> [OutputDescription] { Self.declaration.outputs }
}

public enum Requirement: String, Sendable, CaseIterable {
  /// `Calibration.center`.
  case center
  /// `Calibration.semiangle` or `Calibration.diskRadius`.
  case semiangle
  /// `Calibration.ellipse`, where the job has it fitted to a ring.
  case ellipse
}
