import Foundation
import STEM

/// Ranks that are threads of this process, for tests of what ranks tell each other.
final class ThreadRanks: Ranks {
  /// Runs `body` on as many ranks and returns what each of them gives, in their order.
  static func run<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (ThreadRanks) throws -> Value
  ) throws -> [Value] {
    let world = World(count)
    let results = Results<Value>(count)
    DispatchQueue.concurrentPerform(iterations: 1) { _ in
      let threads = (0..<count).map { rank in
        let thread = Thread { results.set(rank, Result { try body(ThreadRanks(world, rank)) }) }
        thread.start()
        return thread
      }
      while threads.contains(where: { !$0.isFinished }) { usleep(200) }
    }
    return try results.all()
  }

  /// What the ranks share.
  final class World: @unchecked Sendable {
    let count: Int
    private let lock = NSCondition()
    private var messages: [Int: [(from: Int, tag: Int, bytes: [UInt8])]] = [:]
    private var parts: [[UInt8]?]
    private var whole: [[UInt8]] = []
    private var round = 0

    init(_ count: Int) {
      self.count = count
      parts = Array(repeating: nil, count: count)
    }

    var messageCount: Int { lock.withLock { messages.values.reduce(0) { $0 + $1.count } } }

    func post(_ bytes: [UInt8], from: Int, to: Int, tag: Int) {
      lock.withLock { messages[to, default: []].append((from, tag, bytes)) }
    }

    func take(_ rank: Int, tag: Int) -> (from: Int, bytes: [UInt8])? {
      lock.withLock {
        guard let index = messages[rank]?.firstIndex(where: { $0.tag == tag }),
          let found = messages[rank]?.remove(at: index)
        else { return nil }
        return (found.from, found.bytes)
      }
    }

    /// Every rank's bytes, on every rank.
    func exchange(_ bytes: [UInt8], of rank: Int) -> [[UInt8]] {
      lock.lock()
      defer { lock.unlock() }
      parts[rank] = bytes
      let mine = round
      if parts.allSatisfy({ $0 != nil }) {
        whole = parts.map { $0! }
        parts = Array(repeating: nil, count: count)
        round += 1
        lock.broadcast()
      }
      while round == mine { lock.wait() }
      return whole
    }
  }

  private final class Results<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var found: [Result<Value, any Error>?]

    init(_ count: Int) { found = Array(repeating: nil, count: count) }
    func set(_ rank: Int, _ result: Result<Value, any Error>) { lock.withLock { found[rank] = result } }
    func all() throws -> [Value] { try lock.withLock { try found.map { try $0!.get() } } }
  }

  private final class Posted: Transfer {
    func isDone() -> Bool { true }
    func wait() {}
  }

  let world: World
  let rank: Int
  var count: Int { world.count }

  private init(_ world: World, _ rank: Int) { (self.world, self.rank) = (world, rank) }

  func barrier(meanwhile: () throws -> Void) { _ = world.exchange([], of: rank) }
  func broadcast(_ bytes: [UInt8]) -> [UInt8] { world.exchange(bytes, of: rank)[0] }
  func gather(_ bytes: [UInt8]) -> [[UInt8]] {
    let all = world.exchange(bytes, of: rank)
    return rank == 0 ? all : []
  }
  func sum(_ values: [Int]) -> [Int] { values.indices.map { index in all(values).reduce(0) { $0 + $1[index] } } }
  func largest(_ value: Int) -> Int { allGather(value).max() ?? value }
  func allGather(_ value: Int) -> [Int] { all([value]).map { $0[0] } }

  private func all(_ values: [Int]) -> [[Int]] {
    world.exchange(values.withUnsafeBytes { Array($0) }, of: rank).map { bytes in
      bytes.withUnsafeBytes { Array($0.bindMemory(to: Int.self)) }
    }
  }

  func startSend(_ bytes: [UInt8], to rank: Int, tag: Int) -> any Transfer {
    world.post(bytes, from: self.rank, to: rank, tag: tag)
    return Posted()
  }

  func takeMessage(tag: Int) -> (from: Int, bytes: [UInt8])? { world.take(rank, tag: tag) }
}
