import STEM

/// What the beam's deflections have in common over the scan.
enum Descan: String, Sendable, CaseIterable { case none, constant, plane }

/// The mean deflection and its slopes over the scan, by least squares over the known positions.
struct DescanPlane: Sendable, Equatable {
  /// At the scan's mean position.
  let mean: Pair<Double>
  /// From row to row.
  let slopeDown: Pair<Double>
  /// From column to column.
  let slopeRight: Pair<Double>
  /// Root mean square of the plane without its mean, and of what is left.
  let variation: Double
  let remainder: Double
  private let middle: Pair<Double>

  init(_ map: VectorMap) {
    let known = map.isKnown
    var count = 0.0
    var place = Pair(0.0, 0.0), mean = Pair(0.0, 0.0)
    let positions = map.y.indices.filter { known[$0] }
    for index in positions {
      count += 1
      place.y += Double(index / map.shape.x)
      place.x += Double(index % map.shape.x)
      mean.y += map.y[index]
      mean.x += map.x[index]
    }
    middle = Pair(place.y / count, place.x / count)
    self.mean = Pair(mean.y / count, mean.x / count)
    var (dd, dr, rr) = (0.0, 0.0, 0.0)
    var y = Pair(0.0, 0.0), x = Pair(0.0, 0.0)
    for index in positions {
      let down = Double(index / map.shape.x) - middle.y, right = Double(index % map.shape.x) - middle.x
      dd += down * down
      dr += down * right
      rr += right * right
      y = Pair(y.y + down * map.y[index], y.x + right * map.y[index])
      x = Pair(x.y + down * map.x[index], x.x + right * map.x[index])
    }
    let slopes = [y, x].map { Self.solve(dd, dr, rr, $0) }
    slopeDown = Pair(slopes[0].y, slopes[1].y)
    slopeRight = Pair(slopes[0].x, slopes[1].x)
    var (variation, remainder) = (0.0, 0.0)
    for index in positions {
      let down = Double(index / map.shape.x) - middle.y, right = Double(index % map.shape.x) - middle.x
      let planeY = slopeDown.y * down + slopeRight.y * right, planeX = slopeDown.x * down + slopeRight.x * right
      let restY = map.y[index] - self.mean.y - planeY, restX = map.x[index] - self.mean.x - planeX
      variation += planeY * planeY + planeX * planeX
      remainder += restY * restY + restX * restX
    }
    self.variation = (variation / count).squareRoot()
    self.remainder = (remainder / count).squareRoot()
  }

  /// Slopes along a direction in which the positions do not extend are 0.
  private static func solve(_ dd: Double, _ dr: Double, _ rr: Double, _ v: Pair<Double>) -> Pair<Double> {
    let determinant = dd * rr - dr * dr
    if determinant > 1e-9 * dd * rr {
      return Pair((rr * v.y - dr * v.x) / determinant, (dd * v.x - dr * v.y) / determinant)
    }
    return dd > rr ? Pair(v.y / dd, 0) : rr > 0 ? Pair(0, v.x / rr) : Pair(0, 0)
  }

  func removed(_ descan: Descan, from map: VectorMap) -> VectorMap {
    guard descan != .none else { return map }
    let factor = descan == .plane ? 1.0 : 0
    var result = map
    for index in map.y.indices {
      let down = factor * (Double(index / map.shape.x) - middle.y)
      let right = factor * (Double(index % map.shape.x) - middle.x)
      result.y[index] -= mean.y + slopeDown.y * down + slopeRight.y * right
      result.x[index] -= mean.x + slopeDown.x * down + slopeRight.x * right
    }
    return result
  }
}
