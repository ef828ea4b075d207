internal import CKernels
import Foundation
import STEM

/// The center of a disk of known size in a single frame, from its edge.
///
/// Around the expected edge lie three bands, cut into sectors: one inside of the disk, one outside, and between them one
/// that holds the edge. What the middle band collects beyond what the levels inside and outside explain is the
/// displacement of the edge along the sector's normal: linear in the counts, so that it works on single frames with less
/// than a count a pixel. A shift and a change of radius are fitted to the sectors by least squares with Tukey's weights.
/// Texture in the disk, a background and a part of the disk beyond the detector do not pull it, as long as the edge is
/// seen over a third of its circumference.
public final class DiskEdge {
  /// The smallest radius at which the bands fit [px].
  public static let smallestRadius = 4.0

  private let type: PixelType
  private let shape: Shape
  private let radius: Double
  private let kept: [Bool]?
  private let cells: [EdgeCell]
  private let sectors: Int
  private let length: Double
  /// By where the middle lies: bands without pixels beyond the border, and without dead ones.
  private var tables: [Int: EdgeTable] = [:]
  private let sums: Fixed<Double>

  /// - Parameters:
  ///   - radius: of the disk [px], at least `smallestRadius`; right within a few percent
  ///   - kept: pixels that take part
  public init(radius: Double, kept selection: PixelSelection, type: PixelType) {
    precondition(radius >= Self.smallestRadius)
    self.type = type
    self.radius = radius
    shape = selection.shape
    kept = selection.included.contains(false) ? selection.included : nil
    sectors = min(32, max(8, Int(radius * .pi / 2)))
    cells = EdgeCell.around(radius, sectors)
    length = cells.reduce(0) { $0 + $1.edge }
    sums = Fixed(Array(repeating: 0, count: 3 * sectors))
  }

  /// Half the width of the middle band [px].
  static func reach(_ radius: Double) -> Double { min(4, max(1.75, 0.06 * radius)) }

  /// The center [px], found by steps from `start`; NaN where there is no such edge.
  public func center(_ frame: Frame, from start: Pair<Double>) -> Pair<Double> {
    let none = Pair(Double.nan, Double.nan)
    var place = start
    for _ in 0..<16 {
      guard place.y.isFinite, place.x.isFinite, abs(place.y) < 1e5, abs(place.x) < 1e5 else { return none }
      let middle = Pair(Int(place.y.rounded()), Int(place.x.rounded()))
      let table = table(middle)
      guard table.edge * 3 > length else { return none }
      ck_sum_lists(
        type.c, frame.pixels(type, shape.count), table.offsets.pointer, table.first.pointer, Int64(3 * sectors),
        sums.pointer)
      guard let shift = table.shift(sums.values) else { return none }
      place = Pair(Double(middle.y) + shift.y, Double(middle.x) + shift.x)
      if max(abs(shift.y), abs(shift.x)) < 0.75 {
        return hypot(place.y - start.y, place.x - start.x) < 2 * radius ? place : none
      }
    }
    return none
  }

  private func table(_ middle: Pair<Int>) -> EdgeTable {
    // Wider than any detector, so that no two places share a key.
    let key = middle.y * 1_000_003 + middle.x
    if let table = tables[key] { return table }
    if tables.count >= 256 { tables.removeAll(keepingCapacity: true) }
    let table = EdgeTable(cells, sectors, radius, middle, shape, kept)
    tables[key] = table
    return table
  }
}

/// A pixel of the bands.
private struct EdgeCell {
  /// From the middle [px].
  var y: Int
  var x: Int
  /// 3·sector + band; bands: inside, outside, middle.
  var list: Int
  /// In the middle band: the part of the pixel inside of the disk, and how it grows with the radius [1/px].
  var covered = 0.0
  var edge = 0.0

  static func around(_ radius: Double, _ sectors: Int) -> [EdgeCell] {
    let reach = DiskEdge.reach(radius), band = max(1.5, reach)
    let size = Int(radius + reach + band) + 1
    var cells: [EdgeCell] = []
    for y in -size...size {
      for x in -size...size {
        let r = hypot(Double(y), Double(x))
        guard r >= radius - reach - band, r < radius + reach + band else { continue }
        let turn = atan2(Double(y), Double(x)) / (2 * .pi)
        let sector = min(sectors - 1, Int((turn - turn.rounded(.down)) * Double(sectors)))
        var cell = EdgeCell(y: y, x: x, list: 3 * sector + (r < radius - reach ? 0 : r >= radius + reach ? 1 : 2))
        if cell.list % 3 == 2 {
          cell.covered = part(of: cell, inside: radius)
          cell.edge = part(of: cell, inside: radius + 0.5) - part(of: cell, inside: radius - 0.5)
        }
        cells.append(cell)
      }
    }
    return cells
  }

  private static func part(of cell: EdgeCell, inside radius: Double) -> Double {
    let steps = 8
    var count = 0
    for i in 0..<steps {
      let y = Double(cell.y) + (Double(i) + 0.5) / Double(steps) - 0.5
      for j in 0..<steps {
        let x = Double(cell.x) + (Double(j) + 0.5) / Double(steps) - 0.5
        if y * y + x * x < radius * radius { count += 1 }
      }
    }
    return Double(count) / Double(steps * steps)
  }
}

/// The bands about one pixel.
private final class EdgeTable {
  let offsets: Fixed<Int32>
  let first: Fixed<UInt32>
  /// Length of the edge that is seen [px].
  let edge: Double
  private var sectors: [Sector]
  private let radius: Double
  private let reach: Double

  private struct Sector {
    /// Pixels of the bands inside, outside, in the middle.
    var pixels = SIMD3<Double>()
    var covered = 0.0
    var edge = 0.0
    /// Mean normal of the edge.
    var y = 0.0
    var x = 0.0
  }

  init(
    _ cells: [EdgeCell], _ count: Int, _ radius: Double, _ middle: Pair<Int>, _ shape: Shape, _ kept: [Bool]?
  ) {
    var lists = Array(repeating: [Int32](), count: 3 * count)
    var sectors = Array(repeating: Sector(), count: count)
    for cell in cells {
      let y = middle.y + cell.y, x = middle.x + cell.x
      guard y >= 0, x >= 0, y < shape.y, x < shape.x, kept?[y * shape.x + x] ?? true else { continue }
      lists[cell.list].append(Int32(y * shape.x + x))
      let sector = cell.list / 3
      sectors[sector].pixels[cell.list % 3] += 1
      sectors[sector].covered += cell.covered
      sectors[sector].edge += cell.edge
      let r = hypot(Double(cell.y), Double(cell.x))
      sectors[sector].y += cell.edge * Double(cell.y) / r
      sectors[sector].x += cell.edge * Double(cell.x) / r
    }
    for index in sectors.indices where sectors[index].edge > 0 {
      sectors[index].y /= sectors[index].edge
      sectors[index].x /= sectors[index].edge
    }
    // Levels need a few pixels on both sides.
    for index in sectors.indices where sectors[index].pixels[0] < 2 || sectors[index].pixels[1] < 2 {
      sectors[index].edge = 0
    }
    offsets = Fixed(lists.joined().map { $0 } + [0])
    var ends: [UInt32] = [0]
    for list in lists { ends.append(ends[ends.count - 1] + UInt32(list.count)) }
    first = Fixed(ends)
    edge = sectors.reduce(0) { $0 + $1.edge }
    self.sectors = sectors
    self.radius = radius
    reach = DiskEdge.reach(radius)
  }

  /// How far the disk lies from the middle, at most about the width of the middle band; nil without a disk.
  /// - Parameter sums: counts of the bands
  func shift(_ sums: UnsafeMutableBufferPointer<Double>) -> Pair<Double>? {
    let count = sectors.count
    var inside = [Double](repeating: 0, count: count), outside = inside
    var levels = EdgeFit(radius: radius, capacity: count)
    for (index, sector) in sectors.enumerated() where sector.edge > 0 {
      inside[index] = sums[3 * index] / sector.pixels[0]
      outside[index] = sums[3 * index + 1] / sector.pixels[1]
      levels.add(inside[index], 1, sector.y, sector.x)
    }
    // A disk that is brighter on one side is so more at its edge than in the band inside.
    if let slope = levels.step(Array(repeating: 1, count: levels.count), isLevel: true) {
      let growth = (reach + 1.5) / 2 / max(1, radius - reach - 0.75)
      for (index, sector) in sectors.enumerated() {
        inside[index] += growth * (slope[0] * sector.y + slope[1] * sector.x)
      }
    }
    return edgeFit(sums, inside, outside)?.solve().map { found in
      let distance = hypot(found.y, found.x)
      let most = distance > reach ? reach / distance : 1
      return Pair(found.y * most, found.x * most)
    }
  }

  private func edgeFit(
    _ sums: UnsafeMutableBufferPointer<Double>, _ inside: [Double], _ outside: [Double]
  ) -> EdgeFit? {
    let count = sectors.count
    let contrast = zip(inside, outside).map { $0 - $1 }
    let mean = zip(sectors, contrast).reduce(0) { $0 + $1.0.edge * $1.1 } / edge
    guard mean > 0, mean.isFinite else { return nil }
    var fit = EdgeFit(radius: radius, capacity: count)
    for (index, sector) in sectors.enumerated() where sector.edge > 0 {
      // Neighbors share their contrast: that of a sector alone is noisy.
      let before = (index + count - 1) % count, after = (index + 1) % count
      let weights = (sectors[before].edge, 2 * sector.edge, sectors[after].edge)
      let smooth =
        (weights.0 * contrast[before] + weights.1 * contrast[index] + weights.2 * contrast[after])
        / (weights.0 + weights.1 + weights.2)
      guard smooth > 0.25 * mean else { continue }
      let surplus =
        sums[3 * index + 2] - inside[index] * sector.covered - outside[index] * (sector.pixels[2] - sector.covered)
      let scale = 1 / sector.edge.squareRoot()
      fit.add(surplus * scale, smooth * sector.edge * scale, sector.y, sector.x)
    }
    return fit.count >= 5 ? fit : nil
  }
}

/// value ≈ slope · (y·shift_y + x·shift_x + growth), with Tukey's weights.
private struct EdgeFit {
  private var rows: [(value: Double, slope: Double, y: Double, x: Double)] = []
  private let radius: Double
  var count: Int { rows.count }

  init(radius: Double, capacity: Int) {
    self.radius = radius
    rows.reserveCapacity(capacity)
  }

  mutating func add(_ value: Double, _ slope: Double, _ y: Double, _ x: Double) { rows.append((value, slope, y, x)) }

  func solve() -> Pair<Double>? {
    var weights = [Double](repeating: 1, count: rows.count)
    var found = SIMD4<Double>(), prior = 0.0
    for _ in 0..<5 {
      guard let next = step(weights, around: found, prior: prior) else { return nil }
      found = next
      let rests = rows.map { abs($0.value - $0.slope * ($0.y * found[0] + $0.x * found[1] + found[2])) }
      let spread = 1.4826 * selectedMedian(rests)
      guard spread > 0 else { break }
      // The radius is known to about a third of a pixel; where noise or a cut disk leaves it open, that decides.
      prior = spread * spread / 0.1
      for index in rests.indices {
        let t = rests[index] / (4.685 * spread)
        weights[index] = t < 1 ? (1 - t * t) * (1 - t * t) : 0
      }
    }
    return Pair(found[0], found[1])
  }

  /// Shift y, x, growth.
  /// - Parameters:
  ///   - found: for the terms of second order: the area that a shifted and grown circle gains in a sector is
  ///     (n·s + g) + ((n·s + g)² − (t·s)²) / 2R along its edge, with n the normal and t the tangent
  ///   - prior: how much growth 0 counts
  ///   - isLevel: the rows are no edge: first order only
  func step(
    _ weights: [Double], around found: SIMD4<Double> = SIMD4(), prior: Double = 0, isLevel: Bool = false
  ) -> SIMD4<Double>? {
    var (yy, yx, xx, yg, xg, gg) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    var (ry, rx, rg) = (0.0, 0.0, 0.0)
    for (row, weight) in zip(rows, weights) {
      let along = row.y * found[0] + row.x * found[1] + found[2], across = row.x * found[0] - row.y * found[1]
      let second = isLevel ? 0 : row.slope * (along * along - across * across) / (2 * radius)
      let w = weight * row.slope * row.slope, v = weight * row.slope * (row.value - second)
      yy += w * row.y * row.y
      yx += w * row.y * row.x
      xx += w * row.x * row.x
      yg += w * row.y
      xg += w * row.x
      gg += w
      ry += v * row.y
      rx += v * row.x
      rg += v
    }
    gg += prior
    let a = xx * gg - xg * xg, b = xg * yg - yx * gg, c = yx * xg - xx * yg
    let determinant = yy * a + yx * b + yg * c
    guard determinant > 1e-6 * yy * xx * gg else { return nil }
    let d = yy * gg - yg * yg, e = yx * yg - yy * xg, f = yy * xx - yx * yx
    return SIMD4(
      (a * ry + b * rx + c * rg) / determinant, (b * ry + d * rx + e * rg) / determinant,
      (c * ry + e * rx + f * rg) / determinant, 0)
  }
}
