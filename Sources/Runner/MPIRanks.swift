import MPI
import STEM

/// The ranks of an MPI job.
public final class MPIRanks: Ranks {
  public let communicator: Communicator
  private var counter: SharedCounter?

  public init(_ communicator: Communicator) { self.communicator = communicator }

  public var rank: Int { communicator.rank }
  public var count: Int { communicator.size }
  public func barrier() throws { try communicator.barrier() }
  public func broadcast(_ bytes: [UInt8]) throws -> [UInt8] { try communicator.broadcast(bytes) }
  public func gather(_ bytes: [UInt8]) throws -> [[UInt8]] { try communicator.gather(bytes) ?? [] }
  public func sum(_ values: [Int]) throws -> [Int] { try communicator.allReduce(values, .sum) }
  public func largest(_ value: Int) throws -> Int { try communicator.allReduce(value, .maximum) }

  public func allGather(_ value: Int) throws -> [Int] { try communicator.allGather(value) }

  public func startTasks() throws { counter = try SharedCounter(on: communicator) }
  public func nextTask() throws -> Int { try counter!.next() }
  public func stopTasks() throws { try counter!.stop() }
  public func tasksAreStopped() throws -> Bool { try counter!.isStopped() }
  public func endTasks() throws { try counter.take()?.close() }
}
