import Foundation
import STEM

/// Ranks that are threads of this process, for tests of what ranks tell each other.
final class ThreadRanks: Ranks {
  /// Runs `body` on as many ranks and returns what each of them gives, in their order.
  static func run<Value: Sendable>(
    _ count: Int, pieceBytes: Int = 1 << 30, _ body: @escaping @Sendable (ThreadRanks) throws -> Value
  ) throws -> [Value] {
    let world = World(count)
    let results = Results<Value>(count)
    let threads = (0..<count).map { rank in
      Thread { results.set(rank, Result { try body(ThreadRanks(world, rank, pieceBytes)) }) }
    }
    for thread in threads { thread.start() }
    while threads.contains(where: { !$0.isFinished }) { usleep(200) }
    return try results.all()
  }

  /// What the ranks share.
  final class World: @unchecked Sendable {
    let count: Int
    private let lock = NSCondition()
    private var messages: [Int: [(from: Int, tag: Int, bytes: [UInt8])]] = [:]
    /// By receiver, sender and tag.
    private var expected: [[Int]: Int] = [:]
    private var received: [[Int]: [[UInt8]]] = [:]
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

    /// The number of a reception among those of the same two ranks and tag.
    func expect(_ rank: Int, _ from: Int, _ tag: Int) -> Int {
      lock.withLock {
        expected[[rank, from, tag], default: 0] += 1
        return expected[[rank, from, tag]]! - 1
      }
    }

    func take(_ rank: Int, _ from: Int, _ tag: Int, _ ticket: Int) -> [UInt8]? {
      lock.withLock {
        let key = [rank, from, tag]
        while let index = messages[rank]?.firstIndex(where: { $0.from == from && $0.tag == tag }) {
          received[key, default: []].append(messages[rank]!.remove(at: index).bytes)
        }
        return received[key].flatMap { ticket < $0.count ? $0[ticket] : nil }
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

  /// A send, which is done at once, or a place for a message that comes.
  private final class Reception: TransferRequest {
    private let world: World
    private let take: (() -> Bool)?
    private var isReceived = false

    init(_ world: World, _ take: (() -> Bool)? = nil) { (self.world, self.take) = (world, take) }

    func isDone() -> Bool {
      if let take, !isReceived { isReceived = take() }
      return take == nil || isReceived
    }
    func wait() { while !isDone() { usleep(20) } }
  }

  let world: World
  let rank: Int
  let pieceBytes: Int
  var count: Int { world.count }

  private init(_ world: World, _ rank: Int, _ pieceBytes: Int) {
    (self.world, self.rank, self.pieceBytes) = (world, rank, pieceBytes)
  }

  func barrier(meanwhile: () throws -> Void) { _ = world.exchange([], of: rank) }

  func beginSend(_ bytes: UnsafeRawBufferPointer, to rank: Int, tag: Int) -> any TransferRequest {
    precondition(bytes.count <= pieceBytes)
    world.post(Array(bytes), from: self.rank, to: rank, tag: tag)
    return Reception(world)
  }

  /// Receptions of one tag and rank are waited for in the order in which they begin.
  func beginReceive(_ bytes: UnsafeMutableRawBufferPointer, from: Int, tag: Int) -> any TransferRequest {
    precondition(bytes.count <= pieceBytes)
    let ticket = world.expect(rank, from, tag)
    return Reception(world) { [world, rank] in
      guard let message = world.take(rank, from, tag, ticket) else { return false }
      bytes.copyBytes(from: message)
      return true
    }
  }

  func takeMessage(tag: Int) -> (from: Int, bytes: [UInt8])? { world.take(rank, tag: tag) }

  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {
    let all = world.exchange(rank == root ? Array(bytes) : [], of: rank)
    bytes.copyBytes(from: all[root])
  }

  func allGather(_ mine: UnsafeRawBufferPointer, counts: [Int], into all: UnsafeMutableRawBufferPointer) {
    let parts = world.exchange(Array(mine), of: rank)
    precondition(parts.map(\.count) == counts)
    all.copyBytes(from: parts.joined())
  }

  func combine(_ values: UnsafeMutableBufferPointer<Int64>, _ combination: IntegerCombination) {
    let parts = world.exchange(Array(UnsafeRawBufferPointer(values)), of: rank)
    for place in values.indices {
      let all = parts.map { part in part.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8 * place, as: Int64.self) }
      }
      values[place] = combination == .sum ? all.reduce(0, &+) : all.max()!
    }
  }
}
