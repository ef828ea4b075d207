import Foundation
import STEM

/// How values become places on a color map.
struct Contrast: Sendable {
  enum Scale: Sendable { case linear, fourthRoot, categories }

  /// Values at the ends of the color map.
  let range: ClosedRange<Double>
  let scale: Scale
  let map: ColorMap
  let isSymmetric: Bool

  /// Signed data: symmetric about zero. Patterns: from zero, by the fourth root, so that the dark field shows beside
  /// the bright disk. Directions: the whole turn, −π and π in one color. Everything else: linear between the percentiles
  /// 0.1 and 99.9. Names of classes: one color each.
  init(
    _ values: [Double], kind: OutputKind, signed: Bool, isDirection: Bool = false, isCategorical: Bool = false
  ) {
    let sorted = values.filter(\.isFinite).sorted()
    let percentile = { (fraction: Double) -> Double in
      sorted.isEmpty ? 0 : sorted[Int((fraction * Double(sorted.count - 1)).rounded())]
    }
    isSymmetric = signed
    if isCategorical {
      range = (sorted.first ?? 0) - 0.5...(sorted.last ?? 0) + 0.5
      (scale, map) = (.categories, .categories)
    } else if isDirection {
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
      (scale, map) = (.linear, kind == .map || kind == .image ? .gray : .sequential)
    }
  }

  /// A constant array is in the middle of its range.
  private static func widened(_ low: Double, _ high: Double) -> ClosedRange<Double> {
    if high > low { return low...high }
    let margin = low == 0 ? 1 : abs(low) * 0.5
    return low - margin...low + margin
  }

  /// 0…1 inside the range; NaN for NaN.
  func place(_ value: Double) -> Double {
    let linear = max(0, min(1, (value - range.lowerBound) / (range.upperBound - range.lowerBound)))
    if value.isNaN { return .nan }
    return scale == .fourthRoot ? linear.squareRoot().squareRoot() : linear
  }

  func color(_ value: Double) -> Color {
    scale == .categories && value.isFinite ? map[category: value] : map[place(value)]
  }

  /// Of the color bar: 0 at its lower end, 1 at its upper one.
  func barColor(_ place: Double) -> Color {
    guard scale == .categories else { return map[place] }
    return map[category: range.lowerBound + place * (range.upperBound - range.lowerBound)]
  }

  /// Values worth a label on a color bar with room for `count` of them.
  func ticks(about count: Int) -> [Double] {
    guard scale == .fourthRoot else {
      let ticks = evenTicks(in: range, about: count)
      return scale == .categories ? ticks.filter { $0 == $0.rounded() } : ticks
    }
    // Labels of decades crowd where the fourth root is flat: keep those that are far enough apart.
    let gap = 0.65 / Double(count)
    var chosen = [range.upperBound.roundedDown(toDigits: 1)]
    var next = chosen[0].decade
    while place(next) > gap {
      if place(chosen.last!) - place(next) > gap { chosen.append(next) }
      next /= 10
    }
    return [0] + chosen.reversed()
  }

  var text: String {
    switch scale {
    case .linear: "linear"
    case .fourthRoot: "fourth root"
    case .categories: "one color a category"
    }
  }
}
