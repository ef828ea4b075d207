import STEM

/// A smooth surface over the scan for each of two maps at once: how the beam wanders over the detector while it scans
/// (descan).
public struct SurfaceFit: Sendable {
  public enum Order: String, Sendable, CaseIterable {
    case constant, plane, parabola

    var terms: Int { self == .constant ? 1 : self == .plane ? 3 : 6 }
  }

  /// What the coefficients belong to, in their order; y and x run from −1 to 1 over the scan (0 where it has one
  /// position along that axis).
  public static let terms = ["1", "y", "x", "y²", "yx", "x²"]

  public let scan: Shape
  /// One for each of `terms` up to the order [unit of the maps]; 0 for one that the positions cannot tell.
  public private(set) var coefficients = Pair([Double](), [Double]())
  /// Positions that were known but did not count.
  public private(set) var outliers = 0
  /// Positions that counted.
  public private(set) var positions = 0
  /// Root mean square of the distance between map and surface over the positions that counted.
  public private(set) var residual = 0.0

  /// Least squares over the positions where both maps are finite; `robust`: iteratively reweighted, first by the
  /// inverse distance, which is convex and so needs no start, then with Tukey's biweight of the distance (Beaton &
  /// Tukey, Technometrics 16 (1974) 147). Always the same bits for the same maps.
  /// - Parameters:
  ///   - y, x: the maps, row-major, `scan.count` values each
  /// - Returns: nil without a finite position.
  public init?(_ y: [Double], _ x: [Double], scan: Shape, order: Order, robust: Bool) {
    self.scan = scan
    let known = y.indices.filter { y[$0].isFinite && x[$0].isFinite }
    guard !known.isEmpty else { return nil }
    var problem = Weighted(known: known, y: known.map { y[$0] }, x: known.map { x[$0] }, scan: scan, terms: order.terms)
    coefficients = problem.solve()
    var distances = problem.distances(coefficients)
    if robust { (coefficients, distances) = problem.withoutOutliers(coefficients, distances) }
    var squares = 0.0
    for (distance, weight) in zip(distances, problem.weights) where weight > 0 {
      squares += distance * distance
      positions += 1
    }
    outliers = known.count - positions
    residual = (squares / Double(max(1, positions))).squareRoot()
  }

  /// The surface of one of the maps at every position, row-major.
  public func values(_ map: KeyPath<Pair<[Double]>, [Double]>) -> [Double] {
    let coefficients = coefficients[keyPath: map]
    return (0..<scan.count).map { position in
      let basis = basisOfSurface(position, scan)
      var sum = 0.0
      for (index, value) in coefficients.enumerated() { sum += value * basis[index] }
      return sum
    }
  }
}

/// The terms at a position.
@inline(__always) private func basisOfSurface(_ position: Int, _ scan: Shape) -> SIMD8<Double> {
  let y = scan.y > 1 ? 2 * Double(position / scan.x) / Double(scan.y - 1) - 1 : 0
  let x = scan.x > 1 ? 2 * Double(position % scan.x) / Double(scan.x - 1) - 1 : 0
  return SIMD8(1, y, x, y * y, y * x, x * x, 0, 0)
}

/// A weighted least-squares problem with two right-hand sides.
private struct Weighted {
  let known: [Int]
  let y: [Double]
  let x: [Double]
  let scan: Shape
  let terms: Int
  var weights: [Double]

  init(known: [Int], y: [Double], x: [Double], scan: Shape, terms: Int) {
    (self.known, self.y, self.x, self.scan, self.terms) = (known, y, x, scan, terms)
    weights = Array(repeating: 1, count: known.count)
  }

  /// The normal equations, summed in the order of the positions.
  func solve() -> Pair<[Double]> {
    var rows = Array(repeating: SIMD8<Double>(), count: terms)
    var right = (SIMD8<Double>(), SIMD8<Double>())
    for index in known.indices where weights[index] > 0 {
      let basis = basisOfSurface(known[index], scan), weighted = weights[index] * basis
      for term in 0..<terms { rows[term] += weighted[term] * basis }
      right.0 += weighted * y[index]
      right.1 += weighted * x[index]
    }
    let matrix = rows.map { row in (0..<terms).map { row[$0] } }
    let factor = Cholesky(matrix)
    return Pair(
      factor.solve((0..<terms).map { right.0[$0] }), factor.solve((0..<terms).map { right.1[$0] }))
  }

  func distances(_ coefficients: Pair<[Double]>) -> [Double] {
    var down = SIMD8<Double>(), across = SIMD8<Double>()
    for term in 0..<terms { (down[term], across[term]) = (coefficients.y[term], coefficients.x[term]) }
    return known.indices.map { index in
      let basis = basisOfSurface(known[index], scan)
      let a = y[index] - (down * basis).sum(), b = x[index] - (across * basis).sum()
      return (a * a + b * b).squareRoot()
    }
  }

  /// Leaves the final weights, 0 for outliers.
  mutating func withoutOutliers(_ start: Pair<[Double]>, _ distancesThere: [Double]) -> (Pair<[Double]>, [Double]) {
    var coefficients = start, distances = distancesThere
    for _ in 0..<12 {
      let least = 0.05 * selectedMedian(distances) + 1e-9
      weights = distances.map { 1 / max($0, least) }
      coefficients = solve()
      distances = self.distances(coefficients)
    }
    for _ in 0..<30 {
      // The median distance of normal errors in two dimensions is 1.1774 of their deviation along one.
      let reach = 4.685 * (selectedMedian(distances) / 1.1774 + 1e-9)
      weights = distances.map {
        let part = $0 / reach
        return part < 1 ? (1 - part * part) * (1 - part * part) : 0
      }
      let next = solve()
      let moved = zip(next.y + next.x, coefficients.y + coefficients.x).reduce(0) { max($0, abs($1.0 - $1.1)) }
      coefficients = next
      distances = self.distances(coefficients)
      if moved < 1e-9 { break }
    }
    return (coefficients, distances)
  }
}

/// The factor of a symmetric matrix. A column that depends on those before it is left out, and its unknown is 0.
struct Cholesky {
  private var lower: [[Double]]
  private var used: [Bool]

  init(_ matrix: [[Double]]) {
    let size = matrix.count
    lower = Array(repeating: Array(repeating: 0, count: size), count: size)
    used = Array(repeating: true, count: size)
    for i in 0..<size {
      for j in 0...i where used[j] || i == j {
        var sum = matrix[i][j]
        for k in 0..<j where used[k] { sum -= lower[i][k] * lower[j][k] }
        if i != j {
          lower[i][j] = sum / lower[j][j]
        } else if sum > 1e-10 * matrix[i][i] {
          lower[i][i] = sum.squareRoot()
        } else {
          used[i] = false
        }
      }
    }
  }

  /// Whether no column was left out.
  var isComplete: Bool { !used.contains(false) }

  func solve(_ right: [Double]) -> [Double] {
    let size = right.count
    var values = right
    for i in 0..<size where used[i] {
      for k in 0..<i where used[k] { values[i] -= lower[i][k] * values[k] }
      values[i] /= lower[i][i]
    }
    for i in (0..<size).reversed() where used[i] {
      for k in i + 1..<size where used[k] { values[i] -= lower[k][i] * values[k] }
      values[i] /= lower[i][i]
    }
    for i in 0..<size where !used[i] { values[i] = 0 }
    return values
  }
}

/// The middle of the sorted values, found without sorting (Hoare's selection); of an even number the upper one. 0 for
/// none.
public func selectedMedian(_ values: [Double]) -> Double {
  guard !values.isEmpty else { return 0 }
  var values = values
  let wanted = values.count / 2
  var low = 0, high = values.count - 1
  values.withUnsafeMutableBufferPointer { values in
    while low < high {
      let pivot = values[(low + high) / 2]
      var i = low, j = high
      while i <= j {
        while values[i] < pivot { i += 1 }
        while values[j] > pivot { j -= 1 }
        if i <= j {
          values.swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if wanted <= j { high = j } else if wanted >= i { low = i } else { break }
    }
  }
  return values[wanted]
}
