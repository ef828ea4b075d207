import STEM
import Testing

@Suite struct DenseArrayTests {
  @Test("a grid's values come as the grid or as a line, and in no other shape")
  func shapes() throws {
    for (y, x) in [(6, 8), (8, 6), (5, 5), (1, 7), (7, 1), (1, 1)] {
      let count = y * x, values = (0..<count).map(Double.init)
      for shape in [[y, x], [count], [count, 1], [1, count]] {
        #expect(try DenseArray(shape: shape, values: values).values(on: Shape(y, x), of: "the scan") == values)
      }
      for shape in [[], [x + 1, y + 1], [count + 1], [1, 1, count], [1, y, x], [y, x, 1]] {
        let array = DenseArray(shape: shape, values: Array(repeating: 0, count: shape.reduce(1, *)))
        #expect(throws: Problem.self) { try array.values(on: Shape(y, x), of: "the scan") }
      }
    }
    // The right number of values, but another grid.
    let turned = DenseArray(shape: [8, 6], values: Array(repeating: 0, count: 48))
    #expect {
      try turned.values(on: Shape(6, 8), of: "the scan", name: "m.npy")
    } throws: {
      ($0 as? Problem)?.code == .badData
        && "\($0)" == "m.npy has the shape 8 × 6, the scan 6 × 8; give an array of "
          + "6 × 8, 48, 48 × 1 or 1 × 48"
    }
    #expect(throws: Problem.self) {
      try DenseArray(shape: [6, 8], values: [0]).values(on: Shape(6, 8), of: "the scan")
    }
  }
}
