import Foundation
import STEM

/// The bright-field disk of a mean pattern.
public struct BrightDisk: Sendable, Equatable {
  /// [px], the center of pixel (0, 0) is (0, 0).
  public var center: Pair<Double>
  /// Where the intensity has fallen to half [px].
  public var radius: Double
  /// Whether a part of the disk is outside the detector.
  public var clipped: Bool

  public init(center: Pair<Double>, radius: Double, clipped: Bool) {
    (self.center, self.radius, self.clipped) = (center, radius, clipped)
  }

  /// Finds the disk: the brightest connected region above half of its own level, then a circle through the places
  /// where rays from its middle leave it, fitted by least squares without outliers. Hot pixels, texture in the disk,
  /// diffuse background, rings outside and a cut-off part do not move it.
  ///
  /// - Parameters:
  ///   - pattern: mean counts, row-major; pixels that are NaN or dead are ignored
  /// - Throws: `Problem` (`.badData`, at `calibration.center`) where there is no disk.
  public static func find(_ pattern: [Double], shape: Shape, dead: [Bool]? = nil) throws(Problem) -> BrightDisk {
    let image = try DiskImage(pattern, shape: shape, dead: dead)
    var (level, region) = try image.brightestRegion()
    var circle = Circle.first(region, shape)
    for step in 0..<8 {
      let edge = image.edge(of: circle, level: level)
      guard let fitted = Circle.fit(edge, from: circle) else { throw .noDisk("its edge is not a circle") }
      let moved = max(hypot(fitted.y - circle.y, fitted.x - circle.x), abs(fitted.radius - circle.radius))
      circle = fitted
      level = image.halfLevel(circle) ?? level
      if moved < 1e-4, step > 1 { break }
    }
    try image.check(circle, level: level)
    let clipped =
      circle.y - circle.radius < -0.5 || circle.y + circle.radius > Double(shape.y) - 0.5
      || circle.x - circle.radius < -0.5 || circle.x + circle.radius > Double(shape.x) - 0.5
    return BrightDisk(
      center: Pair(circle.y, circle.x), radius: circle.radius + DiskImage.blur / (2 * max(1, circle.radius)),
      clipped: clipped)
  }
}

extension Problem {
  static func noDisk(_ reason: String) -> Problem {
    Problem(
      .badData, at: "calibration.center",
      "no bright disk was found in the mean pattern (\(reason)); give calibration.center, and calibration.semiangle "
        + "with calibration.detector_pixel")
  }
}

/// A point of the disk's edge [px].
typealias EdgePoint = (y: Double, x: Double)

struct Circle {
  var y: Double
  var x: Double
  var radius: Double

  /// Of a region: its centroid and area, or, where it touches the border, a circle through its inner border (Kåsa's
  /// algebraic fit, which is linear).
  static func first(_ region: [Bool], _ shape: Shape) -> Circle {
    var area = 0.0, sumY = 0.0, sumX = 0.0, touches = false
    var border: [EdgePoint] = []
    for y in 0..<shape.y {
      for x in 0..<shape.x where region[y * shape.x + x] {
        area += 1
        sumY += Double(y)
        sumX += Double(x)
        let outermost = y == 0 || x == 0 || y == shape.y - 1 || x == shape.x - 1
        if outermost {
          touches = true
        } else if !region[(y - 1) * shape.x + x] || !region[(y + 1) * shape.x + x]
          || !region[y * shape.x + x - 1] || !region[y * shape.x + x + 1]
        {
          border.append((Double(y), Double(x)))
        }
      }
    }
    let whole = Circle(y: sumY / area, x: sumX / area, radius: (area / .pi).squareRoot())
    return touches ? algebraic(border) ?? whole : whole
  }

  /// Least squares for y² + x² = 2·a·y + 2·b·x + c, about the mean of the points.
  private static func algebraic(_ points: [EdgePoint]) -> Circle? {
    guard points.count >= 6 else { return nil }
    let n = Double(points.count)
    let meanY = points.reduce(0) { $0 + $1.y } / n, meanX = points.reduce(0) { $0 + $1.x } / n
    var yy = 0.0, xx = 0.0, yx = 0.0, yq = 0.0, xq = 0.0, q = 0.0
    for point in points {
      let y = point.y - meanY, x = point.x - meanX, square = y * y + x * x
      yy += y * y
      xx += x * x
      yx += y * x
      yq += y * square
      xq += x * square
      q += square
    }
    let determinant = yy * xx - yx * yx
    guard determinant > 1e-9 * yy * xx else { return nil }
    let a = (yq * xx - xq * yx) / determinant / 2, b = (xq * yy - yq * yx) / determinant / 2
    return Circle(y: meanY + a, x: meanX + b, radius: (a * a + b * b + q / n).squareRoot())
  }

  /// Gauss–Newton steps on Σ w (distance − radius)² with Tukey's weights, so that points far off do not count.
  static func fit(_ points: [EdgePoint], from start: Circle) -> Circle? {
    guard points.count >= 12 else { return nil }
    var circle = start
    for _ in 0..<20 {
      let distances = points.map { hypot($0.y - circle.y, $0.x - circle.x) - circle.radius }
      let middle = median(distances)
      let spread = max(0.2, 1.4826 * median(distances.map { abs($0 - middle) }))
      var normal = NormalEquations()
      for (point, distance) in zip(points, distances) {
        let t = (distance - middle) / (4.685 * spread)
        guard abs(t) < 1 else { continue }
        let length = distance + circle.radius
        guard length > 0 else { continue }
        let direction = ((point.y - circle.y) / length, (point.x - circle.x) / length)
        normal.add((direction.0, direction.1, 1), distance, weight: (1 - t * t) * (1 - t * t))
      }
      guard let step = normal.solve() else { return nil }
      circle = Circle(y: circle.y + step.0, x: circle.x + step.1, radius: circle.radius + step.2)
      guard circle.radius > 0.3, circle.radius.isFinite else { return nil }
      if max(abs(step.0), abs(step.1), abs(step.2)) < 1e-6 { break }
    }
    return circle
  }
}

/// The normal equations of a fit of three parameters, solved by Cramer's rule.
private struct NormalEquations {
  private var m = Array(repeating: Array(repeating: 0.0, count: 3), count: 3)
  private var v = Array(repeating: 0.0, count: 3)

  mutating func add(_ row: (Double, Double, Double), _ value: Double, weight: Double) {
    let row = [row.0, row.1, row.2]
    for i in 0..<3 {
      v[i] += weight * row[i] * value
      for j in 0..<3 { m[i][j] += weight * row[i] * row[j] }
    }
  }

  func solve() -> (Double, Double, Double)? {
    let whole = Self.determinant(m)
    guard abs(whole) > 1e-12 * m[0][0] * m[1][1] * m[2][2], whole != 0 else { return nil }
    let parts = (0..<3).map { column in
      var replaced = m
      for i in 0..<3 { replaced[i][column] = v[i] }
      return Self.determinant(replaced) / whole
    }
    return (parts[0], parts[1], parts[2])
  }

  private static func determinant(_ m: [[Double]]) -> Double {
    m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
      + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
  }
}

/// 0 for none.
func median(_ values: [Double]) -> Double {
  guard !values.isEmpty else { return 0 }
  let sorted = values.sorted(), middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
