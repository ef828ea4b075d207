import Foundation
import STEM
import TestSupport
import Testing

@testable import Engine
@testable import Runner

@Suite struct TaskQueueTests {
  /// What a rank did: its tasks, and whether it found the queue stopped at the end.
  private struct Share: Sendable {
    var tasks: [Int] = []
    var isStopped = false
  }

  /// - Parameters:
  ///   - work: what a rank does of a task; an error stops the queue, as in a pass
  ///   - isInterrupted: on a rank, after so many tasks of its own
  private func share(
    ranks: Int, tasks: Int, _ scheduling: Scheduling = .dynamic,
    isInterrupted: @escaping @Sendable (_ rank: Int, _ done: Int) -> Bool = { _, _ in false },
    work: @escaping @Sendable (_ rank: Int, _ task: Int) throws -> Void
  ) throws -> [Share] {
    try ThreadRanks.run(ranks) { ranks in
      var share = Share()
      let queue = try TaskQueue(ranks, count: tasks, scheduling) { isInterrupted(ranks.rank, share.tasks.count) }
      do {
        while let task = try queue.next() {
          if task % 2 == 0 { try queue.expectNext() }
          try work(ranks.rank, task)
          share.tasks.append(task)
          if try queue.checkStop() { break }
        }
      } catch is Problem { try queue.stop() }
      try queue.finish()
      share.isStopped = queue.isStopped
      ranks.barrier {}
      #expect(ranks.world.messageCount == 0)
      return share
    }
  }

  @Test(
    "every task goes to one rank, and the first of each rank has its number", arguments: [1, 2, 3, 8], [0, 1, 3, 200])
  func everyTaskOnce(ranks: Int, tasks: Int) throws {
    var random = Random(ranks * 1000 + tasks)
    let pauses = (0..<tasks).map { _ in UInt32.random(in: 0...300, using: &random) }
    for scheduling in Scheduling.allCases {
      let shares = try share(ranks: ranks, tasks: tasks, scheduling) { _, task in usleep(pauses[task]) }
      #expect(shares.flatMap(\.tasks).sorted() == Array(0..<tasks))
      for (rank, share) in shares.enumerated() {
        #expect(share.tasks.first == (rank < tasks ? rank : nil))
        #expect(share.tasks == share.tasks.sorted() && !share.isStopped)
        if scheduling == .static { #expect(share.tasks.allSatisfy { $0 % ranks == rank }) }
      }
    }
  }

  @Test("a rank that is busy for long leaves the tasks to the others", arguments: [1, 2])
  func busyRank(slow: Int) throws {
    let shares = try share(ranks: 3, tasks: 60) { rank, _ in usleep(rank == slow ? 60_000 : 1000) }
    #expect(shares.flatMap(\.tasks).sorted() == Array(0..<60))
    #expect(shares[slow].tasks.count < 6, "\(shares)")
  }

  @Test("rank 0 that is busy delays the others by one task at most")
  func busyFirst() throws {
    let shares = try share(ranks: 3, tasks: 60) { rank, _ in usleep(rank == 0 ? 20_000 : 1000) }
    #expect(shares.flatMap(\.tasks).sorted() == Array(0..<60))
  }

  @Test("a rank that fails ends the queue for all", arguments: [0, 1, 2], Scheduling.allCases)
  func failure(rank: Int, scheduling: Scheduling) throws {
    let shares = try share(ranks: 3, tasks: 100_000, scheduling) { mine, task in
      if mine == rank, task > 50 { throw Problem(.inputOutput, "task \(task) fails") }
      usleep(50)
    }
    #expect(shares.allSatisfy { $0.isStopped && $0.tasks.count < 50_000 })
  }

  @Test("a wish to stop on one rank ends the queue for all, also where that rank has no work", arguments: [0, 1, 2])
  func interruption(rank: Int) throws {
    for tasks in [2, 100_000] {
      let began = ContinuousClock.now
      // The third rank has none of two tasks: it is interrupted while it waits for those who work.
      let shares = try share(
        ranks: 3, tasks: tasks,
        isInterrupted: { mine, done in
          mine == rank && (done > 5 || tasks == 2 && ContinuousClock.now - began > .milliseconds(20))
        }, work: { _, _ in usleep(tasks == 2 ? 100_000 : 50) })
      #expect(shares.allSatisfy { $0.isStopped && $0.tasks.count < 50_000 }, "\(tasks)")
    }
  }

  @Test("whenever a stop comes, all ranks agree in the end whether it came in time")
  func agreement() throws {
    for seed in 0..<60 {
      let stops = ContinuousClock.now + .microseconds(40 * seed)
      let shares = try share(
        ranks: 4, tasks: 12, isInterrupted: { rank, _ in rank == seed % 4 && ContinuousClock.now > stops },
        work: { _, _ in usleep(100) })
      #expect(Set(shares.map(\.isStopped)).count == 1)
      #expect(shares[0].isStopped || shares.flatMap(\.tasks).count == 12)
    }
  }

  @Test("queues follow each other: none takes what belongs to the next")
  func sequence() throws {
    let all = try ThreadRanks.run(3) { ranks in
      try (0..<50).map { round in
        let queue = try TaskQueue(ranks, count: 5 + round) { false }
        var tasks: [Int] = []
        while let task = try queue.next() { tasks.append(task) }
        try queue.finish()
        return tasks
      }
    }
    for round in 0..<50 { #expect(all.flatMap { $0[round] }.sorted() == Array(0..<5 + round)) }
  }
}
