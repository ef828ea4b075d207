import Foundation
import STEM
import Testing

@testable import Kernels

func exponential(_ value: Double) -> Double { exp(value) }

@Suite struct AngularPowerTests {
  private let shape = Shape(129, 129), center = Pair(63.7, 64.2)

  private func azimuths(inner: Double, outer: Double, cut: Int = 129) -> [Double?] {
    (0..<shape.count).map { pixel in
      let y = Double(pixel / 129) - center.y, x = Double(pixel % 129) - center.x
      let r = hypot(y, x)
      return inner <= r && r < outer && pixel % 129 < cut ? atan2(-y, x) : nil
    }
  }

  /// Round spots at radius 45, counter-clockwise from `first` [rad].
  private func spots(_ count: Int, first: Double, width: Double = 2.5) -> [Double] {
    (0..<shape.count).map { pixel in
      let y = Double(pixel / 129) - center.y, x = Double(pixel % 129) - center.x
      return (0..<count).reduce(0.0) { sum, index in
        let phi = first + 2 * .pi * Double(index) / Double(count)
        let (dy, dx) = (y + 45 * sin(phi), x - 45 * cos(phi))
        return sum + 1000 * exp(-(dy * dy + dx * dx) / (2 * width * width))
      }
    }
  }

  private func analyze(_ frames: [[Double]], _ azimuths: [Double?], _ type: PixelType = .f32, orders: Int = 12)
    -> [(powers: [Double], azimuths: [Double], total: Double)]
  {
    let kernel = AngularPower(azimuths, orders: orders, shape: shape, type: type)
    var found = frames.map { _ in (powers: [Double](), azimuths: [Double](), total: 0.0) }
    let keep = { (row: Int) in found[row] = (kernel.powers, kernel.azimuths, kernel.total) }
    for (row, frame) in frames.enumerated() { kernel.add(FrameMemory(type, frame).view, row: row, keep) }
    kernel.flush(keep)
    return found
  }

  @Test("a hexagon of spots has power at n = 6 and 12 only, whichever way it is turned")
  func hexagon() {
    let turns = [0.0, 0.1, 0.37, 0.8]
    let found = analyze(turns.map { spots(6, first: $0) }, azimuths(inner: 30, outer: 60))
    for (turn, result) in zip(turns, found) {
      for n in 1...12 where n % 6 != 0 { #expect(result.powers[n - 1] < 1e-5) }
      // A part in a thousand is what the pixel grid makes of the ring's edges.
      #expect(abs(result.powers[5] / found[0].powers[5] - 1) < 0.005 && result.powers[5] > 0.85)
      #expect(abs(result.powers[11] / found[0].powers[11] - 1) < 0.005 && result.powers[11] > 0.55)
      let expected = turn.truncatingRemainder(dividingBy: .pi / 3)
      let distance = abs(result.azimuths[5] - expected)
      #expect(min(distance, .pi / 3 - distance) < 1e-3)
    }
  }

  @Test("the spots' width follows the theory: Gaussians of angular width s give exp(−n²s²)")
  func width() {
    let result = analyze([spots(4, first: 0.2, width: 3)], azimuths(inner: 25, outer: 60))[0]
    for n in [4, 8, 12] {
      let expected = exp(-Double(n * n) * (3.0 / 45) * (3.0 / 45))
      #expect(abs(result.powers[n - 1] / expected - 1) < 0.02)
    }
  }

  @Test("a uniform ring has no symmetry, on the pixel grid and where the edge cuts it", arguments: [129, 100, 64])
  func uniform(cut: Int) {
    let ring = azimuths(inner: 40, outer: 44, cut: cut)
    for result in analyze([Array(repeating: 3, count: shape.count)], ring, .u16) {
      #expect(result.powers.allSatisfy { $0 < 1e-24 })
      #expect(result.total == 3 * Double(ring.count { $0 != nil }))
    }
    let gap = AngularPower.largestGap(ring)
    #expect(cut == 129 ? gap < 0.05 : gap > 1)
  }

  @Test("the sums of the definition, for every pixel type", arguments: PixelType.inMemory)
  func naive(type: PixelType) {
    var random = Random(21)
    let ring = azimuths(inner: 10, outer: 14)
    let frames = (0..<5).map { _ in (0..<shape.count).map { _ in Double(Int.random(in: 0...100, using: &random)) } }
    let found = analyze(frames, ring, type, orders: 3)
    let phis = ring.compactMap { $0 }
    for (frame, result) in zip(frames, found) {
      let values = zip(frame, ring).filter { $0.1 != nil }.map(\.0)
      let total = values.reduce(0, +)
      #expect(result.total == total)
      for n in 1...3 {
        var real = 0.0, imaginary = 0.0
        for (value, phi) in zip(values, phis) {
          let weight = value / total - 1 / Double(phis.count)
          real += weight * cos(Double(n) * phi)
          imaginary -= weight * sin(Double(n) * phi)
        }
        #expect(abs(result.powers[n - 1] - (real * real + imaginary * imaginary)) < 1e-13)
      }
    }
  }

  @Test("without counts there is no symmetry to speak of: NaN")
  func empty() {
    let result = analyze([Array(repeating: 0, count: shape.count)], azimuths(inner: 10, outer: 20), .u16)[0]
    #expect(result.powers.allSatisfy(\.isNaN) && result.azimuths.allSatisfy(\.isNaN) && result.total == 0)
  }

  @Test("shot noise on a uniform ring gives a power of 1 / counts")
  func noise() {
    var random = Random(22)
    let ring = azimuths(inner: 20, outer: 24)
    let frames = (0..<60).map { _ in (0..<shape.count).map { _ in Double(poisson(0.5, &random)) } }
    let found = analyze(frames, ring, .u8)
    let product = found.flatMap { result in result.powers.map { $0 * result.total } }
    // 720 values of an exponential distribution with mean 1.
    #expect(abs(product.reduce(0, +) / Double(product.count) - 1) < 0.15)
  }
}
