import Foundation
import Kernels
import STEM

extension SegmentRings {
  /// Throws `Problem` where the positions of the segments cannot determine deflections along two directions.
  func checkDirections(_ context: FrameContext) throws {
    let places = try rings.flatMap { try Self.centroids($0, context) }
    let count = Double(places.count)
    let mean = Pair(places.reduce(0) { $0 + $1.y } / count, places.reduce(0) { $0 + $1.x } / count)
    let yy = places.reduce(0) { $0 + ($1.y - mean.y) * ($1.y - mean.y) }
    let xx = places.reduce(0) { $0 + ($1.x - mean.x) * ($1.x - mean.x) }
    let yx = places.reduce(0) { $0 + ($1.y - mean.y) * ($1.x - mean.x) }
    guard yy * xx - yx * yx <= 1e-9 * (yy + xx) * (yy + xx) else { return }
    throw Problem(
      .badConfiguration, at: rings.count == 1 ? "\(rings[0].name).sectors" : "",
      "\(places.count == 1 ? "one segment" : "segments along one line") cannot tell two directions of deflection; "
        + "use at least three sectors, or turn rings against each other by start_angle")
  }
}

extension SegmentRings {
  /// Of the sectors of a ring, from its middle [px].
  private static func centroids(_ ring: Ring, _ context: FrameContext) throws -> [Pair<Double>] {
    let inner = try context.pixels(ring.inner), outer = try context.pixels(ring.outer)
    let half = Double.pi / Double(ring.sectors)
    let radius = 2 / 3 * (pow(outer, 3) - pow(inner, 3)) / (outer * outer - inner * inner)
    let length = ring.sectors > 1 ? radius * sin(half) / half : 0
    return (0..<ring.sectors).map { sector in
      let angle = ring.start.base + half * Double(2 * sector + 1)
      return Pair(-length * sin(angle), length * cos(angle))
    }
  }
}

extension DifferentialPhaseContrast {
  /// What the response expects of each segment; nil without a response.
  func responseSignals(_ segments: [PixelSelection], _ context: FrameContext) throws -> [SegmentResponse.Signal]? {
    switch response {
    case .disk: SegmentResponse.disk(segments, center: context.center, radius: context.diskRadius ?? 0)
    case .vacuumScan: SegmentResponse.vacuum(segments, try context.detectorValues(vacuum ?? ""))
    case .none: nil
    }
  }

  /// Throws `Problem`, its place relative to `segments`, where the response is sure not to know some direction.
  func checkResponse(_ selections: [PixelSelection], _ context: FrameContext) throws {
    guard let signals = try responseSignals(selections, context) else { return }
    let pattern = try expectedPattern(context)
    let centroids = selections.map { Self.centroid($0, pattern, context.center) }
    guard SegmentResponse(signals, centroids: centroids) == nil else { return }
    let rings = segments?.rings ?? []
    let edge =
      response == .disk
      ? "the edge of the bright disk (\(context.diskRadius.map { lengthText($0, context) } ?? "unknown"))"
      : "the edge of the disk in \(vacuum ?? "the vacuum pattern")"
    throw Problem(
      .badConfiguration, at: rings.count == 1 ? rings[0].name : "",
      "a deflection changes no signal along some direction: \(edge) must lie inside segments on all sides; "
        + "choose other radii or sectors")
  }

  private func expectedPattern(_ context: FrameContext) throws -> [Double] {
    guard response == .disk else { return try context.detectorValues(vacuum ?? "") }
    let geometry = DetectorGeometry(context.detector, center: context.center), width = context.detector.x
    return (0..<context.detector.count).map {
      min(1, max(0, (context.diskRadius ?? 0) + 0.5 - geometry.radius($0 / width, $0 % width)))
    }
  }

  /// From the center [px]; of all pixels alike where the pattern has no intensity.
  private static func centroid(
    _ selection: PixelSelection, _ pattern: [Double], _ center: Pair<Double>
  ) -> Pair<Double> {
    func mean(_ weight: (Int) -> Double) -> Pair<Double> {
      var (sum, y, x) = (0.0, 0.0, 0.0)
      for index in selection.included.indices where selection.included[index] && weight(index).isFinite {
        sum += weight(index)
        y += weight(index) * (Double(index / selection.shape.x) - center.y)
        x += weight(index) * (Double(index % selection.shape.x) - center.x)
      }
      return Pair(y / sum, x / sum)
    }
    let found = mean { pattern[$0] }
    return found.y.isFinite && found.x.isFinite ? found : mean { _ in 1 }
  }
}

extension FrameContext {
  /// Whether the disk's radius is given and not still to be measured.
  var isDiskGiven: Bool {
    let calibration = self.calibration
    if let semiangle = calibration.semiangle, let pixel = calibration.detectorPixel, calibration.pixelAngle != nil {
      return semiangle.origin != .measured && pixel.origin != .measured
    }
    return calibration.diskRadius.map { $0.origin != .measured } ?? false
  }
}
