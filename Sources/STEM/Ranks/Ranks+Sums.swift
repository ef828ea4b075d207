/// A part of a sum, made by one rank in one order: the numbers of a cell. Cells follow from the data (leaves of positions,
/// tiles of an object), never from the number of ranks.
public struct SumCell<Number: SummedNumber> {
  /// From 0; no two cells of all ranks have the same.
  public var number: Int
  /// As many as in all cells; complex ones as pairs (real, imaginary).
  public var values: [Number]

  public init(_ number: Int, _ values: [Number]) { (self.number, self.values) = (number, values) }
}

/// `Float` and `Double`.
public protocol SummedNumber: BinaryFloatingPoint, BitwiseCopyable, Sendable {
  init(_ value: Double)
  var asDouble: Double { get }
}

extension Float: SummedNumber { public var asDouble: Double { Double(self) } }
extension Double: SummedNumber { public var asDouble: Double { self } }

extension Ranks {
  /// The sum of all ranks' cells, place by place, on all ranks. Its bits depend on the cells, not on the number of ranks nor
  /// on who holds what. Collective.
  ///
  /// Every number is rounded once, to a multiple of 2^(b − 61) of the largest magnitude, where 2^b is not less than the
  /// number of cells; then whole numbers are added, which is exact. Numbers far smaller than the largest one keep fewer
  /// digits: `sumInOrder` does not have that limit, and costs more with many cells. An infinity or NaN gives what it gives
  /// in any sum. See docs/decisions/0018-sums-over-ranks.md.
  /// - Parameters:
  ///   - cells: those of this rank, any part of them, in any order; a rank can have none
  ///   - count: of the numbers in each cell, the same on all ranks
  public func sum<Number: SummedNumber>(cells: [SumCell<Number>], of count: Int) throws -> [Number] {
    let (largest, cellCount, isFinite) = try scan(cells)
    let scale = FixedPoint(largest: largest, terms: cellCount)
    var total = [Int64](repeating: 0, count: count)
    for cell in cells { scale.add(cell.values, to: &total) }
    try total.withUnsafeMutableBufferPointer { try combine($0, .sum) }
    var result = total.map { Number(scale.value($0)) }
    if !isFinite { try markNonFinite(cells, &result) }
    return result
  }

  /// The sum of all ranks' numbers, each of which is a cell of its own.
  public func sum<Number: SummedNumber>(cells: [(number: Int, value: Number)]) throws -> Number {
    try sum(cells: cells.map { SumCell($0.number, [$0.value]) }, of: 1)[0]
  }

  /// The largest finite magnitude and the number of cells of all ranks, and whether all numbers are finite.
  private func scan<Number: SummedNumber>(_ cells: [SumCell<Number>]) throws -> (Double, Int, Bool) {
    let parts = cells.map { largestMagnitude($0.values) }
    let largest = parts.map(\.0).max() ?? 0
    // Magnitudes are in the order of their bits.
    let found = try self.largest([Int(largest.bitPattern), parts.allSatisfy(\.isFinite) ? 0 : 1])
    return (Double(bitPattern: UInt64(found[0])), try sum([cells.count])[0], found[1] == 0)
  }

  /// Puts NaN and infinities where cells have them.
  private func markNonFinite<Number: SummedNumber>(_ cells: [SumCell<Number>], _ result: inout [Number]) throws {
    // How many ranks have +∞, -∞ and NaN at a place, in 20 bits each.
    let (positive, negative, undefined) = (Int64(1), Int64(1) << 20, Int64(1) << 40)
    var codes = [Int64](repeating: 0, count: result.count)
    for cell in cells {
      for (place, value) in cell.values.enumerated() where !value.isFinite {
        codes[place] |= value.isNaN ? undefined : value < 0 ? negative : positive
      }
    }
    try codes.withUnsafeMutableBufferPointer { try combine($0, .sum) }
    for (place, code) in codes.enumerated() where code != 0 {
      result[place] = code < negative ? .infinity : code % negative == 0 && code < undefined ? -.infinity : .nan
    }
  }

  /// The sum of all ranks' cells as `sum(cells:of:)`, but each addition rounds as in any sum: cells are combined along one
  /// binary tree over their numbers. Each rank combines a slice of all cells, then the slices are exchanged.
  /// - Parameters:
  ///   - cellCount: of all ranks; numbers of cells are below
  ///   - count: of the numbers in each cell, the same on all ranks
  public func sumInOrder<Number: SummedNumber>(
    cells: [SumCell<Number>], cellCount: Int, of count: Int
  ) throws -> [Number] {
    let own = cells.sorted { $0.number < $1.number }
    let numbers = try allGather(own.map(\.number))
    // As much at a time as keeps what a rank receives near 64 MiB.
    let bytes = MemoryLayout<Number>.stride * max(1, cellCount)
    let most = max(1, (64 << 20) / bytes) * self.count
    var result: [Number] = []
    result.reserveCapacity(count)
    for start in stride(from: 0, to: count, by: most) {
      result += try sumInOrder(own, numbers, cellCount, start..<min(start + most, count))
    }
    return result
  }

  /// - Parameters:
  ///   - numbers: of the cells of every rank
  ///   - places: the part of all cells that is summed
  private func sumInOrder<Number: SummedNumber>(
    _ own: [SumCell<Number>], _ numbers: [[Int]], _ cellCount: Int, _ places: Range<Int>
  ) throws -> [Number] {
    let bounds = (0...count).map { places.lowerBound + places.count * $0 / count }
    let slice = bounds[rank + 1] - bounds[rank]
    let parts = (0..<count).map { other in own.flatMap { $0.values[bounds[other]..<bounds[other + 1]] } }
    let received = try allToAll(parts, receiving: numbers.map { $0.count * slice })
    var slices: [Int: [Number]] = [:]
    for (list, values) in zip(numbers, received) {
      for (index, number) in list.enumerated() { slices[number] = Array(values[index * slice..<(index + 1) * slice]) }
    }
    let mine = Self.combine(0..<cellCount, &slices) ?? Array(repeating: 0, count: slice)
    return try allGather(mine, counts: (0..<count).map { bounds[$0 + 1] - bounds[$0] })
  }

  private static func combine<Number: SummedNumber>(_ cells: Range<Int>, _ slices: inout [Int: [Number]]) -> [Number]? {
    guard cells.count > 1 else { return cells.first.flatMap { slices.removeValue(forKey: $0) } }
    let middle = cells.lowerBound + cells.count / 2
    guard var left = combine(cells.lowerBound..<middle, &slices) else {
      return combine(middle..<cells.upperBound, &slices)
    }
    guard let right = combine(middle..<cells.upperBound, &slices) else { return left }
    addNumbers(right, to: &left)
    return left
  }
}

// What takes time is made for both types: code of other rooms would otherwise run it as code for any type.

/// The largest finite magnitude, and whether all numbers are finite.
@_specialize(where Number == Float)
@_specialize(where Number == Double)
private func largestMagnitude<Number: SummedNumber>(_ values: [Number]) -> (Double, isFinite: Bool) {
  var largest = Number.zero
  var isFinite = true
  for value in values {
    let magnitude = value.magnitude
    if magnitude <= .greatestFiniteMagnitude {
      largest = magnitude > largest ? magnitude : largest
    } else {
      isFinite = false
    }
  }
  return (largest.asDouble, isFinite)
}

@_specialize(where Number == Float)
@_specialize(where Number == Double)
private func addNumbers<Number: SummedNumber>(_ right: [Number], to left: inout [Number]) {
  for place in left.indices {
    let sum = left[place] + right[place]
    // Which of two NaN is kept is the compiler's choice.
    left[place] = sum == sum ? sum : .nan
  }
}

/// Numbers as whole multiples of a power of two, so small that as many as there are add up without overflow.
struct FixedPoint {
  private let exponent: Int
  // A power of two beyond the range of Double is applied in two steps.
  private let up: (Double, Double)
  private let down: (Double, Double)

  /// - Parameters:
  ///   - largest: magnitude of all terms
  ///   - terms: most that are added in one place
  init(largest: Double, terms: Int) {
    // |term| < 2^top, the sum of all < 2^(top + bits): it must stay below 2^62.
    let top = largest == 0 ? 0 : Int(largest.exponent) + 1
    let bits = Int.bitWidth - max(0, terms - 1).leadingZeroBitCount
    exponent = 62 - bits - top
    func powers(_ exponent: Int) -> (Double, Double) {
      let first = exponent / 2
      let second = exponent - first
      return (
        Double(sign: .plus, exponent: first, significand: 1), Double(sign: .plus, exponent: second, significand: 1)
      )
    }
    up = powers(exponent)
    down = powers(-exponent)
  }

  @_specialize(where Number == Float)
  @_specialize(where Number == Double)
  func add<Number: SummedNumber>(_ values: [Number], to total: inout [Int64]) {
    total.withUnsafeMutableBufferPointer { total in
      values.withUnsafeBufferPointer { values in
        for place in values.indices {
          let scaled = values[place].asDouble * up.0 * up.1
          let magnitude = abs(scaled)
          // From 2^52 on there are whole numbers only; below, this addition rounds to the nearest one, ties to even.
          let whole = magnitude < 0x1p52 ? (magnitude + 0x1p52) - 0x1p52 : magnitude
          // False for NaN and infinities.
          if magnitude <= 0x1p62 { total[place] &+= Int64(scaled < 0 ? -whole : whole) }
        }
      }
    }
  }

  func value(_ total: Int64) -> Double { Double(total) * down.0 * down.1 }
}
