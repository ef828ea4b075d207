import STEM

/// What the beam's deflections have in common over the scan.
enum Descan: String, ChoiceParameter { case none, constant, plane }

/// The mean deflection and its slopes over the scan.
struct DescanPlane: Sendable, Equatable {
  /// Mean over the known positions.
  let mean: Pair<Double>
  /// Of the plane at the middle of the scan.
  let offset: Pair<Double>
  /// From row to row.
  let slopeDown: Pair<Double>
  /// From column to column.
  let slopeRight: Pair<Double>
  /// Root mean square of the plane without its mean, and of what is left.
  let variation: Double
  let remainder: Double
  private let middle: Pair<Double>

  private static let rounds = 40

  /// Over the positions where `map` is known.
  /// - Parameter robust: least sum of the remainders' lengths instead of their squares, which strong deflections at a few
  ///   atoms pull less, by weights of 1/length: Holland & Welsch, Commun. Stat. A 6 (1977) 813
  init(_ map: VectorMap, robust: Bool = false) {
    middle = Pair(Double(map.shape.y - 1) / 2, Double(map.shape.x - 1) / 2)
    let positions = zip(map.isKnown.indices, map.isKnown).filter(\.1).map(\.0)
    var fit = PlaneFit()
    for index in positions { fit.add(Self.place(index, map, middle), 1) }
    var terms = fit.solve()
    let floor = 1e-3 * Self.sizes(map, positions, terms, middle).remainder
    for _ in 0..<(robust && floor > 0 ? Self.rounds : 0) {
      fit = PlaneFit()
      for index in positions {
        let place = Self.place(index, map, middle), rest = terms.rest(place)
        fit.add(place, 1 / max(floor, (rest.y * rest.y + rest.x * rest.x).squareRoot()))
      }
      terms = fit.solve()
    }
    (offset, slopeDown, slopeRight) = (terms.mean, terms.down, terms.right)
    let count = Double(max(1, positions.count))
    mean = Pair(
      positions.reduce(0) { $0 + map.y[$1] } / count, positions.reduce(0) { $0 + map.x[$1] } / count)
    (variation, remainder) = Self.sizes(map, positions, terms, middle)
  }

  private static func place(_ index: Int, _ map: VectorMap, _ middle: Pair<Double>) -> PlaneFit.Place {
    PlaneFit.Place(
      down: Double(index / map.shape.x) - middle.y, right: Double(index % map.shape.x) - middle.x,
      vector: Pair(map.y[index], map.x[index]))
  }

  private static func sizes(
    _ map: VectorMap, _ positions: [Int], _ terms: PlaneFit.Terms, _ middle: Pair<Double>
  ) -> (variation: Double, remainder: Double) {
    var (variation, remainder) = (0.0, 0.0)
    for index in positions {
      let place = place(index, map, middle), rest = terms.rest(place)
      let y = place.vector.y - rest.y - terms.mean.y, x = place.vector.x - rest.x - terms.mean.x
      variation += y * y + x * x
      remainder += rest.y * rest.y + rest.x * rest.x
    }
    let count = Double(max(1, positions.count))
    return ((variation / count).squareRoot(), (remainder / count).squareRoot())
  }

  func removed(_ descan: Descan, from map: VectorMap) -> VectorMap {
    switch descan {
    case .none: return map
    case .constant: return map.map { Pair($0.y - mean.y, $0.x - mean.x) }
    case .plane: break
    }
    var result = map
    for index in map.y.indices {
      let down = Double(index / map.shape.x) - middle.y, right = Double(index % map.shape.x) - middle.x
      result.y[index] -= offset.y + slopeDown.y * down + slopeRight.y * right
      result.x[index] -= offset.x + slopeDown.x * down + slopeRight.x * right
    }
    return result
  }
}

/// Weighted least squares of a plane for each component of a vector.
private struct PlaneFit {
  struct Place {
    var down: Double
    var right: Double
    var vector: Pair<Double>
  }

  struct Terms {
    var mean = Pair(0.0, 0.0)
    var down = Pair(0.0, 0.0)
    var right = Pair(0.0, 0.0)

    func rest(_ place: Place) -> Pair<Double> {
      Pair(
        place.vector.y - mean.y - down.y * place.down - right.y * place.right,
        place.vector.x - mean.x - down.x * place.down - right.x * place.right)
    }
  }

  private var weight = 0.0
  private var (down, right) = (0.0, 0.0)
  private var (downDown, downRight, rightRight) = (0.0, 0.0, 0.0)
  private var mean = Pair(0.0, 0.0)
  private var alongDown = Pair(0.0, 0.0)
  private var alongRight = Pair(0.0, 0.0)

  mutating func add(_ place: Place, _ w: Double) {
    weight += w
    down += w * place.down
    right += w * place.right
    downDown += w * place.down * place.down
    downRight += w * place.down * place.right
    rightRight += w * place.right * place.right
    mean = Pair(mean.y + w * place.vector.y, mean.x + w * place.vector.x)
    alongDown.y += w * place.down * place.vector.y
    alongDown.x += w * place.down * place.vector.x
    alongRight.y += w * place.right * place.vector.y
    alongRight.x += w * place.right * place.vector.x
  }

  /// Slopes along a direction in which the places do not extend are 0.
  func solve() -> Terms {
    guard weight > 0 else { return Terms() }
    let d = down / weight, r = right / weight
    let dd = downDown - weight * d * d, dr = downRight - weight * d * r, rr = rightRight - weight * r * r
    var terms = Terms()
    for part in [\Pair<Double>.y, \.x] {
      let average = mean[keyPath: part] / weight
      let v = alongDown[keyPath: part] - d * mean[keyPath: part]
      let h = alongRight[keyPath: part] - r * mean[keyPath: part]
      let determinant = dd * rr - dr * dr
      var (slopeDown, slopeRight) = (0.0, 0.0)
      if determinant > 1e-9 * dd * rr {
        (slopeDown, slopeRight) = ((rr * v - dr * h) / determinant, (dd * h - dr * v) / determinant)
      } else if dd > 1e-9 * downDown, dd >= rr {
        slopeDown = v / dd
      } else if rr > 1e-9 * rightRight {
        slopeRight = h / rr
      }
      terms.down[keyPath: part] = slopeDown
      terms.right[keyPath: part] = slopeRight
      terms.mean[keyPath: part] = average - slopeDown * d - slopeRight * r
    }
    return terms
  }
}
