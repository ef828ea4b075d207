import Foundation
import STEM

/// The elliptical distortion of a ring: of an amorphous halo, or of the spots of a polycrystal.
///
/// The ring's neighborhood, in coordinates that the ellipse found so far makes circular, is cut into sectors. In each,
/// the first radial moment above the background gives the distance of the ridge from the circle; shift, radius and
/// the second harmonic of these distances are fitted with Tukey's weights and go into the ellipse, until nothing is left.
/// What background and ridge do alike all around moves the radius only.
public struct EllipseFit: Sendable {
  public var ellipse: Ellipse
  /// Of the ring [px]; may differ from the optical axis.
  public var center: Pair<Double>
  /// Of the circle that is left after the correction [px].
  public var radius: Double
  /// Root mean square of the ridge's distances from the ellipse [px].
  public var residual: Double

  static let sectors = 72

  public init(ellipse: Ellipse, center: Pair<Double>, radius: Double, residual: Double) {
    (self.ellipse, self.center, self.radius, self.residual) = (ellipse, center, radius, residual)
  }

  /// - Parameters:
  ///   - pattern: mean counts, row-major; pixels that are NaN or dead are ignored
  ///   - center: of the ring, within a few pixels
  ///   - inner, outer: radii [px] between which there is one ring
  /// - Throws: `Problem` (`.badData`, at `calibration.ellipse`) where there is no ring.
  public static func find(
    _ pattern: [Double], shape: Shape, dead: [Bool]? = nil, center: Pair<Double>, ring: (inner: Double, outer: Double)
  ) throws(Problem) -> EllipseFit {
    let pixels = RingPixels(pattern, shape, dead, center, ring.outer)
    var model = RingModel(center: center, radius: try pixels.ridge(center, ring), strain: Pair(0, 0))
    var window = max(2, min(model.radius - ring.inner, ring.outer - model.radius))
    var lastStep = Double.infinity
    for step in 0..<80 {
      let sectors = pixels.sectors(model, window)
      if step == 0 { try check(sectors, noise: pixels.noise) }
      guard let change = RingChange(sectors, model.radius) else { throw .noRing("it is seen in too few directions") }
      model.apply(change)
      guard model.radius > ring.inner, model.radius < ring.outer, model.size < 0.25 else {
        throw .noRing("what was found leaves the range given")
      }
      lastStep = change.largest
      if lastStep < 1e-5 { break }
      // Distortion first takes the whole window; what is left of it afterwards lets the background in.
      if step == 8 { window = max(2, min(window, model.radius - ring.inner, ring.outer - model.radius)) }
    }
    guard lastStep < 0.05 else { throw .noRing("its shape does not settle") }
    let distances = RingChange.distances(pixels.sectors(model, window))
    let residual = (distances.reduce(0) { $0 + $1 * $1 } / Double(max(1, distances.count))).squareRoot()
    guard residual < window / 2 else { throw .noRing("what lies there is no ellipse") }
    return EllipseFit(ellipse: model.ellipse, center: model.center, radius: model.radius, residual: residual)
  }

  /// Throws where the ring stands out of the pixels' noise in too few directions.
  private static func check(_ sectors: [RingSector], noise: Double) throws(Problem) {
    let seen = sectors.count { $0.strength > 6.5 * noise * $0.pixels.squareRoot() && $0.strength > 0 }
    guard seen >= 5 else { throw .noRing("nothing there stands out of the background") }
  }
}

extension Problem {
  fileprivate static func noRing(_ reason: String) -> Problem {
    Problem(
      .badData, at: "calibration.ellipse",
      "no ring was found in the mean pattern between the radii given (\(reason)); choose radii around one ring, or give "
        + "ratio and angle")
  }
}

/// Center, radius and ellipse of a ring on the way.
private struct RingModel {
  var center: Pair<Double>
  var radius: Double
  /// ln(ratio) / 2 · (cos 2φ, sin 2φ) with the angle φ of the long axis; y holds the sine.
  var strain: Pair<Double>

  var size: Double { hypot(strain.y, strain.x) }

  var ellipse: Ellipse {
    var angle = atan2(strain.y, strain.x) / 2
    if angle < 0 { angle += .pi }
    return Ellipse(ratio: exp(2 * size), angle: angle >= .pi ? 0 : angle)
  }

  mutating func apply(_ change: RingChange) {
    center = Pair(center.y + change.shift.y, center.x + change.shift.x)
    radius += change.growth
    strain = Pair(strain.y + change.strain.y, strain.x + change.strain.x)
  }
}

/// The intensity around the circle in one direction.
private struct RingSector {
  /// Mean direction.
  var angle: Double
  var pixels = 0.0
  /// Σ above background, and Σ distance · above background [px].
  var strength = 0.0
  var moment = 0.0
}

/// Between two places: falling or rising exponentially, as diffuse scattering does, or straight where that cannot be.
private struct RingBackground {
  private let place: Double
  private let value: Double
  private let slope: Double
  private let isExponential: Bool

  init(_ inner: (place: Double, value: Double), _ outer: (place: Double, value: Double)) {
    isExponential = inner.value > 0 && outer.value > 0
    place = inner.place
    value = inner.value
    let distance = outer.place - inner.place
    slope = isExponential ? log(outer.value / inner.value) / distance : (outer.value - inner.value) / distance
  }

  @inline(__always) func level(at other: Double) -> Double {
    isExponential ? value * exp(slope * (other - place)) : value + slope * (other - place)
  }
}

/// The pixels of the pattern around the ring.
private struct RingPixels {
  private var pixels: [(y: Double, x: Double, value: Double)] = []
  /// Standard deviation of a pixel, from second differences along rows, whose median structure hardly moves.
  let noise: Double

  init(_ pattern: [Double], _ shape: Shape, _ dead: [Bool]?, _ center: Pair<Double>, _ outer: Double) {
    var differences: [Double] = []
    for index in pattern.indices where pattern[index].isFinite && dead?[index] != true {
      let y = Double(index / shape.x), x = Double(index % shape.x)
      // A strongly distorted ring reaches beyond its radii.
      guard hypot(y - center.y, x - center.x) < 1.5 * outer + 4 else { continue }
      pixels.append((y, x, pattern[index]))
      guard index >= 2, Int(x) >= 2, hypot(y - center.y, x - center.x) > 0.7 * outer else { continue }
      let difference = pattern[index] - 2 * pattern[index - 1] + pattern[index - 2]
      if difference.isFinite { differences.append(abs(difference)) }
    }
    noise = 1.4826 * selectedMedian(differences) / 6.0.squareRoot()
  }

  /// Where the mean over circles stands highest above the background between the ends of the range.
  func ridge(_ center: Pair<Double>, _ ring: (inner: Double, outer: Double)) throws(Problem) -> Double {
    let count = Int((ring.outer - ring.inner).rounded(.down))
    guard count >= 4 else { throw .noRing("they are less than 4 px apart") }
    var sums = Array(repeating: (value: 0.0, pixels: 0.0), count: count)
    for pixel in pixels {
      let bin = Int((hypot(pixel.y - center.y, pixel.x - center.x) - ring.inner).rounded(.down))
      guard bin >= 0, bin < count else { continue }
      sums[bin].value += pixel.value
      sums[bin].pixels += 1
    }
    guard sums.allSatisfy({ $0.pixels > 0 }) else { throw .noRing("they reach beyond the detector") }
    let means = sums.map { $0.value / $0.pixels }
    let background = RingBackground((0, means[0]), (Double(count - 1), means[count - 1]))
    let heights = means.indices.map { means[$0] - background.level(at: Double($0)) }
    guard let best = heights.indices.max(by: { heights[$0] < heights[$1] }), best > 0, best < count - 1 else {
      throw .noRing("nothing there stands out of the background")
    }
    return ring.inner + Double(best) + 0.5
  }

  /// Moments about the circle within `window` of it.
  func sectors(_ model: RingModel, _ window: Double) -> [RingSector] {
    let count = EllipseFit.sectors, ellipse = model.ellipse
    let down = ellipse.corrected(Pair(1, 0)), right = ellipse.corrected(Pair(0, 1))
    var bands = Array(repeating: (inner: SIMD3<Double>(), outer: SIMD3<Double>()), count: count)
    var members: [[(distance: Double, value: Double)]] = Array(repeating: [], count: count)
    for pixel in pixels {
      let y = pixel.y - model.center.y, x = pixel.x - model.center.x
      let correctedY = down.y * y + right.y * x, correctedX = down.x * y + right.x * x
      let distance = (correctedY * correctedY + correctedX * correctedX).squareRoot() - model.radius
      guard abs(distance) < window else { continue }
      let turn = atan2(-correctedY, correctedX) / (2 * .pi)
      let sector = min(count - 1, Int((turn - turn.rounded(.down)) * Double(count)))
      members[sector].append((distance, pixel.value))
      let entry = SIMD3(1, distance, pixel.value)
      if distance < -0.6 * window { bands[sector].inner += entry }
      if distance > 0.6 * window { bands[sector].outer += entry }
    }
    return (0..<count).map { index in
      var sector = RingSector(angle: 2 * .pi * (Double(index) + 0.5) / Double(count))
      let (inner, outer) = bands[index]
      guard inner[0] > 1, outer[0] > 1 else { return sector }
      let background = RingBackground(
        (inner[1] / inner[0], inner[2] / inner[0]), (outer[1] / outer[0], outer[2] / outer[0]))
      sector.pixels = Double(members[index].count)
      for member in members[index] {
        let above = member.value - background.level(at: member.distance)
        sector.strength += above
        sector.moment += above * member.distance
      }
      return sector
    }
  }
}

/// Shift, growth and strain that bring the circle onto the ridge.
private struct RingChange {
  var shift: Pair<Double>
  var growth: Double
  var strain: Pair<Double>
  /// [px]
  var largest: Double

  /// nil where the sectors do not determine them.
  init?(_ sectors: [RingSector], _ radius: Double) {
    let mean = sectors.reduce(0) { $0 + max(0, $1.strength) } / Double(sectors.count)
    let used = sectors.filter { $0.strength > 0.2 * mean }
    guard used.count >= 5 else { return nil }
    var weights = used.map { $0.strength / mean }
    var found = [Double]()
    for _ in 0..<4 {
      guard let next = Self.solve(used, weights, radius) else { return nil }
      found = next
      let rests = used.map { abs($0.moment / $0.strength - Self.distance($0.angle, found, radius)) }
      let reach = 4.685 * max(1.4826 * selectedMedian(rests), 0.05)
      weights = zip(used, rests).map { sector, rest in
        let t = rest / reach
        return t < 1 ? sector.strength / mean * (1 - t * t) * (1 - t * t) : 0
      }
    }
    shift = Pair(found[0], found[1])
    growth = found[2]
    strain = Pair(found[4], found[3])
    largest = max(abs(found[0]), abs(found[1]), abs(found[2]), radius * abs(found[3]), radius * abs(found[4]))
  }

  /// Distances of the ridge in the sectors that show it.
  static func distances(_ sectors: [RingSector]) -> [Double] {
    let mean = sectors.reduce(0) { $0 + max(0, $1.strength) } / Double(sectors.count)
    return sectors.filter { $0.strength > 0.2 * mean }.map { $0.moment / $0.strength }
  }

  /// y points down, angles run counter-clockwise on screen.
  private static func basis(_ angle: Double, _ radius: Double) -> [Double] {
    [-sin(angle), cos(angle), 1, radius * cos(2 * angle), radius * sin(2 * angle)]
  }

  private static func distance(_ angle: Double, _ change: [Double], _ radius: Double) -> Double {
    zip(basis(angle, radius), change).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private static func solve(_ sectors: [RingSector], _ weights: [Double], _ radius: Double) -> [Double]? {
    var matrix = Array(repeating: Array(repeating: 0.0, count: 5), count: 5), right = Array(repeating: 0.0, count: 5)
    for (sector, weight) in zip(sectors, weights) where weight > 0 {
      let row = basis(sector.angle, radius)
      for i in 0..<5 {
        right[i] += weight * row[i] * sector.moment / sector.strength
        for j in 0..<5 { matrix[i][j] += weight * row[i] * row[j] }
      }
    }
    let factor = Cholesky(matrix)
    return factor.isComplete ? factor.solve(right) : nil
  }
}
