import Foundation
import STEM
import Simulation
import Testing

@testable import Reconstruction

@Suite("dpc with detector segments")
struct SegmentTests {
  private static let quadrants = SegmentRings([
    .init(
      name: "q", inner: Quantity(5, .milliradian), outer: Quantity(40, .milliradian), sectors: 4,
      start: Quantity(45, .degree))
  ])
  private static let nine = SegmentRings([
    .init(
      name: "inner", inner: Quantity(0, .pixel), outer: Quantity(15, .milliradian), sectors: 3,
      start: Quantity(10, .degree)),
    .init(
      name: "outer", inner: Quantity(15, .milliradian), outer: Quantity(35, .milliradian), sectors: 6,
      start: Quantity(-20, .degree)),
  ])

  /// An even disk of 20 px, moved from the middle of 64 × 72 pixels at half pixels.
  private func disk(_ shift: Pair<Double>) -> [Float] {
    (0..<64 * 72).map { index in
      let r = hypot(Double(index / 72) - 31.5 - shift.y, Double(index % 72) - 35.5 - shift.x)
      return Float(min(1, max(0, 20.5 - r)))
    }
  }

  @Test(
    "a disk that moves a little moves the segments' result as much",
    arguments: [DifferentialPhaseContrast.Response.disk, .vacuumScan])
  func segments(response: DifferentialPhaseContrast.Response) throws {
    var noise = Noise(2)
    let shifts = (0..<60).map { _ in Pair(0.4 * noise.next(), 0.4 * noise.next()) }
    let frames = shifts.map(disk), shape = Shape(6, 10)
    var calibration = Calibration()
    calibration.energy = Sourced(200e3, .job)
    calibration.semiangle = Sourced(0.02, .job)
    calibration.detectorPixel = Sourced(Pair(Quantity(1, .milliradian), Quantity(1, .milliradian)), .job)
    calibration.scanStep = Sourced(Pair(0.3, 0.3), .job)
    calibration.center = Sourced(Pair(31.5, 35.5), .job)
    var context = FrameContext(scan: shape, detector: Shape(64, 72), pixelType: .f32, calibration: calibration)
    context.arrays["vacuum.npy"] = DenseArray(shape: [64, 72], values: disk(Pair(0, 0)).map(Double.init))
    for rings in [Self.quadrants, Self.nine] {
      var analysis = DifferentialPhaseContrast()
      (analysis.detector, analysis.segments, analysis.response) = (.segments, rings, response)
      analysis.vacuum = response == .vacuumScan ? "vacuum.npy" : nil
      let found = try Solved(analysis, context, frames)
      #expect(found.outputs.contains { $0.name == "phase" } && found.map("phase").count == 60)
      for (name, truth) in [("com_y", shifts.map(\.y)), ("com_x", shifts.map(\.x))] {
        let comparison = Comparison(found.map(name), truth, shape)
        #expect(abs(comparison.slope - 1) < 0.03 && comparison.error < 0.02, "\(name), \(rings.rings.count) rings")
      }
    }
    var tight = DifferentialPhaseContrast()
    (tight.detector, tight.response) = (.segments, .disk)
    tight.segments = SegmentRings([
      .init(name: "q", inner: Quantity(0, .pixel), outer: Quantity(15, .pixel), sectors: 4, start: Quantity(0, .degree))
    ])
    let error = #expect(throws: Problems.self) { _ = try tight.outputs(context) }
    #expect(error!.list.map(\.place) == ["segments.q"])
    #expect(error!.description.contains("must lie inside segments on all sides"))
    // A measured radius is known only when the kernel is made; a guess of it before refuses nothing.
    context.calibration.semiangle = nil
    context.calibration.diskRadius = Sourced(20, .measured)
    _ = try tight.outputs(context)
    let late = #expect(throws: (any Error).self) { _ = try BoundKernel(tight, context) }
    #expect("\(late!)".contains("segments.q: a deflection changes no signal"))
    (tight.response, tight.vacuum) = (.vacuumScan, "vacuum.npy")
    let vacuum = #expect(throws: (any Error).self) { _ = try BoundKernel(tight, context) }
    #expect("\(vacuum!)".contains("segments.q: a deflection changes no signal"))
  }

  private static func rings(_ rings: (inner: Double, outer: Double, sectors: Int, start: Double)...) -> SegmentRings {
    SegmentRings(
      rings.enumerated().map { index, ring in
        .init(
          name: "r\(index)", inner: Quantity(ring.inner, .pixel), outer: Quantity(ring.outer, .pixel),
          sectors: ring.sectors, start: Quantity(ring.start, .degree))
      })
  }

  @Test(
    "segments that cannot tell two directions are refused before the pass",
    arguments: [DifferentialPhaseContrast.Response.none, .disk])
  func directions(response: DifferentialPhaseContrast.Response) throws {
    let scan = try SimulatedScan(.vacuum) { $0.scanShape = Shape(3, 3) }
    let found = { (rings: SegmentRings) in
      problems(scan) { ($1.detector, $1.segments, $1.response) = (.segments, rings, response) }
    }
    let line = "cannot tell two directions"
    #expect(found(Self.rings((0, 12, 1, 0))).contains("segments.r0.sectors: one segment \(line)"))
    #expect(found(Self.rings((0, 12, 2, 30))).contains("segments.r0.sectors: segments along one line \(line)"))
    #expect(found(Self.rings((0, 3, 1, 0), (3, 12, 1, 0))).contains("segments: segments along one line \(line)"))
    #expect(found(Self.rings((0, 7, 2, 70), (7, 12, 2, 250))).contains("segments: segments along one line \(line)"))
    #expect(found(Self.rings((0, 12, 3, 10))) == "no problem")
    #expect(found(Self.rings((0, 12, 4, 45))) == "no problem")
    // The disk's edge, at 8 px, lies in the outer ring; with no response nobody knows.
    #expect(found(Self.rings((0, 5, 2, 0), (5, 12, 3, 0))) == "no problem")
    let outside = found(Self.rings((12, 20, 4, 0)))
    #expect(response == .disk ? outside.contains("segments.r0: a deflection changes") : outside == "no problem")
  }

  @Test("segments point to a charge as the center of mass does; without a response they have no unit")
  func segmentSigns() throws {
    let scan = try SimulatedScan(.charge) {
      ($0.scanShape, $0.peakPhase, $0.scanStep, $0.objectWidth) = (Shape(11, 9), 0.1, Pair(0.6, 0.6), 3)
    }
    let truth = scan.truth.map(\.detectorDeflection.x)
    let found = try scan.solve { ($0.detector, $0.segments, $0.response) = (.segments, Self.quadrants, .disk) }
    // Exact only for a deflection that is the same all over the probe.
    let comparison = Comparison(found.map("com_x"), truth, scan.parameters.scanShape)
    #expect(abs(comparison.slope - 1) < 0.12 && comparison.error < 0.03)
    let raw = try scan.solve { ($0.detector, $0.segments) = (.segments, Self.quadrants) }
    #expect(!raw.outputs.contains { ["phase", "field_y", "charge_density"].contains($0.name) })
    #expect(raw.outputs.first { $0.name == "deflection_y" }?.unit == "a.u.")
    #expect(Comparison(raw.map("com_x"), truth, scan.parameters.scanShape).slope > 0.1)
  }

  @Test("segments of a job are decoded, their mistakes named")
  func decoding() throws {
    var analysis = DifferentialPhaseContrast()
    let ring = Setting.map([("outer_radius", .text("20 mrad")), ("start_angle", .text("45 deg"))])
    try DifferentialPhaseContrast.declaration.decode(
      .map([("detector", .text("segments")), ("segments", .map([("q", ring)]))]), into: &analysis)
    #expect(analysis.segments?.rings.first?.sectors == 4)
    #expect(SegmentRings.self == type(of: try SegmentRings(analysis.segments!.setting, form: .text)))
    for (setting, message) in [
      (Setting.map([("q", .map([("sectors", .integer(4))]))]), "q.outer_radius: missing"),
      (.map([("q", .map([("outer_radius", .text("20 mrad")), ("sector", .integer(4))]))]), "did you mean 'sectors'"),
      (.map([]), "at least one ring by name"),
    ] {
      let error = #expect(throws: (any Error).self) { _ = try SegmentRings(setting, form: .text) }
      #expect("\(error!)".contains(message))
    }
  }
}
