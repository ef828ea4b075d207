import Kernels
import STEM

/// A detector on the pixels of a scan.
struct PlacedDetector {
  var weights: PixelWeights
  /// Pixels that take part.
  var pixels: Int
  /// Radii in px and the calibrated units, the center, the number of pixels.
  var attributes: [(key: String, value: Setting)]
  /// The shape where it follows the origin frame by frame; `weights` is then what it is about the mean origin.
  var moving: MovingShape?
}

extension Detector {
  /// Places relative to the detector. Throws `Problem`, also for a detector without a pixel.
  func place(_ context: FrameContext) throws -> PlacedDetector {
    if case .mask(let path) = form { return try placeMask(path, context) }
    let geometry = DetectorGeometry(context.detector, center: center ?? context.center)
    let alive = PixelSelection.alive(context.detector, dead: context.deadPixels)
    var attributes: [(key: String, value: Setting)] = []
    let selection = try select(geometry, context, &attributes)
    let taken = selection.intersection(alive)
    let follows = context.followsOrigin && center == nil
    // Dead pixels under the mean origin are no reason: the shape moves on.
    if taken.isEmpty, !(follows && !selection.isEmpty) {
      throw empty(geometry, context, hadPixels: !selection.isEmpty)
    }
    attributes += centerAttributes(context, own: center)
    attributes.append(("pixels", .integer(taken.count)))
    return PlacedDetector(
      weights: .selection(taken), pixels: taken.count, attributes: attributes,
      moving: follows ? try movingShape(context) : nil)
  }

  private func movingShape(_ context: FrameContext) throws -> MovingShape {
    switch form {
    case .preset(let preset):
      let (inner, outer) = try Self.range(preset, context)
      return .annulus(inner: inner, outer: outer)
    case .disk(let radius): return .annulus(inner: 0, outer: try context.pixels(radius))
    case let .annulus(inner, outer):
      let (first, last) = try context.ring(inner, outer)
      return .annulus(inner: first, outer: last)
    case let .segment(inner, outer, start, end):
      let (first, last) = try context.ring(inner, outer)
      let degrees = try Self.sweep(start, end)
      return .segment(inner: first, outer: last, start: degrees.start, end: degrees.end)
    case let .rectangle(height, width):
      return .rectangle(
        height: try context.withPixels(\.y).pixels(height), width: try context.withPixels(\.x).pixels(width))
    case .point, .mask: return .pixel
    }
  }

  private func select(
    _ geometry: DetectorGeometry, _ context: FrameContext, _ lengths: inout [(key: String, value: Setting)]
  ) throws -> PixelSelection {
    switch form {
    case .preset(let preset):
      let (inner, outer) = try Self.range(preset, context)
      lengths += lengthAttributes("inner_radius", inner, context)
      lengths += lengthAttributes("outer_radius", min(outer, geometry.edge), context)
      return geometry.annulus(inner: inner, outer: outer)
    case .disk(let radius):
      let pixels = try context.pixels(radius, at: "radius")
      try requireInside(pixels, given: radius, geometry, context, key: "radius")
      lengths += lengthAttributes("radius", pixels, context)
      return geometry.annulus(inner: 0, outer: pixels)
    case let .annulus(inner, outer):
      let (first, last) = try context.ring(inner, outer)
      lengths += lengthAttributes("inner_radius", first, context) + lengthAttributes("outer_radius", last, context)
      return geometry.annulus(inner: first, outer: last)
    case let .segment(inner, outer, start, end):
      let (first, last) = try context.ring(inner, outer)
      let degrees = try Self.sweep(start, end)
      lengths += lengthAttributes("inner_radius", first, context) + lengthAttributes("outer_radius", last, context)
      return geometry.segment(inner: first, outer: last, start: degrees.start, end: degrees.end)
    case let .rectangle(height, width):
      let rows = context.withPixels(\.y), columns = context.withPixels(\.x)
      let tall = try rows.pixels(height, at: "height"), wide = try columns.pixels(width, at: "width")
      lengths += lengthAttributes("height", tall, rows) + lengthAttributes("width", wide, columns)
      return geometry.rectangle(height: tall, width: wide)
    case .point, .mask: return geometry.pixel()
    }
  }

  private static func sweep(_ start: Quantity, _ end: Quantity) throws -> (start: Double, end: Double) {
    let first = start.base * 180 / .pi, last = end.base * 180 / .pi
    let sweep = last < first ? last - first + 360 : last - first
    guard sweep > 1e-9, sweep < 360 + 1e-9 else {
      throw Problem(
        .badConfiguration, at: "end_angle",
        "\(end) given with start_angle \(start); the segment must span more than 0 and at most 360 deg")
    }
    return (first, last)
  }

  private static func range(_ preset: Preset, _ context: FrameContext) throws -> (Double, Double) {
    guard let alpha = context.diskRadius, alpha > 0 else {
      throw Problem(
        .badConfiguration, at: "preset",
        "\(preset.rawValue) needs the convergence semi-angle, which is not known; give calibration.semiangle and "
          + "calibration.detector_pixel")
    }
    switch preset {
    case .bf: return (0, alpha)
    case .abf: return (alpha / 2, alpha)
    case .adf: return (alpha, 2 * alpha)
    case .haadf: return (2 * alpha, .infinity)
    }
  }

  private func empty(_ geometry: DetectorGeometry, _ context: FrameContext, hadPixels: Bool) -> Problem {
    let edge = edgeText(geometry, context)
    if hadPixels { return Problem(.badConfiguration, "only dead pixels belong to it (\(edge)); make it larger") }
    var what = ""
    if case .preset(let preset) = form, let range = try? Self.range(preset, context) {
      let inner = lengthText(range.0, context)
      what = range.1.isFinite ? "\(inner) to \(lengthText(range.1, context)): " : "from \(inner) on: "
    }
    return Problem(
      .badConfiguration,
      "\(what)no pixel belongs to it (\(edge)); choose other radii, check calibration.semiangle, "
        + "calibration.detector_pixel and calibration.center, or remove it")
  }

  private func placeMask(_ path: String, _ context: FrameContext) throws -> PlacedDetector {
    let weights = try maskWeights(path, context)
    let (taken, sum) = countAndSum(weights)
    guard taken > 0 else {
      throw Problem(.badData, at: "path", "\(path) has no weight but 0 on pixels that are not dead; give another mask")
    }
    return PlacedDetector(
      weights: PixelWeights(context.detector, weights: weights), pixels: taken,
      attributes: [("pixels", .integer(taken)), ("weight_sum", .number(sum))])
  }
}

/// How many weights are not 0, and Σ weight. In lanes: a mask is placed several times in a run, and there may be many.
private func countAndSum(_ weights: [Double]) -> (count: Int, sum: Double) {
  var (count, sum) = (SIMD8<Int64>.zero, SIMD8<Double>.zero)
  weights.withUnsafeBytes { bytes in
    for start in stride(from: 0, to: weights.count / 8 * 8, by: 8) {
      let lanes = bytes.loadUnaligned(fromByteOffset: 8 * start, as: SIMD8<Double>.self)
      count &+= SIMD8<Int64>.zero.replacing(with: 1, where: lanes .!= 0)
      sum += lanes
    }
  }
  let rest = weights.suffix(weights.count % 8)
  return (Int(count.wrappedSum()) + rest.count { $0 != 0 }, sum.sum() + rest.reduce(0, +))
}

/// The weights of a mask file, 0 on dead pixels. Problems are placed at `path`.
func maskWeights(_ path: String, at key: String = "path", _ context: FrameContext) throws -> [Double] {
  let weights: [Double]
  do { weights = try context.detectorValues(path) } catch { throw error.inside(key) }
  guard let wrong = weights.firstIndex(where: { !$0.isFinite }) else {
    guard let dead = context.deadPixels else { return weights }
    return zip(weights, dead).map { $1 ? 0 : $0 }
  }
  throw Problem(
    .badData, at: key,
    "\(path) has the weight \(weights[wrong]) at row \(wrong / context.detector.x), column "
      + "\(wrong % context.detector.x); only finite weights are allowed")
}

/// Throws for a radius beyond the farthest corner of the detector, which must be a mistake.
func requireInside(
  _ radius: Double, given: Quantity, _ geometry: DetectorGeometry, _ context: FrameContext, key: String
) throws {
  guard radius > geometry.edge + 1 else { return }
  let most: String
  switch given.unit.dimension {
  case .angle: most = lengthText(geometry.edge, context)
  case .reciprocalLength: most = reciprocalText(geometry.edge, context)
  default: most = "\(shortNumber(geometry.edge.rounded(.up))) px"
  }
  throw Problem(
    .badConfiguration, at: key,
    "\(given) lies outside the detector (\(edgeText(geometry, context))); use at most \(most) or remove the key")
}

/// `edge at 182 mrad = 96.2 px`.
func edgeText(_ geometry: DetectorGeometry, _ context: FrameContext) -> String {
  let pixels = "\(shortNumber((geometry.edge * 10).rounded() / 10)) px"
  guard context.calibration.pixelAngle != nil else { return "edge at \(pixels)" }
  return "edge at \(lengthText(geometry.edge, context)) = \(pixels)"
}

private func reciprocalText(_ pixels: Double, _ context: FrameContext) -> String {
  guard let pixel = context.calibration.pixelReciprocal else { return lengthText(pixels, context) }
  return "\(shortNumber((pixels * pixel.mean * 1000).rounded() / 1000)) Å⁻¹"
}
