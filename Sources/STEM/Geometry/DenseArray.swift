/// A dense array read from a file, row-major.
public struct DenseArray: Sendable {
  public var shape: [Int]
  public var values: [Double]

  public init(shape: [Int], values: [Double]) {
    self.shape = shape
    self.values = values
  }

  /// `64 × 64`
  public var shapeText: String { Self.text(shape) }

  private static func text(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: " × ") }
}

extension DenseArray {
  /// One value for each place of a grid (the positions of a scan, the pixels of a detector), row-major.
  ///
  /// Fits an array [y, x], and a line of y · x values with or without an axis of length 1: results hold a map as
  /// positions × 1 and a pattern as 1 × pixels. Throws `Problem` for any other shape.
  /// - Parameters:
  ///   - owner: what has the grid: `the detector`
  ///   - name: what the user calls the array
  public func values(on grid: Shape, of owner: String, name: String = "the array") throws(Problem) -> [Double] {
    let shapes = [[grid.y, grid.x], [grid.count], [grid.count, 1], [1, grid.count]]
    guard shapes.contains(shape), values.count == grid.count else {
      let allowed = shapes.map(Self.text)
      throw Problem(
        .badData,
        "\(name) has the shape \(shapeText), \(owner) \(grid.text); give an array of "
          + "\(allowed.dropLast().joined(separator: ", ")) or \(allowed.last!)")
    }
    return values
  }
}
