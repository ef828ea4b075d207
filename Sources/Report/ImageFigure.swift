import Foundation
import STEM

/// An image with title, color bar and scale bar.
struct ImageFigure {
  /// Screen pixels of the longer edge that small images are magnified to at least.
  static let smallestEdge = 384
  private static let margin = 16
  private static let top = 60
  private static let barWidth = 16

  private let result: ResultArray
  private let plane: Plane
  private let contrast: Contrast
  /// Whole factors from samples to screen pixels.
  let zoom: (y: Int, x: Int)
  private var imageWidth: Int { plane.width * zoom.x }
  private var imageHeight: Int { plane.height * zoom.y }
  /// Narrow images leave room for the color bar.
  private var bodyHeight: Int { max(imageHeight, 128) }

  private var ticks: [Double] { contrast.ticks(about: max(2, bodyHeight / 75)) }

  init(_ result: ResultArray, _ plane: Plane) {
    self.result = result
    self.plane = plane
    contrast = Contrast(
      result.values, kind: result.kind, signed: result.signed,
      isDirection: result.quantity == "Angle" && result.unit == "rad" && result.signed,
      isCategorical: result.categorical)
    zoom = Self.zoom(plane, isSquare: result.kind != .perPositionProfile)
  }

  /// Samples stay square unless the image would be a thread.
  private static func zoom(_ plane: Plane, isSquare: Bool) -> (y: Int, x: Int) {
    let factor = { (length: Int) in max(1, (smallestEdge + length - 1) / max(1, length)) }
    guard isSquare else { return (factor(plane.height), factor(plane.width)) }
    let common = factor(max(plane.height, plane.width))
    let least = { (length: Int) in max(common, (48 + length - 1) / max(1, length)) }
    return (least(plane.height), least(plane.width))
  }

  /// Place of the image's first pixel.
  var origin: (x: Int, y: Int) { (Self.margin, Self.top) }

  func picture() -> Picture {
    let labels = ticks.map(tickLabel)
    let labelWidth = labels.map(Canvas.width(of:)).max() ?? 0
    let body = 2 * Self.margin + imageWidth + 14 + Self.barWidth + 10 + labelWidth
    let titles = [result.output, result.quantityLabel, caption].map(Canvas.width(of:)).max()! + 2 * Self.margin
    var canvas = Canvas(width: max(body, titles), height: Self.top + bodyHeight + 44)
    canvas.draw(result.output, x: Self.margin, y: 12)
    canvas.draw(result.quantityLabel, x: Self.margin, y: 34, .faint)
    drawImage(on: &canvas)
    drawColorBar(on: &canvas, x: origin.x + imageWidth + 14)
    drawFoot(on: &canvas)
    let texts = result.texts(
      range: contrast.range, scale: contrast.text,
      extra: [("Zoom", "\(zoom.y) \(zoom.x)"), ("Image origin", "\(origin.y) \(origin.x)")])
    return Picture(canvas: canvas, texts: texts)
  }

  private func drawImage(on canvas: inout Canvas) {
    for row in 0..<plane.height {
      for column in 0..<plane.width {
        let (x, y) = (origin.x + column * zoom.x, origin.y + row * zoom.y)
        canvas.fill(x: x..<x + zoom.x, y: y..<y + zoom.y, contrast.color(plane.values[row * plane.width + column]))
      }
    }
    canvas.frame(x: origin.x..<origin.x + imageWidth, y: origin.y..<origin.y + imageHeight, .faint)
  }

  private func drawColorBar(on canvas: inout Canvas, x: Int) {
    let (first, height) = (origin.y, bodyHeight)
    for row in 0..<height {
      let color = contrast.barColor(1 - (Double(row) + 0.5) / Double(height))
      canvas.fill(x: x..<x + Self.barWidth, y: first + row..<first + row + 1, color)
    }
    canvas.frame(x: x..<x + Self.barWidth, y: first..<first + height, .faint)
    for tick in ticks {
      let y = first + Int((1 - contrast.place(tick)) * Double(height - 1))
      canvas.fill(x: x + Self.barWidth..<x + Self.barWidth + 5, y: y..<y + 1, .faint)
      let label = min(max(y - Canvas.textHeight / 2, first - 4), first + height - Canvas.textHeight + 4)
      canvas.draw(tickLabel(tick), x: x + Self.barWidth + 10, y: label)
    }
  }

  /// Below the image: a scale bar where the samples are even, the axes' names where they are not.
  private func drawFoot(on canvas: inout Canvas) {
    let y = origin.y + bodyHeight + 16
    guard let bar = scaleBar else { return canvas.draw(caption, x: Self.margin, y: y, .faint) }
    canvas.fill(x: Self.margin..<Self.margin + bar.pixels, y: y + 4..<y + 10, .ink)
    canvas.draw(bar.label, x: Self.margin + bar.pixels + 10, y: y)
  }

  /// A round length of about a quarter of the image.
  private var scaleBar: (pixels: Int, label: String)? {
    guard result.kind != .perPositionProfile, let axis = result.axes.last, let step = axis.step else { return nil }
    let length = roundStep(atMost: max(step, 0.35 * step * Double(plane.width)))
    let pixels = Int((length / step * Double(zoom.x)).rounded())
    guard pixels > 1, pixels < imageWidth else { return nil }
    return (pixels, tickLabel(length) + " " + axis.unit)
  }

  private var caption: String {
    if let bar = scaleBar { return bar.label }
    guard let last = result.axes.last else { return "" }
    return result.axes.count < 2
      ? last.label : "\(result.axes.dropLast().map(\.name).joined(separator: ", ")) / \(last.label)"
  }
}
