import Foundation
import Kernels
import STEM

/// A segmented detector as a job gives it: named rings around the optical axis, each cut into equal sectors.
struct SegmentRings: ParameterType, Equatable {
  struct Ring: Sendable, Equatable {
    var name: String
    var inner: Quantity
    var outer: Quantity
    var sectors: Int
    /// Where the first sector begins, counter-clockwise from +x on screen.
    var start: Quantity
  }

  var rings: [Ring]

  init(_ rings: [Ring] = []) { self.rings = rings }

  private static let length = ParameterForm.quantity(lengthUnits)
  private static let sectorCount = ParameterForm.integer(1...360)
  private static let angle = ParameterForm.quantity([.degree, .radian, .milliradian], -1e6...1e6)

  static let fields: [ParameterForm.Field] = [
    .init("inner_radius", length, "inner_radius ≤ r; 0 when not given."),
    .init("outer_radius", length, required: true, "r < outer_radius."),
    .init("sectors", sectorCount, "Segments of equal angle; 4 when not given."),
    .init(
      "start_angle", angle,
      "Where the first sector begins, counter-clockwise from +x on screen; 0 deg when not given, upper right first."),
  ]

  init(_ setting: Setting, form: ParameterForm) throws {
    guard case .map(let items) = setting, !items.isEmpty else {
      throw Problem(
        .badConfiguration,
        "'\(setting.text)' given; at least one ring by name is needed: {quadrants: {outer_radius: 20 mrad, sectors: 4}}"
      )
    }
    var problems: [Problem] = []
    rings = []
    for item in items {
      problems += gather(at: item.key) { rings.append(try Self.ring(item.key, item.value)) }
    }
    try problems.throwIfAny()
  }

  private static func ring(_ name: String, _ setting: Setting) throws -> Ring {
    guard case .map(let items) = setting else {
      throw Problem(.badConfiguration, "'\(setting.text)' given; a ring is a map: {outer_radius: 20 mrad, sectors: 4}")
    }
    var fields = FieldReader(items)
    fields.allow(Self.fields.map(\.name), of: "a ring of segments")
    let inner = fields.optional("inner_radius", Quantity.self, length) ?? Quantity(0, .pixel)
    let outer = fields.required("outer_radius", Quantity.self, length)
    let sectors = fields.optional("sectors", Int.self, sectorCount) ?? 4
    let start = fields.optional("start_angle", Quantity.self, angle) ?? Quantity(0, .degree)
    try fields.finish()
    return Ring(name: name, inner: inner, outer: outer!, sectors: sectors, start: start)
  }

  var setting: Setting {
    .map(
      rings.map { ring in
        (
          ring.name,
          .map([
            ("inner_radius", ring.inner.setting), ("outer_radius", ring.outer.setting),
            ("sectors", .integer(ring.sectors)), ("start_angle", ring.start.setting),
          ])
        )
      })
  }

  /// The pixels of every segment, ring by ring, sector by sector. Throws `Problems`, places relative to the parameter.
  func place(_ context: FrameContext) throws -> [PixelSelection] {
    let geometry = DetectorGeometry(context.detector, center: context.center)
    let alive = PixelSelection.alive(context.detector, dead: context.deadPixels)
    var problems: [Problem] = []
    var result: [PixelSelection] = []
    for ring in rings {
      problems += gather(at: ring.name) {
        let (inner, outer) = try context.ring(ring.inner, ring.outer)
        for sector in 0..<ring.sectors {
          let start = ring.start.base * 180 / .pi + 360 * Double(sector) / Double(ring.sectors)
          let pixels = geometry.segment(
            inner: inner, outer: outer, start: start, end: start + 360 / Double(ring.sectors)
          ).intersection(alive)
          guard !pixels.isEmpty else {
            throw Problem(
              .badConfiguration,
              "no pixel belongs to sector \(sector + 1) of \(ring.sectors); choose other radii or fewer sectors")
          }
          result.append(pixels)
        }
      }
    }
    try problems.throwIfAny()
    return result
  }
}

/// What the segments' weighted mean position says of the beam's: linear in the deflection.
///
/// For a disk of even intensity that moves by δ, segment j gains ∮ n·δ ds over the part of the disk's edge that lies in
/// it. After Close et al., Ultramicroscopy 159 (2015) 124.
struct SegmentResponse: Equatable {
  /// Weighted mean position of the undeflected beam [px].
  let reference: Pair<Double>
  /// Deflection = matrix · (weighted mean position − reference), (yy, yx, xy, xx).
  let matrix: [Double]

  /// Expected signal of a segment and its derivatives with respect to a deflection [1/px].
  struct Signal {
    var value = 0.0
    var slope = Pair(0.0, 0.0)
  }

  /// - Parameter centroids: of the mean pattern in each segment, from the optical axis [px]
  /// nil where a deflection does not change the segments' signals along some direction.
  init?(_ signals: [Signal], centroids: [Pair<Double>]) {
    let total = signals.reduce(0) { $0 + $1.value }
    guard total > 0 else { return nil }
    var reference = Pair(0.0, 0.0)
    for (signal, c) in zip(signals, centroids) where signal.value != 0 {
      reference.y += signal.value * c.y / total
      reference.x += signal.value * c.x / total
    }
    self.reference = reference
    // d(Σ c s / Σ s) / dδ
    var (yy, yx, xy, xx) = (0.0, 0.0, 0.0, 0.0)
    for (signal, c) in zip(signals, centroids) where c.y.isFinite && c.x.isFinite {
      yy += (c.y - reference.y) * signal.slope.y / total
      yx += (c.y - reference.y) * signal.slope.x / total
      xy += (c.x - reference.x) * signal.slope.y / total
      xx += (c.x - reference.x) * signal.slope.x / total
    }
    let determinant = yy * xx - yx * xy
    // A perfect position-sensitive detector has 1; a ten-thousandth of it would only amplify noise.
    guard determinant.isFinite, abs(determinant) > 1e-8 else { return nil }
    matrix = [xx / determinant, -yx / determinant, -xy / determinant, yy / determinant]
  }

  func deflection(_ position: Pair<Double>) -> Pair<Double> {
    let (y, x) = (position.y - reference.y, position.x - reference.x)
    return Pair(matrix[0] * y + matrix[1] * x, matrix[2] * y + matrix[3] * x)
  }

  /// Of an even disk of `radius` px around `center`, pixels at its edge counted by the part of their width inside.
  static func disk(_ segments: [PixelSelection], center: Pair<Double>, radius: Double) -> [Signal] {
    guard let shape = segments.first?.shape else { return [] }
    let geometry = DetectorGeometry(shape, center: center)
    let points = max(720, Int(64 * radius))
    return segments.map { segment in
      var signal = Signal()
      for index in segment.included.indices where segment.included[index] {
        signal.value += min(1, max(0, radius + 0.5 - geometry.radius(index / shape.x, index % shape.x)))
      }
      for point in 0..<points {
        let angle = 2 * Double.pi * (Double(point) + 0.5) / Double(points)
        let normal = Pair(sin(angle), cos(angle))
        let row = Int((center.y + radius * normal.y).rounded()), column = Int((center.x + radius * normal.x).rounded())
        guard (0..<shape.y).contains(row), (0..<shape.x).contains(column), segment.included[row * shape.x + column]
        else { continue }
        let arc = 2 * Double.pi * radius / Double(points)
        signal.slope.y += normal.y * arc
        signal.slope.x += normal.x * arc
      }
      return signal
    }
  }

  /// Of a measured pattern without a specimen, row-major: minus its gradient, by central differences.
  static func vacuum(_ segments: [PixelSelection], _ pattern: [Double]) -> [Signal] {
    guard let shape = segments.first?.shape else { return [] }
    let value = { (y: Int, x: Int) -> Double in
      guard (0..<shape.y).contains(y), (0..<shape.x).contains(x) else { return 0 }
      let v = pattern[y * shape.x + x]
      return v.isFinite ? v : 0
    }
    return segments.map { segment in
      var signal = Signal()
      for index in segment.included.indices where segment.included[index] {
        let (y, x) = (index / shape.x, index % shape.x)
        signal.value += value(y, x)
        signal.slope.y -= (value(y + 1, x) - value(y - 1, x)) / 2
        signal.slope.x -= (value(y, x + 1) - value(y, x - 1)) / 2
      }
      return signal
    }
  }
}
