import MPI
import STEM

/// The ranks of an MPI job.
public final class MPIRanks: Ranks {
  public let communicator: Communicator
  /// How tasks are handed out from the next `startTasks` on.
  public var scheduling = Scheduling.dynamic
  private var counter: SharedCounter?
  /// The next task of this rank, where nothing is shared.
  private var ownTask = 0

  public init(_ communicator: Communicator) { self.communicator = communicator }

  public var rank: Int { communicator.rank }
  public var count: Int { communicator.size }
  public func barrier(meanwhile: () throws -> Void) throws { try communicator.barrier(meanwhile: meanwhile) }
  public func broadcast(_ bytes: [UInt8]) throws -> [UInt8] { try communicator.broadcast(bytes) }
  public func gather(_ bytes: [UInt8]) throws -> [[UInt8]] { try communicator.gather(bytes) ?? [] }
  public func sum(_ values: [Int]) throws -> [Int] { try communicator.allReduce(values, .sum) }
  public func largest(_ value: Int) throws -> Int { try communicator.allReduce(value, .maximum) }

  public func allGather(_ value: Int) throws -> [Int] { try communicator.allGather(value) }

  public func startTasks() throws {
    counter = try SharedCounter(on: communicator)
    ownTask = rank
  }

  public func nextTask() throws -> Int {
    guard scheduling == .static else { return try counter!.next() }
    defer { ownTask += count }
    return ownTask
  }

  public func stopTasks() throws { try counter!.stop() }
  public func tasksAreStopped() throws -> Bool { try counter!.isStopped() }
  public func endTasks() throws { try counter.take()?.close() }
}
