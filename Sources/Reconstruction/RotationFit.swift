import Foundation
import STEM

/// Orientation of the detector relative to the scan: deflection_scan = R(angle) · T · deflection_detector (docs/conventions.md).
struct DetectorRotation: Sendable, Equatable {
  /// [rad], clockwise on screen, in −π ..< π.
  var angle: Double
  var transpose: Bool

  init(angle: Double, transpose: Bool) {
    let turned = angle - (angle / (2 * .pi)).rounded() * 2 * .pi
    self.angle = turned >= .pi ? turned - 2 * .pi : turned
    self.transpose = transpose
  }

  /// A vector on the detector in the scan's axes.
  func scan(_ detector: Pair<Double>) -> Pair<Double> {
    let vector = transpose ? Pair(detector.x, detector.y) : detector
    let (c, s) = (cos(angle), sin(angle))
    return Pair(c * vector.y + s * vector.x, -s * vector.y + c * vector.x)
  }
}

/// Which law the deflections obey: electric ones are a gradient, without curl; magnetic ones have no divergence.
enum Interpretation: String, ChoiceParameter { case electric, magnetic }

/// The rotation and the transpose that leave the least curl (electric) or divergence (magnetic) of the deflections.
///
/// A rotation by θ turns (curl, divergence) into (c·curl + s·div, c·div − s·curl), so that
/// ⟨(c·curl + s·div)²⟩ = (A + B)/2 + (A − B)/2·cos 2θ + C·sin 2θ with A = ⟨curl²⟩, B = ⟨div²⟩, C = ⟨curl·div⟩: one minimum
/// in 180°. Both without their means, which a plane of descan would change. After Savitzky et al., Microsc. Microanal. 27
/// (2021) 712, section "center of mass imaging", who search it.
struct RotationFit: Sendable {
  /// What is found with and without the transpose.
  struct Branch: Sendable {
    let rotation: DetectorRotation
    /// Mean squared curl (magnetic: divergence) there, and the largest at any angle.
    let least: Double
    let most: Double
    /// Of the divergence after the rotation; at most 0 for electric deflections, since the angle is chosen so.
    let skewness: Double
    fileprivate let constant: Double
    fileprivate let cosine: Double
    fileprivate let sine: Double
    /// Mean squared curl and divergence together.
    fileprivate var scale: Double { 2 * constant }

    /// The mean square that is minimized, at an angle [rad].
    func meanSquare(_ angle: Double) -> Double {
      max(0, constant + cosine * cos(2 * angle) + sine * sin(2 * angle))
    }
  }

  static let leastSkewness = 0.5
  static let leastRatio = 2.0
  /// Of the mean squared curl and divergence together: what rounding leaves of a minimum that is 0.
  private static let rounding = 1e-12

  let interpretation: Interpretation
  let plain: Branch
  let transposed: Branch
  /// Positions with eight known neighbors.
  let positions: Int

  /// - Parameters:
  ///   - detector: deflections along the detector's axes, in any unit that is the same for both
  ///   - step: distance of positions
  /// nil where no position has eight known neighbors.
  init?(_ detector: VectorMap, step: Pair<Double>, _ interpretation: Interpretation) {
    let gradient = ScanGradient(detector.shape, step: step)
    let found = [false, true].map { transpose in
      let raw = gradient.interior(transpose ? VectorMap(detector.shape, y: detector.x, x: detector.y) : detector)
      return (curl: Self.centered(raw.curl), divergence: Self.centered(raw.divergence))
    }
    guard !found[0].curl.isEmpty, found[0].curl.count == found[1].curl.count else { return nil }
    self.interpretation = interpretation
    positions = found[0].curl.count
    plain = Branch(found[0], transpose: false, interpretation)
    transposed = Branch(found[1], transpose: true, interpretation)
  }

  private static func centered(_ values: [Double]) -> [Double] {
    let mean = values.reduce(0, +) / Double(max(1, values.count))
    return values.map { $0 - mean }
  }

  var best: Branch { excess(plain.least, transposed.least) > 1 ? transposed : plain }

  /// With the transpose or without.
  func branch(_ transpose: Bool) -> Branch { transpose ? transposed : plain }

  /// The larger of the two minima over the smaller; at most 1e12.
  var ratio: Double { max(excess(plain.least, transposed.least), excess(transposed.least, plain.least)) }

  /// One mean square over another, where what rounding may leave counts as equal.
  private func excess(_ a: Double, _ b: Double) -> Double {
    let floor = Self.rounding * max(plain.scale, transposed.scale)
    return floor > 0 ? max(a, floor) / max(b, floor) : 1
  }

  /// How much more curl (magnetic: divergence) is left with this transpose than with the other one, each at its angle.
  func excess(transpose: Bool) -> Double { excess(branch(transpose).least, branch(!transpose).least) }

  /// The transpose that leaves clearly less at a known angle [rad]; nil where that cannot be told.
  func transpose(at angle: Double) -> Bool? {
    let (without, with) = (plain.meanSquare(angle), transposed.meanSquare(angle))
    if excess(without, with) >= Self.leastRatio { return true }
    return excess(with, without) >= Self.leastRatio ? false : nil
  }

  var isTransposeAmbiguous: Bool { !(ratio >= Self.leastRatio) }
  /// Magnetic deflections have no sign that nature prefers.
  func isSignAmbiguous(_ branch: Branch) -> Bool {
    interpretation == .magnetic || !(abs(branch.skewness) >= Self.leastSkewness)
  }
  var isSignAmbiguous: Bool { isSignAmbiguous(best) }
  /// As in vacuum: noise has as much curl at any angle.
  func isAngleAmbiguous(_ branch: Branch) -> Bool { !(excess(branch.most, branch.least) >= Self.leastRatio) }
  var isAmbiguous: Bool { isTransposeAmbiguous || isSignAmbiguous }

  /// The best one first, then those that the data cannot rule out.
  var candidates: [DetectorRotation] { candidates(transpose: nil) }

  /// Where the transpose is known, only with that.
  func candidates(transpose: Bool?) -> [DetectorRotation] {
    let best = transpose.map(branch) ?? self.best, other = branch(!best.rotation.transpose)
    return (transpose == nil && isTransposeAmbiguous ? [best, other] : [best]).flatMap { branch in
      let opposite = DetectorRotation(angle: branch.rotation.angle + .pi, transpose: branch.rotation.transpose)
      return isSignAmbiguous(branch) ? [branch.rotation, opposite] : [branch.rotation]
    }
  }
}

extension RotationFit.Branch {
  fileprivate init(
    _ found: (curl: [Double], divergence: [Double]), transpose: Bool, _ interpretation: Interpretation
  ) {
    let count = Double(found.curl.count)
    var (a, b, c) = (0.0, 0.0, 0.0)
    for (curl, divergence) in zip(found.curl, found.divergence) {
      a += curl * curl / count
      b += divergence * divergence / count
      c += curl * divergence / count
    }
    // Turned by 90°, the curl is the divergence.
    let sign = interpretation == .electric ? 1.0 : -1.0
    (constant, cosine, sine) = ((a + b) / 2, sign * (a - b) / 2, sign * c)
    let angle = atan2(-sine, -cosine) / 2
    let amplitude = hypot(cosine, sine)
    (least, most) = (max(0, constant - amplitude), constant + amplitude)
    let turned = zip(found.curl, found.divergence).map { cos(angle) * $1 - sin(angle) * $0 }
    let skewness = Self.skewness(turned)
    // A positive nucleus attracts electrons, so the distribution of the divergence has its tail on the negative side.
    let isReversed = interpretation == .electric && skewness > 0
    self.skewness = isReversed ? -skewness : skewness
    rotation = DetectorRotation(angle: angle + (isReversed ? .pi : 0), transpose: transpose)
  }

  /// Third central moment over the 3/2 power of the second; 0 for values that do not differ.
  private static func skewness(_ values: [Double]) -> Double {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    var (second, third) = (0.0, 0.0)
    for value in values {
      let d = value - mean
      second += d * d / count
      third += d * d * d / count
    }
    return second > 0 ? third / (second * second.squareRoot()) : 0
  }
}
