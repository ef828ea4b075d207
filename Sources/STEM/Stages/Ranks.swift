/// Who gets which task.
public enum Scheduling: String, Sendable, CaseIterable {
  /// The next one goes to whoever is free.
  case dynamic
  /// Task t is that of rank t modulo the number of ranks.
  case `static`
}

/// The ranks of a job, as code that must not know MPI sees them. All calls are collective
/// where they do not say otherwise.
public protocol Ranks: AnyObject {
  var rank: Int { get }
  var count: Int { get }
  /// Returns once every rank has come; until then `meanwhile` is called again and again.
  func barrier(meanwhile: () throws -> Void) throws
  /// What rank 0 passes, on every rank.
  func broadcast(_ bytes: [UInt8]) throws -> [UInt8]
  /// Every rank's bytes on rank 0, in rank order; empty elsewhere.
  func gather(_ bytes: [UInt8]) throws -> [[UInt8]]
  func sum(_ values: [Int]) throws -> [Int]
  func largest(_ value: Int) throws -> Int
  /// Every rank's value, on all ranks, in rank order.
  func allGather(_ value: Int) throws -> [Int]
  /// Starts handing out `0, 1, 2 …`; collective.
  func startTasks() throws
  /// The next number for this rank; not collective. Where the sequence is shared, beyond any list of work once somebody
  /// has stopped.
  func nextTask() throws -> Int
  /// Ends the sequence for everybody: the way in which a rank that failed tells the others; not collective.
  func stopTasks() throws
  /// Whether somebody has stopped; not collective, cheap enough for every block.
  func tasksAreStopped() throws -> Bool
  /// Frees the sequence; collective.
  func endTasks() throws
}

/// A job on one rank.
public final class SerialRanks: Ranks {
  private var task = 0

  public init() {}
  public var rank: Int { 0 }
  public var count: Int { 1 }
  public func barrier(meanwhile: () throws -> Void) {}
  public func broadcast(_ bytes: [UInt8]) -> [UInt8] { bytes }
  public func gather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
  public func sum(_ values: [Int]) -> [Int] { values }
  public func largest(_ value: Int) -> Int { value }
  public func allGather(_ value: Int) -> [Int] { [value] }
  public func startTasks() { task = 0 }
  public func nextTask() -> Int {
    defer { task += 1 }
    return task
  }
  public func stopTasks() { task = Int.max / 2 }
  public func tasksAreStopped() -> Bool { task >= Int.max / 2 }
  public func endTasks() {}
}
