import Foundation
import STEM

/// A vector at every position: the hue is its direction, the brightness its length. A wheel shows the convention:
/// red to the right, counter-clockwise on screen to yellow-green (up), cyan (left) and violet (down).
struct VectorFigure {
  private static let margin = 16
  private static let top = 60
  private static let wheel = 96

  private let name: String
  private let y: ResultArray
  private let x: ResultArray
  private let zoom: Int
  /// Length that is drawn with full brightness.
  private let longest: Double
  private var shape: (height: Int, width: Int) { (y.plane.height, y.plane.width) }
  private var bodyHeight: Int { max(shape.height * zoom, Self.wheel + 40) }

  /// - Parameters:
  ///   - y, x: components down and to the right, of the same shape
  init(_ name: String, y: ResultArray, x: ResultArray) {
    self.name = name
    self.y = y
    self.x = x
    let edge = max(1, y.plane.height, y.plane.width)
    zoom = max(1, (ImageFigure.smallestEdge + edge - 1) / edge)
    let lengths = zip(y.values, x.values).map { hypot($0, $1) }.filter(\.isFinite).sorted()
    let top = lengths.isEmpty ? 0 : lengths[Int(0.999 * Double(lengths.count - 1))]
    longest = top > 0 ? top : lengths.last.flatMap { $0 > 0 ? $0 : nil } ?? 1
  }

  func picture() -> Picture {
    let (left, top) = (Self.margin, Self.top)
    let (width, height) = (shape.width * zoom, shape.height * zoom)
    let labels = "\(tickLabel(longest)) \(y.unit)"
    let titles = [name, y.quantityLabel].map(Canvas.width(of:)).max()! + 2 * Self.margin
    let side = max(Self.wheel + 48, Canvas.width(of: labels))
    var canvas = Canvas(width: max(titles, left + width + 14 + side + Self.margin), height: top + bodyHeight + 44)
    canvas.draw(name, x: left, y: 12)
    canvas.draw(y.quantityLabel, x: left, y: 34, .faint)
    for row in 0..<shape.height {
      for column in 0..<shape.width {
        let index = row * shape.width + column
        let (first, line) = (left + column * zoom, top + row * zoom)
        canvas.fill(
          x: first..<first + zoom, y: line..<line + zoom,
          Self.color(y: y.values[index] / longest, x: x.values[index] / longest))
      }
    }
    canvas.frame(x: left..<left + width, y: top..<top + height, .faint)
    drawWheel(on: &canvas, x: left + width + 14, labels)
    drawScale(on: &canvas, width)
    return Picture(
      canvas: canvas,
      texts: y.texts(
        range: 0...longest,
        scale: "hue: direction, red right, yellow-green up, cyan left, violet down; brightness: length",
        extra: [("Zoom", "\(zoom) \(zoom)"), ("Image origin", "\(top) \(left)")]))
  }

  /// Of a vector with components −1…1, y down; black for none, never brighter than for length 1.
  static func color(y: Double, x: Double) -> Color {
    guard y.isFinite, x.isFinite else { return .missing }
    let length = min(1, hypot(y, x))
    // Counter-clockwise on screen from the right.
    let hue = (atan2(-y, x) / (2 * .pi) + 1).truncatingRemainder(dividingBy: 1) * 6
    let level = { (offset: Double) -> UInt8 in
      let place = (hue + offset).truncatingRemainder(dividingBy: 6)
      let share = max(0, min(1, abs(place - 3) - 1))
      return UInt8((255 * length * share).rounded())
    }
    return Color(level(0), level(4), level(2))
  }

  private func drawWheel(on canvas: inout Canvas, x: Int, _ label: String) {
    let radius = Double(Self.wheel) / 2
    let middle = (x: x + 24 + Self.wheel / 2, y: Self.top + 20 + Self.wheel / 2)
    for row in -Self.wheel / 2...Self.wheel / 2 {
      for column in -Self.wheel / 2...Self.wheel / 2 {
        let (down, right) = (Double(row) / radius, Double(column) / radius)
        let color = Self.color(y: down, x: right)
        canvas.blend(middle.x + column, middle.y + row, color, radius + 0.5 - radius * hypot(down, right))
      }
    }
    let reach = Self.wheel / 2 + 8
    canvas.draw("+x", x: middle.x + reach, y: middle.y - Canvas.textHeight / 2, .faint)
    canvas.draw("+y", x: middle.x, y: middle.y + reach, .faint, .center)
    canvas.draw(label, x: x, y: middle.y + reach + 24)
  }

  /// A bar of a round length below the image.
  private func drawScale(on canvas: inout Canvas, _ width: Int) {
    guard let axis = y.axes.last, let step = axis.step else { return }
    let length = roundStep(atMost: max(step, 0.35 * step * Double(shape.width)))
    let pixels = Int((length / step * Double(zoom)).rounded())
    guard pixels > 1, pixels < width else { return }
    let line = Self.top + bodyHeight + 16
    canvas.fill(x: Self.margin..<Self.margin + pixels, y: line + 4..<line + 10, .ink)
    canvas.draw("\(tickLabel(length)) \(axis.unit)", x: Self.margin + pixels + 10, y: line)
  }
}
