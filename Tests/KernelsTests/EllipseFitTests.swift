import Foundation
import STEM
import Testing

@testable import Kernels

@Suite struct EllipseFitTests {
  private let shape = Shape(160, 144)

  private func normal(_ random: inout Random) -> Double {
    let u = Double.random(in: 1e-12...1, using: &random), v = Double.random(in: 0...1, using: &random)
    return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
  }

  /// A distorted pattern: `ideal(r, φ)` at the places that the correction leads to, with noise of a mean of frames.
  private func pattern(
    _ ellipse: Ellipse, _ center: Pair<Double>, frames: Double, seed: Int, _ ideal: (Double, Double) -> Double
  ) -> [Double] {
    var random = Random(seed)
    return (0..<shape.count).map { index in
      let place = ellipse.corrected(Pair(Double(index / shape.x) - center.y, Double(index % shape.x) - center.x))
      let value = ideal(hypot(place.y, place.x), atan2(-place.y, place.x))
      return value + (value / frames).squareRoot() * normal(&random)
    }
  }

  private func expect(
    _ found: EllipseFit, _ truth: Ellipse, _ center: Pair<Double>, radius: Double,
    location: SourceLocation = #_sourceLocation
  ) {
    #expect(abs(found.ellipse.ratio - truth.ratio) < 0.002, sourceLocation: location)
    let turn = abs(found.ellipse.angle - truth.angle).remainder(dividingBy: .pi)
    if truth.ratio > 1.01 { #expect(abs(turn) < .pi / 180, sourceLocation: location) }
    #expect(hypot(found.center.y - center.y, found.center.x - center.x) < 0.1, sourceLocation: location)
    #expect(abs(found.radius - radius) < 0.7, sourceLocation: location)
  }

  static let ellipses = [
    Ellipse(ratio: 1, angle: 0), Ellipse(ratio: 1.02, angle: 0.3), Ellipse(ratio: 1.05, angle: 2.9),
    Ellipse(ratio: 1.1, angle: 1.5), Ellipse(ratio: 1.15, angle: 0.02),
  ]

  @Test("a broad halo on a steep background", arguments: ellipses)
  func halo(ellipse: Ellipse) throws {
    let center = Pair(80.4, 70.7)
    let pattern = pattern(ellipse, center, frames: 4000, seed: 3) { r, _ in
      400 * exp(-r / 14) + 6 * exp(-(r - 42) * (r - 42) / (2 * 16)) + 0.5
    }
    let found = try EllipseFit.find(pattern, shape: shape, center: Pair(79.5, 71.5), ring: (30, 56))
    expect(found, ellipse, center, radius: 42)
  }

  @Test("the spots of a polycrystal on the ring, of all intensities, another ring beyond", arguments: ellipses)
  func spots(ellipse: Ellipse) throws {
    let center = Pair(79.2, 72.1)
    var random = Random(11)
    let spots = (0..<45).map { _ in
      (
        angle: Double.random(in: -Double.pi...Double.pi, using: &random),
        height: Double.random(in: 0.1...3, using: &random)
      )
    }
    let pattern = pattern(ellipse, center, frames: 1000, seed: 5) { r, angle in
      var value = 1 + 30 * exp(-r / 10) + 2 * exp(-(r - 60) * (r - 60) / 2)
      for spot in spots {
        let away = (angle - spot.angle).remainder(dividingBy: 2 * .pi) * r
        value += spot.height * exp(-((r - 45) * (r - 45) + away * away) / 4.5)
      }
      return value
    }
    let found = try EllipseFit.find(pattern, shape: shape, center: center, ring: (37, 53))
    expect(found, ellipse, center, radius: 45)
  }

  @Test("dead pixels, gaps and a beam stop do not matter")
  func gaps() throws {
    let truth = Ellipse(ratio: 1.04, angle: 1.1), center = Pair(80.0, 71)
    var pattern = pattern(truth, center, frames: 2000, seed: 8) { r, _ in 3 + 10 * exp(-(r - 50) * (r - 50) / 12) }
    var dead = Array(repeating: false, count: shape.count)
    for y in 76..<86 {
      for x in 0..<71 {
        dead[y * shape.x + x] = true
        pattern[y * shape.x + x] = 1e6
      }
    }
    for y in 0..<shape.y { pattern[y * shape.x + 90] = .nan }
    let found = try EllipseFit.find(pattern, shape: shape, dead: dead, center: center, ring: (42, 58))
    expect(found, truth, center, radius: 50)
    #expect(found.residual < 0.1)
  }

  @Test("no ring in noise, on a slope, beyond the detector or between radii too close")
  func none() {
    let center = Pair(80.0, 71), circle = Ellipse(ratio: 1, angle: 0)
    let flat = pattern(circle, center, frames: 10, seed: 1) { _, _ in 5 }
    let slope = pattern(circle, center, frames: 1e6, seed: 2) { r, _ in 100 * exp(-r / 20) }
    let ring = pattern(circle, center, frames: 1000, seed: 2) { r, _ in 1 + exp(-(r - 40) * (r - 40)) }
    for (pattern, radii) in [(flat, (30.0, 50.0)), (slope, (30, 50)), (ring, (39, 41)), (ring, (150, 180))] {
      #expect(throws: Problem.self) { try EllipseFit.find(pattern, shape: shape, center: center, ring: radii) }
    }
  }
}
