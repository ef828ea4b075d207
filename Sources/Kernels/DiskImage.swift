import Foundation
import STEM

/// A mean pattern made ready for finding its bright disk.
struct DiskImage {
  let shape: Shape
  /// Without hot pixels, and smoothed with the binomial kernel (1, 2, 1)/4 along both axes.
  private let values: [Double]

  /// Variance of the blur along an axis [px²]: the binomial kernel's ½, a pixel's 1/12, and 1/6 for interpolation.
  /// It moves the half level of a disk of radius R inwards by blur / 2R.
  static let blur = 0.75

  init(_ pattern: [Double], shape: Shape, dead: [Bool]?) throws(Problem) {
    self.shape = shape
    var known = pattern.map(\.isFinite)
    if let dead { for index in dead.indices where dead[index] { known[index] = false } }
    let first = zip(pattern, known).filter(\.1).map(\.0)
    guard let smallest = first.min(), let largest = first.max() else { throw .noDisk("it has no valid pixel") }
    guard largest > smallest, largest > 0 else { throw .noDisk("all its pixels are \(shortNumber(largest))") }
    // Hot pixels first, since they would spread into gaps.
    var calm = Self.withoutHotPixels(pattern, known, shape)
    // A disk no larger than a pixel would be taken for a hot pixel.
    if !zip(calm, known).contains(where: { $1 && $0 != smallest }) { calm = pattern }
    values = Self.smooth(Self.fill(calm, known, shape), shape)
  }

  /// Fills unknown pixels with the mean of their known neighbors, from the border of a gap inward.
  private static func fill(_ pattern: [Double], _ known: [Bool], _ shape: Shape) -> [Double] {
    var values = pattern, known = known
    var missing = known.indices.filter { !known[$0] }
    while !missing.isEmpty {
      let found = missing.compactMap { index -> (Int, Double)? in
        let around = neighbors(index, shape).filter { known[$0] }.map { values[$0] }
        return around.isEmpty ? nil : (index, around.reduce(0, +) / Double(around.count))
      }
      if found.isEmpty { break }
      for (index, value) in found {
        values[index] = value
        known[index] = true
      }
      missing.removeAll { known[$0] }
    }
    return values
  }

  /// A pixel more than twice as bright as its third-brightest neighbor becomes their median; so one and two hot
  /// pixels side by side vanish, and a disk, however small, stays.
  private static func withoutHotPixels(_ values: [Double], _ known: [Bool], _ shape: Shape) -> [Double] {
    values.indices.map { index in
      guard known[index] else { return values[index] }
      let around = neighbors(index, shape).filter { known[$0] }.map { values[$0] }.sorted(by: >)
      guard around.count >= 3, values[index] > 2 * max(around[2], 0) else { return values[index] }
      return median(around)
    }
  }

  private static func neighbors(_ index: Int, _ shape: Shape) -> [Int] {
    let y = index / shape.x, x = index % shape.x
    var result: [Int] = []
    for row in max(0, y - 1)...min(shape.y - 1, y + 1) {
      for column in max(0, x - 1)...min(shape.x - 1, x + 1) where row != y || column != x {
        result.append(row * shape.x + column)
      }
    }
    return result
  }

  private static func smooth(_ values: [Double], _ shape: Shape) -> [Double] {
    var rows = values, result = values
    for y in 0..<shape.y {
      for x in 0..<shape.x {
        let left = values[y * shape.x + max(0, x - 1)], right = values[y * shape.x + min(shape.x - 1, x + 1)]
        rows[y * shape.x + x] = (left + 2 * values[y * shape.x + x] + right) / 4
      }
    }
    for y in 0..<shape.y {
      for x in 0..<shape.x {
        let above = rows[max(0, y - 1) * shape.x + x], below = rows[min(shape.y - 1, y + 1) * shape.x + x]
        result[y * shape.x + x] = (above + 2 * rows[y * shape.x + x] + below) / 4
      }
    }
    return result
  }

  /// The half level of the disk and the connected pixels above it, the brightest such region, without its holes.
  func brightestRegion() throws(Problem) -> (level: Double, region: [Bool]) {
    let sorted = values.sorted()
    var background = sorted[sorted.count / 10]
    var plateau = Self.selfWeightedMedian(sorted, above: background)
    for _ in 0..<10 {
      let half = (background + plateau) / 2
      let below = sorted.filter { $0 < half }
      guard !below.isEmpty else { break }
      background = median(below)
      plateau = Self.selfWeightedMedian(sorted, above: background)
    }
    let half = (background + plateau) / 2
    guard plateau > background, sorted[0] < half else { throw .noDisk("its pixels hardly differ") }
    let regions = connected(values.map { $0 >= half })
    let brightest = regions.max { intensity($0) < intensity($1) } ?? []
    return (half, withoutHoles(brightest))
  }

  /// The level that pixels of half of the squared intensity reach: that of the disk, however few its pixels are.
  private static func selfWeightedMedian(_ sorted: [Double], above background: Double) -> Double {
    let weights = sorted.map { $0 > background ? ($0 - background) * ($0 - background) : 0 }
    let half = weights.reduce(0, +) / 2
    var sum = 0.0
    for (value, weight) in zip(sorted, weights) {
      sum += weight
      if sum >= half { return value }
    }
    return sorted.last ?? 0
  }

  private func intensity(_ region: [Int]) -> Double { region.reduce(0) { $0 + values[$1] } }

  /// The 4-connected regions of the marked pixels.
  private func connected(_ marked: [Bool]) -> [[Int]] {
    var open = marked
    var regions: [[Int]] = []
    for start in open.indices where open[start] {
      open[start] = false
      var region = [start], next = 0
      while next < region.count {
        let index = region[next], x = index % shape.x
        next += 1
        let around = [
          index - shape.x, index + shape.x, x > 0 ? index - 1 : -1, x < shape.x - 1 ? index + 1 : -1,
        ]
        for neighbor in around where open.indices.contains(neighbor) && open[neighbor] {
          open[neighbor] = false
          region.append(neighbor)
        }
      }
      regions.append(region)
    }
    return regions
  }

  private func withoutHoles(_ region: [Int]) -> [Bool] {
    var inside = Array(repeating: false, count: values.count)
    for index in region { inside[index] = true }
    for hole in connected(inside.map(!)) where !hole.contains(where: isBorder) {
      for index in hole { inside[index] = true }
    }
    return inside
  }

  private func isBorder(_ index: Int) -> Bool {
    let y = index / shape.x, x = index % shape.x
    return y == 0 || x == 0 || y == shape.y - 1 || x == shape.x - 1
  }

  /// Where rays from the middle of `circle` fall through `level`, the crossing nearest to the circle each.
  func edge(of circle: Circle, level: Double) -> [EdgePoint] {
    let rays = Self.rays(circle.radius)
    return (0..<rays).compactMap { ray in
      let angle = 2 * Double.pi * (Double(ray) + 0.5) / Double(rays), down = sin(angle), right = cos(angle)
      let step = 0.25, reach = max(0.4 * circle.radius, 2.5)
      var r = max(0, circle.radius - reach)
      var before = value(circle.y + r * down, circle.x + r * right)
      var best: Double?
      while r < circle.radius + reach {
        let after = value(circle.y + (r + step) * down, circle.x + (r + step) * right)
        if let inner = before, let outer = after, inner >= level, outer < level {
          let crossing = r + step * (inner - level) / (inner - outer)
          if abs(crossing - circle.radius) < abs((best ?? .infinity) - circle.radius) { best = crossing }
        }
        before = after
        r += step
      }
      return best.map { (circle.y + $0 * down, circle.x + $0 * right) }
    }
  }

  /// About two for every pixel of the circumference.
  private static func rays(_ radius: Double) -> Int { min(1440, max(64, Int(4 * .pi * radius))) }

  /// Halfway between the median just inside of the circle and just outside of it.
  func halfLevel(_ circle: Circle) -> Double? {
    guard let inner = ring(circle, 0.5, 0.85), let outer = ring(circle, 1.15, 1.5), inner > outer else { return nil }
    return (inner + outer) / 2
  }

  /// Median over a ring, in units of the circle's radius but at least two pixels from it.
  private func ring(_ circle: Circle, _ first: Double, _ last: Double) -> Double? {
    let near = first < 1 ? min(last * circle.radius, circle.radius - 2) : max(first * circle.radius, circle.radius + 2)
    let range =
      first < 1
      ? max(0, min(first * circle.radius, near - 2))...max(1, near)
      : near...max(last * circle.radius, near + 2)
    var inside: [Double] = []
    for y in 0..<shape.y {
      for x in 0..<shape.x where range.contains(hypot(Double(y) - circle.y, Double(x) - circle.x)) {
        inside.append(values[y * shape.x + x])
      }
    }
    return inside.isEmpty ? nil : median(inside)
  }

  /// Throws where the circle is not the edge of a disk: too few rays on the detector cross it, or the intensity
  /// inside is hardly above that outside.
  func check(_ circle: Circle, level: Double) throws(Problem) {
    let rays = Self.rays(circle.radius)
    let visible = (0..<rays).count { ray in
      let angle = 2 * Double.pi * (Double(ray) + 0.5) / Double(rays), r = circle.radius + 1
      return value(circle.y + r * sin(angle), circle.x + r * cos(angle)) != nil
    }
    let crossings = edge(of: circle, level: level)
    let near = crossings.count {
      abs(hypot($0.y - circle.y, $0.x - circle.x) - circle.radius) < max(1, 0.1 * circle.radius)
    }
    guard visible * 6 >= rays else { throw .noDisk("it fills the detector") }
    guard near * 2 >= visible else { throw .noDisk("its edge is not a circle") }
  }

  /// Bilinear; nil outside of the detector.
  private func value(_ y: Double, _ x: Double) -> Double? {
    guard y >= 0, x >= 0, y <= Double(shape.y - 1), x <= Double(shape.x - 1) else { return nil }
    let row = min(Int(y), max(0, shape.y - 2)), column = min(Int(x), max(0, shape.x - 2))
    let down = y - Double(row), right = x - Double(column)
    let below = min(row + 1, shape.y - 1) * shape.x, beside = min(column + 1, shape.x - 1)
    let upper = values[row * shape.x + column] * (1 - right) + values[row * shape.x + beside] * right
    let lower = values[below + column] * (1 - right) + values[below + beside] * right
    return upper * (1 - down) + lower * down
  }
}
