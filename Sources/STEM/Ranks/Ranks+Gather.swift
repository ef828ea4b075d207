/// Collective calls with arrays of numbers. Lengths may differ from rank to rank, and may be 0.
extension Ranks {
  /// Returns once every rank has come.
  public func barrier() throws { try barrier {} }

  /// The numbers of `root`, on every rank; what the others give is ignored.
  public func broadcast<Number: BitwiseCopyable>(_ values: [Number], from root: Int = 0) throws -> [Number] {
    var count = [rank == root ? values.count : 0]
    try count.withUnsafeMutableBytes { try broadcast($0, from: root) }
    return try [Number](unsafeUninitializedCapacity: count[0]) { buffer, filled in
      if rank == root { _ = buffer.initialize(from: values) }
      let bytes = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<count[0]]))
      if !bytes.isEmpty { try broadcast(bytes, from: root) }
      filled = count[0]
    }
  }

  /// Every rank's numbers in the order of the ranks, on `root`; empty elsewhere.
  public func gather<Number: BitwiseCopyable>(_ values: [Number], to root: Int = 0) throws -> [[Number]] {
    let counts = try allGather(values.count)
    let sending = try startSend(values, to: root, tag: RankTag.gather)
    var all: [[Number]] = []
    if rank == root {
      let receiving = try (0..<count).map {
        try startReceive(counts[$0], of: Number.self, from: $0, tag: RankTag.gather)
      }
      all = try receiving.map { try $0.wait() }
    }
    try sending.wait()
    return all
  }

  /// Every rank's numbers in the order of the ranks, on all ranks.
  public func allGather<Number: BitwiseCopyable>(_ values: [Number]) throws -> [[Number]] {
    let counts = try allGather(values.count)
    let whole = try allGather(values, counts: counts)
    var start = 0
    return counts.map { count in
      defer { start += count }
      return Array(whole[start..<start + count])
    }
  }

  /// Every rank's number in the order of the ranks, on all ranks.
  public func allGather<Number: BitwiseCopyable>(_ value: Number) throws -> [Number] {
    try allGather([value], counts: Array(repeating: 1, count: count))
  }

  /// Every rank's numbers one after the other, on all ranks, where all know how many each has.
  func allGather<Number: BitwiseCopyable>(_ values: [Number], counts: [Int]) throws -> [Number] {
    let total = counts.reduce(0, +), size = MemoryLayout<Number>.stride
    return try [Number](unsafeUninitializedCapacity: total) { buffer, filled in
      let all = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<total]))
      try values.withUnsafeBytes { try allGather($0, counts: counts.map { $0 * size }, into: all) }
      filled = total
    }
  }

  /// What every rank has for this one, in the order of the ranks.
  /// - Parameter parts: what this rank has for each rank
  public func allToAll<Number: BitwiseCopyable>(_ parts: [[Number]]) throws -> [[Number]] {
    let counts = try allToAll(parts.map { [$0.count] }, receiving: Array(repeating: 1, count: count))
    return try allToAll(parts, receiving: counts.map { $0[0] })
  }

  /// As `allToAll`, where every rank knows how many numbers each of the others has for it.
  public func allToAll<Number: BitwiseCopyable>(_ parts: [[Number]], receiving counts: [Int]) throws -> [[Number]] {
    precondition(parts.count == count && counts.count == count, "one part for each rank")
    // Begins at another rank on each rank, so that not all send to the same one.
    let order = (0..<count).map { (rank + $0) % count }
    let received = try swap(order.map { ($0, parts[$0], counts[$0]) }, tag: RankTag.allToAll)
    return (0..<count).map { received[($0 - rank + count) % count] }
  }

  /// The sums of all ranks' numbers, place by place, on all ranks; with wrap-around.
  public func sum(_ values: [Int]) throws -> [Int] { try combine(values, .sum) }

  /// The largest of all ranks' numbers, place by place, on all ranks.
  public func largest(_ values: [Int]) throws -> [Int] { try combine(values, .largest) }

  /// The largest of all ranks' numbers, on all ranks.
  public func largest(_ value: Int) throws -> Int { try combine([value], .largest)[0] }

  private func combine(_ values: [Int], _ combination: IntegerCombination) throws -> [Int] {
    var result = values.map { Int64($0) }
    try result.withUnsafeMutableBufferPointer { try combine($0, combination) }
    return result.map { Int($0) }
  }
}
