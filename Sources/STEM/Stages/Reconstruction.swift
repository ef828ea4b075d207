/// A frame analysis that goes on after the pass, on the complete maps of the whole scan: fits, integrations, solvers.
///
/// Its kernel works frame by frame as that of any analysis. Once all positions are done, `solve` computes the outputs
/// that the kernel did not take.
public protocol Reconstruction: FrameAnalysis {
  /// Whether anything is left to do after the pass.
  func solves(_ context: FrameContext) -> Bool
  /// Called on rank 0 while the other ranks wait. Must give the same bits for the same input.
  /// Throws `Problem`, also what `control` throws when the run is to stop.
  func solve(_ pass: PassResults, _ context: FrameContext, _ control: any SolverControl) throws -> Solution
}

extension Reconstruction {
  public func solves(_ context: FrameContext) -> Bool { true }
  /// Thirty-two maps in double precision.
  public func memoryBytes(_ context: FrameContext) -> Int { 256 * context.scan.count }
}

/// What a pass found for one analysis.
public struct PassResults: Sendable {
  /// The rows of the kernel by output, `scan.count` × width values; NaN at positions without a result (outside of the
  /// roi, masked, empty).
  public var rows: [String: [Double]]
  /// What the kernel's `finish()` set: sums for the solver (`OutputBinding.sum`), and outputs that are one array.
  public var sums: [String: [Double]]

  public init(rows: [String: [Double]], sums: [String: [Double]] = [:]) {
    self.rows = rows
    self.sums = sums
  }
}

/// What a reconstruction found.
public struct Solution: Sendable {
  /// By output: every one that the kernel did not take, and no other; anything else ends the run.
  public var values: [String: [Double]]
  /// Scalars, stored with the results group: `scan_rotation_deg`, `skewness`.
  public var attributes: [(key: String, value: Setting)] = []
  /// What the user must know; also stored with the group.
  public var warnings: [String] = []
  /// Lines for the log: `scan rotation 17.02 deg, transpose true (measured)`.
  public var notes: [String] = []
  /// What later stages may build on: `Stage.provides`.
  public var facts = Facts()

  public init(values: [String: [Double]]) { self.values = values }
}

/// The run around a solver.
public protocol SolverControl: AnyObject {
  /// What an interrupted run saved last; nil at a fresh start. Checked against damage, not against another job: a
  /// checkpoint belongs to its job.
  var savedState: [UInt8]? { get }
  /// To be called after every iteration, counted from 1: shows progress, keeps `state` when it is time, and throws
  /// `.tryAgain` after saving it when the run is to stop.
  /// - Parameter state: all that is needed to go on behind this iteration; asked for only when it is saved
  func ended(iteration: Int, of total: Int, residual: Double, state: () -> [UInt8]) throws
}

/// A solver without a run around it, for tests.
public final class NoControl: SolverControl {
  public init() {}
  public var savedState: [UInt8]? { nil }
  public func ended(iteration: Int, of total: Int, residual: Double, state: () -> [UInt8]) {}
}
