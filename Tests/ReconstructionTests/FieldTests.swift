import Foundation
import STEM
import Testing

@testable import Reconstruction

@Suite("Fields and charge")
struct FieldTests {
  private let energy = 200e3

  /// `dpc` on deflections given along the detector's axes [px of 0.02 Å⁻¹].
  private func solve(
    _ deflection: VectorMap, step: Pair<Double>, _ change: (inout DifferentialPhaseContrast, inout Calibration) -> Void
  ) throws -> Solution {
    var analysis = DifferentialPhaseContrast()
    analysis.descan = .none
    var calibration = Calibration()
    calibration.energy = Sourced(energy, .job)
    let pixel = Quantity(0.02, .inverseAngstrom)
    calibration.detectorPixel = Sourced(Pair(pixel, pixel), .job)
    calibration.scanStep = Sourced(step, .job)
    calibration.scanRotation = Sourced(0, .job)
    calibration.transpose = Sourced(false, .job)
    change(&analysis, &calibration)
    let context = FrameContext(
      scan: deflection.shape, detector: Shape(64, 64), pixelType: .u16, calibration: calibration)
    let rows = ["com_y": deflection.y.map { $0 / 0.02 }, "com_x": deflection.x.map { $0 / 0.02 }]
    return try analysis.solve(PassResults(rows: rows), context, NoControl())
  }

  @Test("the interaction constant is that of the textbooks")
  func interaction() {
    // Kirkland (2010), table 5.1 and abTEM: rad/(V·Å).
    for (energy, sigma) in [(80e3, 1.00871e-3), (100e3, 9.2440e-4), (200e3, 7.2884e-4), (300e3, 6.5262e-4)] {
      #expect(abs(FieldFormulas.interaction(energy: energy) / sigma - 1) < 2e-5)
    }
  }

  /// Around a line of `charge` e (projected), spread as a Gaussian: E_proj = Q/(2πε₀r)·(1 − exp(−r²/2w²)) outwards, and
  /// the electrons go the other way.
  private func lineCharge(_ charge: Double, _ shape: Shape, _ step: Pair<Double>, width: Double) -> VectorMap {
    let middle = Pair(Double(shape.y - 1) / 2, Double(shape.x - 1) / 2)
    let sigma = FieldFormulas.interaction(energy: energy)
    let vectors = (0..<shape.count).map { index -> Pair<Double> in
      let y = (Double(index / shape.x) - middle.y) * step.y, x = (Double(index % shape.x) - middle.x) * step.x
      let square = max(1e-12, y * y + x * x)
      let field = charge / (2 * .pi * 5.526_349e-3 * square) * (1 - exp(-square / (2 * width * width)))
      return Pair(-sigma / (2 * .pi) * field * y, -sigma / (2 * .pi) * field * x)
    }
    return VectorMap(shape, y: vectors.map(\.y), x: vectors.map(\.x))
  }

  @Test("Gauss: the charge density of a line charge sums to the charge", arguments: [3.0, -1.5])
  func gauss(charge: Double) throws {
    let shape = Shape(61, 71), step = Pair(0.2, 0.25), width = 0.8
    let solution = try solve(lineCharge(charge, shape, step, width: width), step: step) { _, _ in }
    let density = try #require(solution.values["charge_density"])
    let total = density.reduce(0, +) * step.y * step.x
    #expect(abs(total / charge - 1) < 0.01)
    let middle = density[30 * 71 + 35]
    // The peak of the Gaussian, a little flattened by central differences.
    #expect(abs(middle / (charge / (2 * .pi * width * width)) - 1) < 0.05)
  }

  @Test("thickness turns V into V/m; fields are 2π/σ times the deflection, backwards")
  func thickness() throws {
    let shape = Shape(12, 13), step = Pair(0.2, 0.2)
    let deflection = lineCharge(2, shape, step, width: 0.5)
    let projected = try solve(deflection, step: step) { _, _ in }
    let mean = try solve(deflection, step: step) { analysis, _ in analysis.thickness = Quantity(5, .nanometre) }
    let (y, x) = (projected.values["field_y"]!, mean.values["field_x"]!)
    for index in y.indices {
      #expect(abs(y[index] + 2 * .pi * deflection.y[index] / 7.28840e-4) < 1e-4 * abs(y[index]) + 1e-12)
      #expect(abs(x[index] - projected.values["field_x"]![index] * 1e10 / 50) <= 1e-9 * abs(x[index]))
    }
    #expect(largestDifference(projected.values["charge_density"]!, mean.values["charge_density"]!) == 0)
  }

  @Test("1 T through 10 nm deflects by t·B·e/h: the induction comes back, with its direction")
  func induction() throws {
    let shape = Shape(5, 6), step = Pair(10.0, 10.0)
    // B along +y (down): F = −e v × B; v along z (away), y down: the force is to +x.
    let perNanometre = 10 / 4135.667_696  // 1 T · 10 nm · e/h [nm⁻¹]
    let right = VectorMap(
      shape, y: Array(repeating: 0, count: 30), x: Array(repeating: perNanometre / 10, count: 30))
    for thickness in [nil, Quantity(100, .angstrom)] {
      let solution = try solve(right, step: step) { analysis, _ in
        analysis.interpretation = .magnetic
        analysis.thickness = thickness
      }
      let expected = thickness == nil ? 10.0 : 1.0
      #expect(solution.values["induction_y"]!.allSatisfy { abs($0 - expected) < 1e-9 })
      #expect(solution.values["induction_x"]!.allSatisfy { abs($0) < 1e-9 })
      #expect(solution.values["field_y"] == nil && solution.values["charge_density"] == nil)
    }
    let down = VectorMap(shape, y: right.x, x: right.y)
    let solution = try solve(down, step: step) { analysis, _ in analysis.interpretation = .magnetic }
    #expect(solution.values["induction_x"]!.allSatisfy { abs($0 + 10) < 1e-9 })
  }

  @Test("descan: a constant and a plane are taken off and stored")
  func descan() throws {
    let shape = Shape(20, 24), step = Pair(0.3, 0.3)
    let clean = lineCharge(2, shape, step, width: 1)
    var tilted = clean
    for index in tilted.y.indices {
      tilted.y[index] += 0.5 + 0.03 * Double(index / 24)
      tilted.x[index] += -0.2 - 0.01 * Double(index % 24)
    }
    let solution = try solve(tilted, step: step) { analysis, _ in analysis.descan = .plane }
    let plane = DescanPlane(clean, robust: true)
    let expected = plane.removed(.plane, from: clean)
    #expect(largestDifference(solution.values["deflection_y"]!, expected.y) < 1e-12)
    #expect(largestDifference(solution.values["deflection_x"]!, expected.x) < 1e-12)
    func number(_ key: String) -> Double? { solution.attributes.first { $0.key == key }?.value.double }
    #expect(abs(number("descan_slope_y_per_row")! - 0.03 - plane.slopeDown.y) < 1e-12)
    #expect(abs(number("descan_slope_x_per_column")! + 0.01 - plane.slopeRight.x) < 1e-12)
    #expect(abs(number("mean_deflection_y")! - (0.5 + 0.03 * 9.5)) < 1e-12)
    #expect(solution.warnings.contains { $0.contains("descan: plane has taken a slope off") })
    let constant = try solve(tilted, step: step) { analysis, _ in analysis.descan = .constant }
    #expect(abs(constant.values["deflection_y"]!.reduce(0, +)) < 1e-10)
    #expect(constant.warnings.contains { $0.contains("perhaps descan") })
  }

  @Test("a descan plane is fitted to what does not stand out: it takes little of the deflections at atoms")
  func robustPlane() throws {
    let shape = Shape(30, 36)
    var improvements: [Double] = []
    for seed in 1...6 {
      let clean = attraction(shape, Pair(0.3, 0.3), seed: seed)
      let plain = DescanPlane(clean), robust = DescanPlane(clean, robust: true)
      improvements.append(robust.variation / plain.variation)
      // A tilt is found as before.
      let tilted = VectorMap(
        shape, y: clean.y.indices.map { clean.y[$0] + 0.1 * Double($0 % 36) }, x: clean.x.map { $0 + 3 })
      let found = DescanPlane(tilted, robust: true)
      #expect(abs(found.slopeRight.y - 0.1 - robust.slopeRight.y) < 1e-9)
      #expect(abs(found.offset.x - 3 - robust.offset.x) < 1e-9)
    }
    #expect(improvements.sorted()[3] < 0.6)
  }

  @Test("the elliptical distortion of the detector is taken out of the deflections")
  func ellipse() throws {
    let shape = Shape(4, 4)
    let deflection = VectorMap(shape, y: Array(repeating: 0, count: 16), x: Array(repeating: 0.1, count: 16))
    let solution = try solve(deflection, step: Pair(1, 1)) { _, calibration in
      calibration.ellipse = Sourced(Ellipse(ratio: 1.21, angle: 0), .job)
    }
    #expect(solution.values["deflection_x"]!.allSatisfy { abs($0 - 0.1 / 1.1) < 1e-12 })
  }
}
