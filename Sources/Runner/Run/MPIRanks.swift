import MPI
import STEM

/// The ranks of an MPI job.
public final class MPIRanks: Ranks {
  public let communicator: Communicator
  public let pieceBytes: Int

  /// - Parameter pieceBytes: longer messages are cut
  public init(_ communicator: Communicator, pieceBytes: Int = Communicator.pieceBytes) {
    self.communicator = communicator
    self.pieceBytes = pieceBytes
  }

  public var rank: Int { communicator.rank }
  public var count: Int { communicator.size }
  public func barrier(meanwhile: () throws -> Void) throws { try communicator.barrier(meanwhile: meanwhile) }

  public func beginSend(_ bytes: UnsafeRawBufferPointer, to rank: Int, tag: Int) throws -> any TransferRequest {
    try communicator.startSend(bytes, to: rank, tag: tag)
  }
  public func beginReceive(
    _ bytes: UnsafeMutableRawBufferPointer, from rank: Int, tag: Int
  ) throws -> any TransferRequest {
    try communicator.startReceive(bytes, from: rank, tag: tag)
  }
  public func takeMessage(tag: Int) throws -> (from: Int, bytes: [UInt8])? { try communicator.takeMessage(tag: tag) }

  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws {
    try communicator.broadcast(bytes, from: root, pieceBytes: pieceBytes)
  }
  public func allGather(
    _ mine: UnsafeRawBufferPointer, counts: [Int], into all: UnsafeMutableRawBufferPointer
  ) throws {
    try communicator.allGather(mine, counts: counts, into: all, pieceBytes: pieceBytes)
  }
  public func combine(_ values: UnsafeMutableBufferPointer<Int64>, _ combination: IntegerCombination) throws {
    try communicator.allReduce(values, combination == .sum ? .sum : .maximum, pieceBytes: pieceBytes)
  }
}

extension Request: TransferRequest {}
