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
  /// Begins to send a short message; not collective. Messages of one tag arrive in the order in which they were sent.
  func startSend(_ bytes: [UInt8], to rank: Int, tag: Int) throws -> any Transfer
  /// The oldest message with the tag that has arrived and was not taken yet; nil where there is none. Not collective.
  func takeMessage(tag: Int) throws -> (from: Int, bytes: [UInt8])?
}

/// A message under way. It owns its bytes until it is done, and must be waited for.
public protocol Transfer: AnyObject {
  /// Whether the message is on its way or there, so that nothing is left to be done here; does not wait.
  func isDone() throws -> Bool
  func wait() throws
}

/// A job on one rank.
public final class SerialRanks: Ranks {
  /// Messages to itself, by tag.
  private var messages: [Int: [[UInt8]]] = [:]

  public init() {}
  public var rank: Int { 0 }
  public var count: Int { 1 }
  public func barrier(meanwhile: () throws -> Void) {}
  public func broadcast(_ bytes: [UInt8]) -> [UInt8] { bytes }
  public func gather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
  public func sum(_ values: [Int]) -> [Int] { values }
  public func largest(_ value: Int) -> Int { value }
  public func allGather(_ value: Int) -> [Int] { [value] }
  public func startSend(_ bytes: [UInt8], to rank: Int, tag: Int) -> any Transfer {
    messages[tag, default: []].append(bytes)
    return DoneTransfer()
  }
  public func takeMessage(tag: Int) -> (from: Int, bytes: [UInt8])? {
    guard let oldest = messages[tag]?.first else { return nil }
    messages[tag]?.removeFirst()
    return (0, oldest)
  }
}

private final class DoneTransfer: Transfer {
  func isDone() -> Bool { true }
  func wait() {}
}
