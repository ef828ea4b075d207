import Testing

@testable import STEM

@Suite struct BuffersTests {
  @Test("a sum of squares keeps every bit that the values have")
  func doubleDouble() {
    // The squares of 10¹⁰ + i need 67 bits, their sum more; a double keeps 53.
    var squares = DoubleDouble.zero
    var exact: Int128 = 0
    for i in 0..<10_000 {
      let value = 10_000_000_000 + i
      squares.addSquare(Double(value))
      exact += Int128(value) * Int128(value)
    }
    #expect(Int128(squares.high) + Int128(squares.low) == exact)
    #expect(Int128(squares.high) != exact)
  }

  @Test("NaN wins in the largest and the smallest value, in any order")
  func nanWins() {
    for values in [[1, Float.nan, 2], [Float.nan, 5, 1], [3, 2, Float.nan]] {
      let largest = PixelMax<Float>(1, neutral: -.infinity)
      let smallest = PixelMin<Float>(1, neutral: .infinity)
      for value in values {
        withUnsafeBytes(of: value) { bytes in
          largest.combine(bytes)
          smallest.combine(bytes)
        }
      }
      #expect(largest.values[0].isNaN && smallest.values[0].isNaN)
    }
  }

  @Test("rows that nobody writes are missing, not zero")
  func rowsStartMissing() {
    let rows = Rows("map", width: 3, element: .float64)
    rows.prepare(rows: 2)
    rows.doubles(1)[0] = 4
    let values = Array(rows.bytes(rows: 2).bindMemory(to: Double.self))
    #expect(values.map(\.isNaN) == [true, true, true, false, true, true])
    rows.prepare(rows: 2)
    #expect(rows.doubles(1)[0].isNaN)
  }
}
