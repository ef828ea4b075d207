import STEM

/// A finished picture: pixels and what its text chunks say.
struct Picture {
  var canvas: Canvas
  var texts: [(key: String, value: String)]
}

extension ResultArray {
  /// The picture of an output: a line for a profile, positions × bins for profiles of positions, otherwise an image.
  /// Of an output that is a view of itself.
  func picture() -> Picture {
    switch kind {
    case .profile where axes.count == 1 && values.count > 1: LinePlot(self).picture()
    case .perPositionProfile: ImageFigure(self, plane.reducedRows(to: 1024)).picture()
    default: ImageFigure(self, plane).picture()
    }
  }

  /// What every picture's text chunks hold.
  func texts(range: ClosedRange<Double>, scale: String, extra: [(String, String)] = []) -> [(
    key: String, value: String
  )] {
    [
      ("Title", "\(analysis) \(output)"), ("Software", "ronchi"), ("Quantity", quantity), ("Unit", unit),
      ("Range", "\(range.lowerBound) \(range.upperBound)"), ("Scale", scale),
      ("Shape", shape.map(String.init).joined(separator: " ")),
      ("Missing", String(values.reduce(0) { $0 + ($1.isNaN ? 1 : 0) })),
    ] + extra
  }
}
