import Foundation
import STEM

/// How values become places on a color map.
struct Contrast: Sendable {
  enum Scale: Sendable { case linear, fourthRoot }

  /// Values at the ends of the color map.
  let range: ClosedRange<Double>
  let scale: Scale
  let map: ColorMap
  let isSymmetric: Bool

  /// Signed data: symmetric about zero. Patterns: from zero, by the fourth root, so that the dark field shows beside
  /// the bright disk. Directions: the whole turn, −π and π in one color. Everything else: linear between the percentiles
  /// 0.1 and 99.9.
  init(_ values: [Double], kind: OutputKind, signed: Bool, isDirection: Bool = false) {
    let sorted = values.filter(\.isFinite).sorted()
    let percentile = { (fraction: Double) -> Double in
      sorted.isEmpty ? 0 : sorted[Int((fraction * Double(sorted.count - 1)).rounded())]
    }
    isSymmetric = signed
    if isDirection {
      range = -Double.pi...Double.pi
      (scale, map) = (.linear, .cyclic)
    } else if signed {
      let largest = max(abs(percentile(0.001)), abs(percentile(0.999)))
      let edge = largest > 0 ? largest : max(abs(sorted.first ?? 0), abs(sorted.last ?? 0))
      range = -(edge > 0 ? edge : 1)...(edge > 0 ? edge : 1)
      (scale, map) = (.linear, .diverging)
    } else if kind == .pattern, (sorted.first ?? 0) >= 0 {
      let top = percentile(0.999) > 0 ? percentile(0.999) : sorted.last ?? 0
      range = 0...(top > 0 ? top : 1)
      (scale, map) = (.fourthRoot, .sequential)
    } else {
      range = Self.widened(percentile(0.001), percentile(0.999))
      (scale, map) = (.linear, kind == .map ? .gray : .sequential)
    }
  }

  /// A constant array lies in the middle of its range.
  private static func widened(_ low: Double, _ high: Double) -> ClosedRange<Double> {
    if high > low { return low...high }
    let margin = low == 0 ? 1 : abs(low) * 0.5
    return low - margin...low + margin
  }

  /// 0…1 inside the range; NaN for NaN.
  func place(_ value: Double) -> Double {
    let linear = max(0, min(1, (value - range.lowerBound) / (range.upperBound - range.lowerBound)))
    if value.isNaN { return .nan }
    return scale == .linear ? linear : linear.squareRoot().squareRoot()
  }

  func color(_ value: Double) -> Color { map[place(value)] }

  /// Values worth a label on a color bar with room for `count` of them.
  func ticks(about count: Int) -> [Double] {
    guard scale == .fourthRoot else { return evenTicks(in: range, about: count) }
    // Decades crowd where the fourth root is flat: keep those that lie apart.
    let gap = 0.65 / Double(count)
    var chosen = [range.upperBound.roundedDown(toDigits: 1)]
    var next = chosen[0].decade
    while place(next) > gap {
      if place(chosen.last!) - place(next) > gap { chosen.append(next) }
      next /= 10
    }
    return [0] + chosen.reversed()
  }

  var text: String { scale == .linear ? "linear" : "fourth root" }
}
