import STEM

/// Everything that ranks tell each other, tried on any implementation: the ranks check what they get.
public struct RanksExercise {
  public struct Failure: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
  }

  /// A complex number, as others have it.
  private struct Complex: BitwiseCopyable, Equatable {
    var real: Float
    var imaginary: Float
  }

  private let ranks: any Ranks

  public init(_ ranks: any Ranks) { self.ranks = ranks }

  /// Collective. Throws on a rank that found something wrong.
  /// - Returns: a line for each sum; the same for any number of ranks
  public func run() throws -> [String] {
    try messages()
    try collectives()
    try exchanges()
    return try sums()
  }

  private func expect(_ isTrue: Bool, _ what: String) throws {
    if !isTrue { throw Failure(description: "rank \(ranks.rank) of \(ranks.count): \(what)") }
  }

  /// Numbers that tell where they come from and where they go.
  private func values(_ from: Int, _ to: Int) -> [Int32] {
    let count = (from * 7 + to * 3) % 5 == 0 ? 0 : (from + 1) * 40 + to
    return (0..<count).map { Int32(from * 1_000_000 + to * 1000 + $0) }
  }

  private func messages() throws {
    let (next, previous) = ((ranks.rank + 1) % ranks.count, (ranks.rank + ranks.count - 1) % ranks.count)
    // Two tags, received in the other order; the second message is long.
    let first = try ranks.startSend([Complex(real: 1, imaginary: Float(ranks.rank))], to: next, tag: 3)
    let second = try ranks.startSend((0..<5000).map { Double($0 + ranks.rank) }, to: next, tag: 4)
    let none = try ranks.startSend([UInt8](), to: next, tag: 3)
    let long = try ranks.receive(5000, of: Double.self, from: previous, tag: 4)
    try expect(long == (0..<5000).map { Double($0 + previous) }, "a long message")
    let short = try ranks.receive(1, of: Complex.self, from: previous, tag: 3)
    try expect(short == [Complex(real: 1, imaginary: Float(previous))], "a short message")
    for _ in 0..<2 { try first.wait() }
    try second.wait()
    try expect(try none.isDone(), "a message without numbers is done")
    // Received before it is sent, by oneself too.
    let own = try ranks.startReceive(3, of: UInt8.self, from: ranks.rank, tag: 5)
    try ranks.send([7, 8, 9] as [UInt8], to: ranks.rank, tag: 5)
    try expect(try own.wait() == [7, 8, 9], "a message to oneself")
    try expect(try ranks.takeMessage(tag: 3) == nil, "nothing is left")
    let note = try ranks.startSend([UInt8(ranks.rank)], to: 0, tag: 6)
    if ranks.rank == 0 {
      var found: Set<Int> = []
      while found.count < ranks.count {
        guard let (from, bytes) = try ranks.takeMessage(tag: 6) else { continue }
        try expect(bytes == [UInt8(from)], "whose message it is")
        found.insert(from)
      }
    }
    try note.wait()
    try ranks.barrier()
  }

  private func collectives() throws {
    let everybody = 0..<ranks.count
    for root in everybody {
      let text = Array("rank \(root) tells \(String(repeating: "x", count: 300 * root))".utf8)
      try expect(try ranks.broadcast(ranks.rank == root ? text : [1], from: root) == text, "broadcast from \(root)")
      let gathered = try ranks.gather(values(ranks.rank, root), to: root)
      let expected = ranks.rank == root ? everybody.map { values($0, root) } : []
      try expect(gathered == expected, "gather to \(root)")
    }
    try expect(try ranks.broadcast([Double]()) == [], "broadcast of nothing")
    try expect(try ranks.allGather(values(ranks.rank, 1)) == everybody.map { values($0, 1) }, "allGather")
    try expect(try ranks.allGather(Float(ranks.rank)) == everybody.map { Float($0) }, "allGather of one")
    try expect(try ranks.allGather([Double]()) == everybody.map { _ in [] }, "allGather of nothing")
    let received = try ranks.allToAll(everybody.map { values(ranks.rank, $0) })
    try expect(received == everybody.map { values($0, ranks.rank) }, "allToAll")
    try expect(try ranks.allToAll(everybody.map { _ in [Double]() }) == everybody.map { _ in [] }, "allToAll, nothing")
    let many = (0..<300).map { $0 - ranks.rank }
    let total = ranks.count * (ranks.count - 1) / 2
    try expect(try ranks.sum(many) == (0..<300).map { $0 * ranks.count - total }, "sum of whole numbers")
    try expect(try ranks.largest(many) == Array(0..<300), "largest of whole numbers")
    try expect(try ranks.largest(-ranks.rank - 5) == -5, "largest of negative numbers")
  }

  private func exchanges() throws {
    // A ring, where the next and the previous one can be the same rank, or this one.
    let (next, previous) = ((ranks.rank + 1) % ranks.count, (ranks.rank + ranks.count - 1) % ranks.count)
    func halo(_ rank: Int, _ side: Int) -> [Double] { (0..<(100 * side + rank)).map { Double($0 * 10 + side + rank) } }
    // Down first on both sides: where two ranks exchange twice, messages meet in this order.
    let down = try ranks.exchange([(next, halo(ranks.rank, 1), 0), (previous, [], halo(previous, 1).count)])
    let up = try ranks.exchange([(previous, halo(ranks.rank, 2), 0), (next, [], halo(next, 2).count)])
    try expect(down[1] == halo(previous, 1) && up[1] == halo(next, 2), "exchange with neighbors")
    try expect(try ranks.exchange([(rank: Int, send: [Float], receive: Int)]()) == [], "exchange with nobody")
  }

  // MARK: sums

  /// Cells as every rank can make them.
  private func cell<Number: SummedNumber>(_ number: Int, _ count: Int, _ kind: Int) -> [Number] {
    var random = Random(number * 31 + kind)
    return (0..<count).map { place in
      let value = Number(Double.random(in: -1...1, using: &random))
      switch kind {
      case 0: return value
      // Magnitudes of all kinds, which cancel.
      case 1: return value * Number(sign: .plus, exponent: Number.Exponent(place % 40 - 20), significand: 1)
      case 2: return value * .leastNormalMagnitude
      case 3: return 0
      case 4: return number % 2 == 0 ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude
      default:
        let special: [Number] = [.infinity, -.infinity, .nan, -0.0, .leastNonzeroMagnitude, -.nan]
        return (place + number) % 11 < 6 && place % 3 != 0 ? special[(place / 3 + number / 20) % 6] : value
      }
    }
  }

  private func sums() throws -> [String] {
    var lines: [String] = []
    for (cellCount, count) in [(37, 200), (1, 10), (5, 1), (64, 3), (3, 0)] {
      for kind in 0...5 {
        lines.append("f32 \(cellCount) \(count) \(kind) " + (try digest(cellCount, count, kind, Float.self)))
        lines.append("f64 \(cellCount) \(count) \(kind) " + (try digest(cellCount, count, kind, Double.self)))
      }
    }
    let scalar = try ranks.sum(cells: own(20, dealt: true).map { (number: $0, value: 1 / Double($0 + 1)) })
    lines.append("scalar \(scalar)")
    return lines
  }

  /// Numbers of the cells of this rank: dealt out, or in stretches of unequal length.
  private func own(_ cellCount: Int, dealt: Bool) -> [Int] {
    (0..<cellCount).filter { cell in
      ranks.rank == (dealt ? (cell * 5 + 2) % ranks.count : min(ranks.count - 1, cell * cell / max(1, 3 * cellCount)))
    }
  }

  private func digest<Number: SummedNumber>(
    _ cellCount: Int, _ count: Int, _ kind: Int, _: Number.Type
  ) throws -> String {
    var exact: [[Number]] = []
    var ordered: [[Number]] = []
    for dealt in [true, false] {
      let cells = own(cellCount, dealt: dealt).reversed().map { SumCell<Number>($0, cell($0, count, kind)) }
      exact.append(try ranks.sum(cells: cells, of: count))
      ordered.append(try ranks.sumInOrder(cells: cells, cellCount: cellCount, of: count))
    }
    func bits(_ values: [Number]) -> [UInt64] { values.map { $0.asDouble.bitPattern } }
    try expect(bits(exact[0]) == bits(exact[1]), "who holds a cell shows in sum, kind \(kind)")
    try expect(bits(ordered[0]) == bits(ordered[1]), "who holds a cell shows in sumInOrder, kind \(kind)")
    try check(exact[0], ordered[0], cellCount, kind)
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for bits in bits(exact[0]) + bits(ordered[0]) { hash = (hash ^ bits) &* 0x100_0000_01b3 }
    return String(hash, radix: 16)
  }

  /// Both against a sum in higher precision where there is one.
  private func check<Number: SummedNumber>(
    _ exact: [Number], _ ordered: [Number], _ cellCount: Int, _ kind: Int
  ) throws {
    let cells: [[Number]] = (0..<cellCount).map { cell($0, exact.count, kind) }
    let finite = cells.joined().filter(\.isFinite)
    let largest = (finite.map { $0.magnitude.asDouble }.max() ?? 0)
    for place in exact.indices {
      let terms = cells.map { $0[place].asDouble }
      let plain = terms.reduce(0, +)
      guard terms.allSatisfy(\.isFinite) else {
        // Two infinities of different sign give NaN in every order.
        try expect("\(exact[place])" == "\(ordered[place])" && !exact[place].isFinite, "non-finite numbers")
        continue
      }
      // Sums that leave the range on the way may end anywhere.
      guard kind != 4 else { continue }
      let bound = terms.reduce(0) { $0 + $1.magnitude } * Number.ulpOfOne.asDouble * 8
      let resolution = largest * Double(cellCount * cellCount) * 0x1p-60
      let tiny = Number.leastNonzeroMagnitude.asDouble * Double(cellCount)
      try expect(abs(ordered[place].asDouble - plain) <= bound + tiny, "sumInOrder is accurate, kind \(kind)")
      try expect(
        abs(exact[place].asDouble - plain) <= bound + resolution + tiny,
        "sum is accurate, kind \(kind), \(exact[place])")
    }
  }
}
