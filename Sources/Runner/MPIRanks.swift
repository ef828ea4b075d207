import MPI
import STEM

/// The ranks of an MPI job.
public final class MPIRanks: Ranks {
  public let communicator: Communicator

  public init(_ communicator: Communicator) { self.communicator = communicator }

  public var rank: Int { communicator.rank }
  public var count: Int { communicator.size }
  public func barrier(meanwhile: () throws -> Void) throws { try communicator.barrier(meanwhile: meanwhile) }
  public func broadcast(_ bytes: [UInt8]) throws -> [UInt8] { try communicator.broadcast(bytes) }
  public func gather(_ bytes: [UInt8]) throws -> [[UInt8]] { try communicator.gather(bytes) ?? [] }
  public func sum(_ values: [Int]) throws -> [Int] { try communicator.allReduce(values, .sum) }
  public func largest(_ value: Int) throws -> Int { try communicator.allReduce(value, .maximum) }

  public func allGather(_ value: Int) throws -> [Int] { try communicator.allGather(value) }

  public func startSend(_ bytes: [UInt8], to rank: Int, tag: Int) throws -> any Transfer {
    try communicator.startSend(bytes, to: rank, tag: tag)
  }
  public func takeMessage(tag: Int) throws -> (from: Int, bytes: [UInt8])? { try communicator.takeMessage(tag: tag) }
}

extension Message: Transfer {}
