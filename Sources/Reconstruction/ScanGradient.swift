import STEM

/// Two components of a vector at every scan position, row-major: y down the rows, x along them. NaN: missing.
struct VectorMap: Sendable, Equatable {
  var shape: Shape
  var y: [Double]
  var x: [Double]

  init(_ shape: Shape, y: [Double], x: [Double]) {
    precondition(y.count == shape.count && x.count == shape.count, "a vector for every position")
    self.shape = shape
    self.y = y
    self.x = x
  }

  /// Each vector changed alone.
  func map(_ change: (Pair<Double>) -> Pair<Double>) -> VectorMap {
    var result = self
    for index in y.indices {
      let vector = change(Pair(y[index], x[index]))
      result.y[index] = vector.y
      result.x[index] = vector.x
    }
    return result
  }

  /// Whether both components are numbers.
  var isKnown: [Bool] { zip(y, x).map { $0.isFinite && $1.isFinite } }
}

/// Finite differences over scan positions, with the true distance of positions.
struct ScanGradient: Sendable {
  let shape: Shape
  /// Distance of neighboring positions.
  let step: Pair<Double>

  init(_ shape: Shape, step: Pair<Double>) {
    self.shape = shape
    self.step = step
  }

  /// Derivative from row to row: central where both neighbors are known, else one-sided, else NaN (also where the
  /// position itself is missing).
  func down(_ map: [Double]) -> [Double] { derivative(map, stride: shape.x, step: step.y) { $0 / shape.x } }

  /// Derivative from column to column, as `down`.
  func right(_ map: [Double]) -> [Double] { derivative(map, stride: 1, step: step.x) { $0 % shape.x } }

  /// ∂y v_y + ∂x v_x
  func divergence(_ vector: VectorMap) -> [Double] { zip(down(vector.y), right(vector.x)).map { $0 + $1 } }

  /// ∂x v_y − ∂y v_x, the component along z of the right-handed axes x (right), y (down), z (away from the source).
  func curl(_ vector: VectorMap) -> [Double] { zip(right(vector.y), down(vector.x)).map { $0 - $1 } }

  private func derivative(
    _ map: [Double], stride: Int, step: Double, _ coordinate: (Int) -> Int
  ) -> [Double] {
    let last = stride == 1 ? shape.x - 1 : shape.y - 1
    return map.indices.map { index in
      let place = coordinate(index), here = map[index]
      let before = place > 0 ? map[index - stride] : .nan, after = place < last ? map[index + stride] : .nan
      guard here.isFinite else { return .nan }
      if before.isFinite, after.isFinite { return (after - before) / (2 * step) }
      if after.isFinite { return (after - here) / step }
      return before.isFinite ? (here - before) / step : .nan
    }
  }

  /// Curl and divergence at the interior positions whose eight neighbors are known, in raster order: circulation and
  /// flux around the loop of the neighbors (Stokes, Gauss), sides by Simpson's rule, over its area.
  ///
  /// Plain central differences would see less of fine structure along the longer step, and so a curl where there is none.
  func interior(_ vector: VectorMap) -> (curl: [Double], divergence: [Double]) {
    var curl: [Double] = [], divergence: [Double] = []
    guard shape.y > 2, shape.x > 2 else { return ([], []) }
    let row = shape.x
    func side(_ map: [Double], _ middle: Int, _ next: Int) -> Double {
      (map[middle - next] + 4 * map[middle] + map[middle + next]) / 6
    }
    for i in 1..<shape.y - 1 {
      for j in 1..<shape.x - 1 {
        let p = i * row + j
        let c =
          (side(vector.y, p + 1, row) - side(vector.y, p - 1, row)) / (2 * step.x)
          - (side(vector.x, p + row, 1) - side(vector.x, p - row, 1)) / (2 * step.y)
        let d =
          (side(vector.y, p + row, 1) - side(vector.y, p - row, 1)) / (2 * step.y)
          + (side(vector.x, p + 1, row) - side(vector.x, p - 1, row)) / (2 * step.x)
        guard c.isFinite, d.isFinite else { continue }
        curl.append(c)
        divergence.append(d)
      }
    }
    return (curl, divergence)
  }
}
