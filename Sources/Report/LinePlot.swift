import Foundation
import STEM

/// A profile as a line over its axis.
struct LinePlot {
  private let result: ResultArray
  private let axis: ResultArray.Axis
  private let horizontal: ClosedRange<Double>
  private let vertical: ClosedRange<Double>
  private let isLogarithmic: Bool
  private let left = 96..<616
  private let top = 60..<380

  init(_ result: ResultArray) {
    self.result = result
    axis = result.axes[0]
    horizontal = Self.hull(axis.values, margin: 0)
    let finite = result.values.filter(\.isFinite)
    let least = finite.filter { $0 > 0 }.min() ?? 1
    let most = finite.max() ?? 1
    // Profiles of patterns fall over decades.
    isLogarithmic = !result.signed && (finite.min() ?? -1) >= 0 && most > 1000 * least
    if isLogarithmic {
      let low = max(log10(least), log10(most) - 8)
      vertical = low - 0.03 * (log10(most) - low)...log10(most) + 0.03 * (log10(most) - low)
    } else {
      let base = Self.hull(finite, margin: 0.04)
      vertical = base.lowerBound > 0 && base.lowerBound < 0.3 * base.upperBound ? 0...base.upperBound : base
    }
  }

  private static func hull(_ values: [Double], margin: Double) -> ClosedRange<Double> {
    let finite = values.filter(\.isFinite)
    guard let low = finite.min(), let high = finite.max() else { return 0...1 }
    let span = high > low ? high - low : max(abs(low), 1) * 0.5
    return high > low ? low - margin * span...high + margin * span : low - span...high + span
  }

  func picture() -> Picture {
    var canvas = Canvas(width: 640, height: 440)
    canvas.draw(result.output, x: left.lowerBound, y: 12)
    canvas.draw(result.quantityLabel, x: left.lowerBound, y: 34, .faint)
    drawAxes(on: &canvas)
    let points = zip(axis.values, result.values).map { point($0, $1) }
    for (a, b) in zip(points, points.dropFirst()) {
      if let a, let b { drawSegment(a, b, on: &canvas) }
    }
    canvas.frame(x: left, y: top, .faint)
    let finite = result.values.filter(\.isFinite)
    let range = (finite.min() ?? 0)...(finite.max() ?? 0)
    return Picture(
      canvas: canvas, texts: result.texts(range: range, scale: isLogarithmic ? "logarithmic" : "linear"))
  }

  private func x(_ value: Double) -> Double {
    let share = (value - horizontal.lowerBound) / (horizontal.upperBound - horizontal.lowerBound)
    return Double(left.lowerBound) + share * Double(left.count - 1)
  }

  private func y(_ value: Double) -> Double {
    let place = isLogarithmic ? log10(value) : value
    let share = (place - vertical.lowerBound) / (vertical.upperBound - vertical.lowerBound)
    return Double(top.upperBound - 1) - share * Double(top.count - 1)
  }

  /// nil where there is nothing to draw.
  private func point(_ argument: Double, _ value: Double) -> (x: Double, y: Double)? {
    guard argument.isFinite, value.isFinite, !isLogarithmic || value > 0 else { return nil }
    return (x(argument), min(y(value), Double(top.upperBound) + 100))
  }

  private var verticalTicks: [Double] {
    guard isLogarithmic else { return evenTicks(in: vertical, about: 5) }
    let decades = Int(vertical.lowerBound.rounded(.up))...Int(vertical.upperBound.rounded(.down))
    return decades.filter { ($0 - decades.lowerBound) % (decades.count / 7 + 1) == 0 }.map { pow(10, Double($0)) }
  }

  private func drawAxes(on canvas: inout Canvas) {
    for tick in evenTicks(in: horizontal, about: 6) {
      let place = Int(x(tick).rounded())
      canvas.fill(x: place..<place + 1, y: top, .grid)
      canvas.fill(x: place..<place + 1, y: top.upperBound..<top.upperBound + 5, .faint)
      canvas.draw(tickLabel(tick), x: place, y: top.upperBound + 10, .ink, .center)
    }
    for tick in verticalTicks {
      let place = Int(y(tick).rounded())
      canvas.fill(x: left, y: place..<place + 1, .grid)
      canvas.fill(x: left.lowerBound - 5..<left.lowerBound, y: place..<place + 1, .faint)
      canvas.draw(tickLabel(tick), x: left.lowerBound - 9, y: place - Canvas.textHeight / 2, .ink, .right)
    }
    canvas.draw(axis.label, x: (left.lowerBound + left.upperBound) / 2, y: top.upperBound + 34, .faint, .center)
  }

  /// A line two pixels thick with soft edges, inside the axes only.
  private func drawSegment(_ a: (x: Double, y: Double), _ b: (x: Double, y: Double), on canvas: inout Canvas) {
    let columns = Int(min(a.x, b.x)) - 2...Int(max(a.x, b.x)) + 2
    let rows = Int(min(a.y, b.y)) - 2...Int(max(a.y, b.y)) + 2
    let along = (x: b.x - a.x, y: b.y - a.y)
    let square = along.x * along.x + along.y * along.y
    for row in rows where top.contains(row) {
      for column in columns where left.contains(column) {
        let from = (x: Double(column) - a.x, y: Double(row) - a.y)
        let share = square > 0 ? max(0, min(1, (from.x * along.x + from.y * along.y) / square)) : 0
        let distance = hypot(from.x - share * along.x, from.y - share * along.y)
        canvas.blend(column, row, .line, 1.5 - distance)
      }
    }
  }
}
