import Foundation
import STEM

/// Scan positions in the axes of the detector: deflection_scan = R(rotation) · T · deflection_detector, T swapping y
/// and x first, R turning clockwise on screen (y down).
struct ScanGeometry {
  private let shape: Shape
  private let step: Pair<Double>
  private let sine: Double
  private let cosine: Double
  private let transpose: Bool

  init(_ parameters: SimulationParameters) {
    shape = parameters.scanShape
    step = parameters.scanStep
    sine = sin(parameters.scanRotation)
    cosine = cos(parameters.scanRotation)
    transpose = parameters.transpose
  }

  /// A vector of the scan in the detector's axes.
  func detector(_ scan: Pair<Double>) -> Pair<Double> {
    let turned = Pair(cosine * scan.y - sine * scan.x, sine * scan.y + cosine * scan.x)
    return transpose ? Pair(turned.x, turned.y) : turned
  }

  /// A vector of the detector in the scan's axes.
  func scan(_ detector: Pair<Double>) -> Pair<Double> {
    let vector = transpose ? Pair(detector.x, detector.y) : detector
    return Pair(cosine * vector.y + sine * vector.x, -sine * vector.y + cosine * vector.x)
  }

  /// A position relative to the middle of the scan, in the detector's axes [Å].
  func place(_ position: Int) -> Pair<Double> {
    let (row, column) = position.quotientAndRemainder(dividingBy: shape.x)
    return detector(
      Pair((Double(row) - Double(shape.y - 1) / 2) * step.y, (Double(column) - Double(shape.x - 1) / 2) * step.x))
  }

  /// Edge lengths of the smallest box along the detector's axes that holds all positions [Å].
  var extent: Pair<Double> {
    let half = Pair(Double(shape.y - 1) * step.y / 2, Double(shape.x - 1) * step.x / 2)
    let corners = [detector(half), detector(Pair(half.y, -half.x))]
    return Pair(2 * corners.map { abs($0.y) }.max()!, 2 * corners.map { abs($0.x) }.max()!)
  }
}
