/// The ranks of a job, as code that must not know MPI sees them.
///
/// What is declared here is the little that an implementation must do, with bytes; `Ranks+Messages`, `Ranks+Gather` and
/// `Ranks+Sums` build on it what others call, with arrays of numbers.
public protocol Ranks: AnyObject {
  /// The number of this rank, from 0.
  var rank: Int { get }
  /// How many ranks there are.
  var count: Int { get }
  /// Longer messages are cut into pieces of as many bytes; the same on all ranks, at least 16.
  var pieceBytes: Int { get }

  /// Returns once every rank has come; until then `meanwhile` is called again and again. Collective.
  func barrier(meanwhile: () throws -> Void) throws
  /// Begins to send at most `pieceBytes` bytes, which must stay where they are until the request is done. Messages from
  /// one rank to another with one tag arrive in the order in which they were sent. Not collective.
  /// - Parameter tag: 0 ... 32767
  func beginSend(_ bytes: UnsafeRawBufferPointer, to rank: Int, tag: Int) throws -> any TransferRequest
  /// Begins to receive a message of exactly as many bytes, at most `pieceBytes`. Not collective.
  func beginReceive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int, tag: Int) throws -> any TransferRequest
  /// The oldest message with the tag that has arrived and was not received yet; nil where there is none. At most
  /// `pieceBytes` long. Not collective.
  func takeMessage(tag: Int) throws -> (from: Int, bytes: [UInt8])?
  /// Fills `bytes` on every rank with those of `root`; the length is the same on all ranks. Collective.
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws
  /// Fills `all` on every rank with the bytes of all ranks, in their order. Collective.
  /// - Parameter counts: bytes of every rank
  func allGather(_ mine: UnsafeRawBufferPointer, counts: [Int], into all: UnsafeMutableRawBufferPointer) throws
  /// Replaces every number by the combination of all ranks' numbers at its place, on every rank. Collective.
  func combine(_ values: UnsafeMutableBufferPointer<Int64>, _ combination: IntegerCombination) throws
}

/// How whole numbers are combined; in each way, the order of the ranks cannot show.
public enum IntegerCombination: Sendable {
  /// With wrap-around.
  case sum
  case largest
}

/// A piece of a message under way.
public protocol TransferRequest: AnyObject {
  /// Whether nothing is left to be done; does not wait.
  func isDone() throws -> Bool
  /// Returns once nothing is left to be done.
  func wait() throws
}
