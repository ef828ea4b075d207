import Foundation

extension Double {
  /// The largest power of ten that is not larger; for positive numbers.
  var decade: Double { pow(10, log10(self).rounded(.down)) }

  func roundedDown(toDigits digits: Int) -> Double {
    let unit = decade * pow(10, Double(1 - digits))
    return ((self / unit) * (1 + 1e-12)).rounded(.down) * unit
  }
}

/// The largest 1, 2 or 5 times a power of ten that is at most `value`.
func roundStep(atMost value: Double) -> Double {
  let decade = value.decade
  let step = value / decade * (1 + 1e-9)
  return (step >= 5 ? 5 : step >= 2 ? 2 : 1) * decade
}

/// Round numbers in a range, about `count` of them.
func evenTicks(in range: ClosedRange<Double>, about count: Int) -> [Double] {
  let span = range.upperBound - range.lowerBound
  guard span > 0, span.isFinite else { return [range.lowerBound] }
  let coarse = span / Double(count)
  let decade = coarse.decade
  let step = [1, 2, 5, 10].map { $0 * decade }.first { $0 >= coarse * 0.8 } ?? coarse
  let first = (range.lowerBound / step - 1e-9).rounded(.up)
  let last = (range.upperBound / step + 1e-9).rounded(.down)
  guard last >= first, last - first < 100 else { return [range.lowerBound, range.upperBound] }
  return (0...Int(last - first)).map { (first + Double($0)) * step }
}

/// A number for a tick, at most seven characters: `0`, `0.25`, `1200`, `3e6`, `-2.5e-7`.
func tickLabel(_ value: Double) -> String {
  if value == 0 || abs(value) < 1e-300 { return "0" }
  let size = abs(value)
  guard size.isFinite else { return "\(value)" }
  if size >= 1e-3, size < 1e5 {
    let text = String(format: "%.4g", value)
    return text.contains("e") ? String(format: "%.0f", value) : text
  }
  var exponent = Int(log10(size).rounded(.down))
  var digits = String(format: "%.3g", value / pow(10, Double(exponent)))
  if digits == "10" || digits == "-10" {
    digits = digits == "10" ? "1" : "-1"
    exponent += 1
  }
  return "\(digits)e\(exponent)"
}
