import Testing

@testable import STEM

@Suite struct BuffersTests {
  @Test("a sum of squares that cancels keeps its small part")
  func doubleDouble() {
    // Values 1e8 and 1e8 + 1: the variance is 1/4, far below the rounding of 1e16.
    var sum = DoubleDouble.zero
    var squares = DoubleDouble.zero
    let count = 10_000.0
    for i in 0..<Int(count) {
      let value = 1e8 + Double(i % 2)
      sum.add(value)
      squares.addSquare(value)
    }
    let mean = sum.double / count
    // E[x²] − mean², with the leading parts cancelled first.
    let product = DoubleDouble(mean * mean * count, (-(mean * mean)).addingProduct(mean, mean) * count)
    let variance = ((squares.high - product.high) + (squares.low - product.low)) / count
    #expect(abs(variance - 0.25) < 1e-6)
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
    let rows = Rows("map", width: 3)
    rows.prepare(rows: 2)
    rows.doubles(1)[0] = 4
    let values = Array(rows.bytes(rows: 2).bindMemory(to: Double.self))
    #expect(values.map(\.isNaN) == [true, true, true, false, true, true])
    rows.prepare(rows: 2)
    #expect(rows.doubles(1)[0].isNaN)
  }
}
