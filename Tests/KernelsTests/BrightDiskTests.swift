import Foundation
import STEM
import Testing

@testable import Kernels

@Suite struct BrightDiskTests {
  /// A disk whose border pixels hold the part of their area inside it.
  private func disk(_ shape: Shape, _ center: Pair<Double>, _ radius: Double, _ level: Double = 100) -> [Double] {
    let parts = 9
    return (0..<shape.count).map { index in
      var inside = 0
      for i in 0..<parts * parts {
        let y = Double(index / shape.x) + (Double(i / parts) + 0.5) / Double(parts) - 0.5
        let x = Double(index % shape.x) + (Double(i % parts) + 0.5) / Double(parts) - 0.5
        if hypot(y - center.y, x - center.x) < radius { inside += 1 }
      }
      return level * Double(inside) / Double(parts * parts)
    }
  }

  private func expect(
    _ pattern: [Double], _ shape: Shape, _ center: Pair<Double>, _ radius: Double, within tolerance: Double,
    clipped: Bool = false, dead: [Bool]? = nil, location: SourceLocation = #_sourceLocation
  ) throws {
    let found = try BrightDisk.find(pattern, shape: shape, dead: dead)
    #expect(hypot(found.center.y - center.y, found.center.x - center.x) < tolerance, sourceLocation: location)
    #expect(abs(found.radius - radius) < max(tolerance, 0.06), sourceLocation: location)
    #expect(found.clipped == clipped, sourceLocation: location)
  }

  @Test(
    "center and radius of a clean disk", arguments: [4.0, 8.3, 20, 45],
    [Pair(63.5, 63.5), Pair(60.2, 66.9), Pair(64.0, 61.37)])
  func clean(radius: Double, center: Pair<Double>) throws {
    let shape = Shape(128, 128)
    try expect(disk(shape, center, radius), shape, center, radius, within: 0.05)
  }

  @Test("a disk of whole pixels, without a gray border")
  func binary() throws {
    let shape = Shape(96, 88), center = Pair(47.3, 44.6)
    let selection = DetectorGeometry(shape, center: center).annulus(inner: 0, outer: 14.2)
    try expect(selection.included.map { $0 ? 1 : 0 }, shape, center, 14.2, within: 0.1)
  }

  @Test("Poisson noise of a thousand frames with one count per pixel", arguments: 0..<5)
  func noise(seed: Int) throws {
    let shape = Shape(128, 128), center = Pair(62.4, 65.1)
    var random = Random(seed)
    let noisy = disk(shape, center, 18, 1).map { mean in
      // The mean of 1000 Poisson numbers is close to normal (Box and Muller).
      let u = Double.random(in: 1e-12...1, using: &random), v = Double.random(in: 0...1, using: &random)
      return max(0, mean + (mean / 1000).squareRoot() * (-2 * log(u)).squareRoot() * cos(2 * .pi * v))
    }
    try expect(noisy, shape, center, 18, within: 0.1)
  }

  @Test("texture inside, rings and a diffuse background outside")
  func texture() throws {
    let shape = Shape(128, 128), center = Pair(64.7, 62.2), radius = 20.0
    let pattern = disk(shape, center, radius).enumerated().map { index, value in
      let y = Double(index / 128) - center.y, x = Double(index % 128) - center.x, r = hypot(y, x)
      let texture = 1 + 0.25 * cos(y / 3) * cos(x / 4)
      let ring = r > 40 && r < 44 ? 25.0 : 0
      return value * texture + 8 * exp(-r / 30) + ring
    }
    try expect(pattern, shape, center, radius, within: 0.15)
  }

  @Test("hot pixels, alone and in pairs, NaN and dead pixels")
  func defects() throws {
    let shape = Shape(128, 128), center = Pair(60.3, 66.6)
    var pattern = disk(shape, center, 22)
    for index in [5, 900, 901, 60 * 128 + 60, 70 * 128 + 75, 127 * 128 + 127] { pattern[index] = 1e7 }
    for x in 0..<128 { pattern[61 * 128 + x] = .nan }
    var dead = Array(repeating: false, count: shape.count)
    for index in 64 * 128..<65 * 128 {
      dead[index] = true
      pattern[index] = 1e5
    }
    try expect(pattern, shape, center, 22, within: 0.15, dead: dead)
  }

  @Test("a disk partly outside of the detector", arguments: [Pair(10.0, 64), Pair(12, 118), Pair(64, -4)])
  func clipped(center: Pair<Double>) throws {
    let shape = Shape(128, 128)
    try expect(disk(shape, center, 25), shape, center, 25, within: 0.2, clipped: true)
  }

  @Test("one bright pixel is a disk of that size")
  func point() throws {
    var pattern = Array(repeating: 0.0, count: 32 * 32)
    pattern[10 * 32 + 20] = 50
    let found = try BrightDisk.find(pattern, shape: Shape(32, 32))
    #expect(hypot(found.center.y - 10, found.center.x - 20) < 0.1 && found.radius < 2)
  }

  @Test("no disk in an empty, flat, all-NaN, noisy or filled pattern, nor on one pixel")
  func none() {
    let shape = Shape(64, 64)
    var random = Random(9)
    let patterns: [[Double]] = [
      Array(repeating: 0, count: 4096), Array(repeating: 3, count: 4096), Array(repeating: .nan, count: 4096),
      (0..<4096).map { _ in Double.random(in: 0.9...1.1, using: &random) },
      (0..<4096).map { _ in Double.random(in: 0...1, using: &random) }, disk(shape, Pair(32, 32), 100),
    ]
    for pattern in patterns {
      #expect(throws: Problem.self) { try BrightDisk.find(pattern, shape: shape) }
    }
    #expect(throws: Problem.self) { try BrightDisk.find([5], shape: Shape(1, 1)) }
  }
}
