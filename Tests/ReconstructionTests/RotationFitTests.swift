import Foundation
import STEM
import Testing

@testable import Reconstruction

@Suite("Rotation of the detector against the scan")
struct RotationFitTests {
  /// The same on the detector: the inverse of `DetectorRotation.scan`.
  private func onDetector(_ scan: VectorMap, _ rotation: DetectorRotation) -> VectorMap {
    scan.map { vector in
      let (c, s) = (cos(rotation.angle), sin(rotation.angle))
      let turned = Pair(c * vector.y - s * vector.x, s * vector.y + c * vector.x)
      return rotation.transpose ? Pair(turned.x, turned.y) : turned
    }
  }

  private func degrees(_ a: Double, from b: Double) -> Double {
    abs(DetectorRotation(angle: a - b, transpose: false).angle) * 180 / .pi
  }

  @Test("R turns clockwise on screen, after T has swapped y and x")
  func convention() {
    // To the right; y points down: clockwise by 90° is down.
    let right = Pair(0.0, 1.0)
    let down = DetectorRotation(angle: .pi / 2, transpose: false).scan(right)
    #expect(abs(down.y - 1) < 1e-15 && abs(down.x) < 1e-15)
    let swapped = DetectorRotation(angle: 0, transpose: true).scan(right)
    #expect(swapped == Pair(1, 0))
    let both = DetectorRotation(angle: .pi / 2, transpose: true).scan(right)
    #expect(abs(both.y) < 1e-15 && abs(both.x + 1) < 1e-15)
    #expect(DetectorRotation(angle: .pi, transpose: false).angle == -.pi)
  }

  @Test(
    "angle, transpose and sign of attracting atoms are found, with any steps",
    arguments: [(0.0, false), (17, true), (-71, true), (133, false), (179, false), (-100, true), (90, false)])
  func found(angle: Double, transpose: Bool) throws {
    for (seed, step) in [Pair(0.25, 0.25), Pair(0.2, 0.3), Pair(0.3, 0.22)].enumerated() {
      let truth = DetectorRotation(angle: angle * .pi / 180, transpose: transpose)
      let measured = onDetector(attraction(Shape(31, 40), step, seed: seed), truth)
      let fit = try #require(RotationFit(measured, step: step, .electric))
      #expect(degrees(fit.best.rotation.angle, from: truth.angle) < 0.1)
      #expect(fit.best.rotation.transpose == transpose && !fit.isAmbiguous)
      #expect(fit.candidates == [fit.best.rotation])
      #expect(fit.best.skewness < -0.5)
    }
  }

  @Test("the closed form is what a search over 0.01° finds", arguments: Interpretation.allCases, [1, 2, 3, 4])
  func closedForm(law: Interpretation, seed: Int) throws {
    var noise = Noise(seed)
    let shape = Shape(7, 9), step = Pair(0.5, 0.8)
    let measured = VectorMap(shape, y: noise.map(63), x: noise.map(63))
    let fit = try #require(RotationFit(measured, step: step, law))
    for branch in [fit.plain, fit.transposed] {
      var best = (angle: 0.0, value: Double.infinity)
      let near = Int((branch.rotation.angle * 18000 / .pi).rounded())
      for hundredth in Array(stride(from: 0, to: 18000, by: 50)) + Array(near - 100...near + 100) {
        let rotation = DetectorRotation(
          angle: Double(hundredth) / 100 * .pi / 180, transpose: branch.rotation.transpose)
        let turned = ScanGradient(shape, step: step).interior(measured.map(rotation.scan))
        let values = law == .electric ? turned.curl : turned.divergence
        let mean = values.reduce(0, +) / Double(values.count)
        let value = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        #expect(abs(branch.meanSquare(rotation.angle) - value) < 1e-12)
        if value < best.value { best = (rotation.angle, value) }
      }
      let difference = degrees(2 * branch.rotation.angle, from: 2 * best.angle) / 2
      #expect(difference < 0.0051)
      #expect(branch.least <= best.value + 1e-12 && branch.least > best.value - 1e-6)
    }
  }

  @Test("magnetic deflections, the same turned by 90°, lose their divergence; their sign stays open")
  func magnetic() throws {
    let step = Pair(0.25, 0.3)
    let force = attraction(Shape(30, 30), step, seed: 5).map { Pair(-$0.x, $0.y) }
    let truth = DetectorRotation(angle: 0.4, transpose: true)
    let fit = try #require(RotationFit(onDetector(force, truth), step: step, .magnetic))
    #expect(degrees(2 * fit.best.rotation.angle, from: 2 * truth.angle) < 0.6)
    #expect(fit.best.rotation.transpose && !fit.isTransposeAmbiguous && fit.isAmbiguous)
    #expect(fit.candidates.count == 2)
    #expect(degrees(fit.candidates[0].angle, from: fit.candidates[1].angle) > 179.9)
  }

  @Test("a plane of descan, however steep, does not turn the result")
  func descan() throws {
    let step = Pair(0.25, 0.3), shape = Shape(30, 35)
    let truth = DetectorRotation(angle: -1.1, transpose: true)
    let still = onDetector(attraction(shape, step, seed: 3), truth)
    var moved = still
    for index in moved.y.indices {
      moved.y[index] += 0.9 * Double(index / 35) - 0.2 * Double(index % 35)
      moved.x[index] -= 0.3 * Double(index / 35) + 1.3 * Double(index % 35)
    }
    let a = try #require(RotationFit(still, step: step, .electric))
    let b = try #require(RotationFit(moved, step: step, .electric))
    #expect(degrees(a.best.rotation.angle, from: b.best.rotation.angle) < 1e-6)
    #expect(b.best.rotation.transpose && abs(a.best.skewness - b.best.skewness) < 1e-6)
    #expect(degrees(b.best.rotation.angle, from: truth.angle) < 0.1)
  }

  @Test("minima that are both rounding count as equal: all candidates stay")
  func rounding() throws {
    let step = Pair(0.3, 0.3), wave = 2 * Double.pi / 2.4, shape = Shape(26, 24)
    func gradient(_ index: Int) -> Pair<Double> {
      let (y, x) = (Double(index / 24) * 0.3, Double(index % 24) * 0.3)
      return Pair(cos(wave * y) * sin(wave * x), sin(wave * y) * cos(wave * x))
    }
    for (angle, transpose) in [(0.0, false), (40, false), (40, true), (-110, true)] {
      let truth = DetectorRotation(angle: angle * .pi / 180, transpose: transpose)
      let scan = VectorMap(
        shape, y: (0..<shape.count).map { gradient($0).y }, x: (0..<shape.count).map { gradient($0).x })
      let fit = try #require(RotationFit(onDetector(scan, truth), step: step, .electric))
      #expect(fit.isTransposeAmbiguous && fit.ratio < 1.001 && fit.candidates.count == 4)
      #expect(fit.candidates.contains { $0.transpose == transpose && degrees($0.angle, from: truth.angle) < 1e-3 })
      // Unturned, this phase has no curl with the transpose either.
      #expect(fit.transpose(at: truth.angle) == (angle == 0 ? nil : transpose))
    }
  }

  @Test("noise and vacuum are ambiguous, a scan without interior has no fit")
  func ambiguous() throws {
    var noise = Noise(9)
    let step = Pair(1.0, 1.0)
    let fit = try #require(
      RotationFit(VectorMap(Shape(20, 20), y: noise.map(400), x: noise.map(400)), step: step, .electric))
    #expect(fit.isAmbiguous && fit.isTransposeAmbiguous && fit.isSignAmbiguous)
    #expect(fit.candidates.count == 4 && fit.candidates[0] == fit.best.rotation)
    let zeros = Array(repeating: 0.0, count: 400)
    let vacuum = try #require(RotationFit(VectorMap(Shape(20, 20), y: zeros, x: zeros), step: step, .electric))
    #expect(vacuum.isAmbiguous && vacuum.best.rotation.angle.isFinite)
    #expect(RotationFit(VectorMap(Shape(2, 200), y: zeros, x: zeros), step: step, .electric) == nil)
  }
}
