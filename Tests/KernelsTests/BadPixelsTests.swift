import Foundation
import STEM
import Testing

@testable import Kernels

@Suite struct BadPixelsTests {
  static let shape = Shape(64, 72)

  /// Mean and variance of `frames` Poisson frames, with the deviations that so many frames leave (normal
  /// approximation where many electrons come together).
  private func statistics(
    _ expected: [Double], frames: Int, gain: Double = 1, _ random: inout Random
  ) -> (mean: [Double], variance: [Double]) {
    var mean: [Double] = [], variance: [Double] = []
    for rate in expected {
      let total = Self.poisson(rate * Double(frames), &random)
      let m = total / Double(frames)
      // Each frame holds few electrons: the variance of a sample is its mean but for its own scatter.
      let scatter = 1 + Self.normal(&random) * (2 / Double(frames)).squareRoot()
      mean.append(gain * m)
      variance.append(total <= 1 ? gain * gain * m * (1 - m) : gain * gain * m * max(0.1, scatter))
    }
    return (mean, variance)
  }

  private static func normal(_ random: inout Random) -> Double {
    let u = Double.random(in: 1e-12..<1, using: &random), v = Double.random(in: 0..<1, using: &random)
    return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
  }

  private static func poisson(_ rate: Double, _ random: inout Random) -> Double {
    if rate > 50 { return max(0, (rate + rate.squareRoot() * normal(&random)).rounded()) }
    var product = Double.random(in: 0..<1, using: &random), count = 0.0
    while product > exp(-rate) {
      product *= Double.random(in: 0..<1, using: &random)
      count += 1
    }
    return count
  }

  enum Scene: CaseIterable {
    case disk, sharpDisk, spots, pinpoint, rings, flat, sparse
  }

  /// Electrons a frame.
  static func pattern(_ scene: Scene) -> [Double] {
    (0..<shape.count).map { index in
      let y = Double(index / shape.x) - 31.3, x = Double(index % shape.x) - 36.8
      let r = hypot(y, x)
      switch scene {
      case .disk: return 0.02 * exp(-r / 20) + 5 / (1 + exp((r - 14) / 0.4))
      case .sharpDisk: return r < 14.2 ? 5 : 0.01
      case .spots:
        // Small Bragg disks on a lattice, dimmer outwards.
        let v = y - (y / 11).rounded() * 11, u = x - (x / 13).rounded() * 13
        return 0.01 + (hypot(v, u) < 2.4 ? 8 * exp(-r / 12) : 0)
      case .pinpoint:
        let (v, u) = (y + 0.3, x - 0.2)
        return 0.02 * exp(-r / 15) + 4000 * exp(-(v * v + u * u) / (2 * 0.45 * 0.45))
      case .rings: return 0.05 + 2 * pow(cos(r / 2.2), 2) * exp(-r / 15)
      case .flat: return 1
      case .sparse: return 0.001
      }
    }
  }

  @Test("nothing is found on a good detector", arguments: Scene.allCases, [200, 4096])
  func good(scene: Scene, frames: Int) {
    var random = Random(frames)
    for gain in [1.0, 37] {
      let (mean, variance) = statistics(Self.pattern(scene), frames: frames, gain: gain, &random)
      let found = BadPixels.find(.init(mean: mean, variance: variance, frames: frames), shape: Self.shape)
      #expect(found.indices.filter { found[$0] } == [], "\(scene), gain \(gain)")
    }
  }

  @Test("a pattern without noise has no bad pixels", arguments: Scene.allCases)
  func noiseless(scene: Scene) {
    let mean = Self.pattern(scene)
    for variance in [mean.map { 0.01 * $0 * $0 }, mean.map { _ in 0.0 }] {
      let found = BadPixels.find(.init(mean: mean, variance: variance, frames: 1000), shape: Self.shape)
      #expect(found.indices.filter { found[$0] } == [], "\(scene)")
    }
  }

  @Test("hot, noisy and dead pixels are found wherever they lie, and only they", arguments: Scene.allCases)
  func bad(scene: Scene) {
    var random = Random(5)
    let frames = 4096
    let expected = Self.pattern(scene)
    var (mean, variance) = statistics(expected, frames: frames, &random)
    let brightest = expected.max()!
    var wanted: Set<Int> = []
    for (y, x) in [(3, 5), (0, 0), (63, 40), (20, 71), (12, 60), (55, 20), (50, 66)] {
      let pixel = y * Self.shape.x + x
      // Steady counts far above those around, up to a stuck one at the detector's end.
      mean[pixel] += brightest * [0.5, 2, 10][wanted.count % 3] + 0.5
      variance[pixel] = wanted.count % 2 == 0 ? mean[pixel] : 0
      wanted.insert(pixel)
    }
    let noisy = 30 * Self.shape.x + 8
    (mean[noisy], variance[noisy]) = (mean[noisy] + 0.01, 4000 * (variance[noisy] + 0.1))
    wanted.insert(noisy)
    for (y, x) in [(33, 37), (25, 41), (40, 30)] where expected[y * Self.shape.x + x] > 0.2 && scene != .pinpoint {
      let pixel = y * Self.shape.x + x
      (mean[pixel], variance[pixel]) = (0, 0)
      wanted.insert(pixel)
    }
    let found = BadPixels.find(.init(mean: mean, variance: variance, frames: frames), shape: Self.shape)
    #expect(found.indices.filter { found[$0] } == wanted.sorted(), "\(scene)")
  }

  @Test("a single frame says nothing of pixels but that they are no numbers")
  func singleFrame() {
    var random = Random(2)
    var frame = Self.pattern(.disk).map { Self.poisson($0, &random) }
    frame[7] = .nan
    let found = BadPixels.find(.init(mean: frame, variance: frame.map { $0 * 0 }, frames: 1), shape: Self.shape)
    #expect(found.indices.filter { found[$0] } == [7])
  }

  @Test("two hot pixels side by side are found; a pixel without a finite mean is bad")
  func pairs() {
    var mean = Self.pattern(.disk)
    for pixel in [1000, 1001] { mean[pixel] = 3 }
    mean[2000] = .nan
    let found = BadPixels.find(.init(mean: mean, variance: mean, frames: 1000), shape: Self.shape)
    #expect(found.indices.filter { found[$0] } == [1000, 1001, 2000])
  }

  @Test("gains that differ from pixel to pixel are no defects")
  func texture() {
    var random = Random(9)
    let expected = Self.pattern(.disk).map { $0 * (1 + 0.08 * Self.normal(&random)) }
    let (mean, variance) = statistics(expected, frames: 4096, &random)
    let found = BadPixels.find(.init(mean: mean, variance: variance, frames: 4096), shape: Self.shape)
    #expect(found.indices.filter { found[$0] } == [])
  }

  // MARK: few counts, few frames

  /// Frames of single electrons: counts of every pixel, frame by frame.
  private func counted(_ expected: [Double], frames: Int, _ random: inout Random) -> [[Double]] {
    expected.map { rate in
      var values = [Double](repeating: 0, count: frames)
      for _ in 0..<Int(Self.poisson(rate * Double(frames), &random)) {
        values[Int.random(in: 0..<frames, using: &random)] += 1
      }
      return values
    }
  }

  private func sample(_ counts: [[Double]]) -> BadPixels.Sample {
    let frames = counts[0].count
    let mean = counts.map { $0.reduce(0, +) / Double(frames) }
    let variance = zip(counts, mean).map { values, mean in
      values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(frames)
    }
    return .init(mean: mean, variance: variance, largest: counts.map { $0.max()! }, frames: frames)
  }

  @Test("pixels with next to no counts are not bad", arguments: [0.3, 0.8, 1, 1.2, 1.4, 2.2, 5])
  func fewCounts(total: Double) {
    let shape = Shape(24, 26), frames = 400
    for seed in 0..<4 {
      var random = Random(seed)
      let expected = (0..<shape.count).map { index in
        let r = hypot(Double(index / shape.x) - 12, Double(index % shape.x) - 13)
        return r < 6 && seed < 2 ? 0.5 : total / Double(frames)
      }
      var sample = sample(counted(expected, frames: frames, &random))
      for largest in [sample.largest, nil] {
        sample.largest = largest
        let found = BadPixels.find(sample, shape: shape)
        #expect(found.indices.filter { found[$0] } == [], "seed \(seed)")
      }
    }
  }

  @Test("hot and dead pixels are found among few counts; one frame says nothing of a pixel")
  func outliers() {
    let shape = Shape(32, 36), frames = 400
    var random = Random(3)
    let expected = (0..<shape.count).map { index in
      hypot(Double(index / shape.x) - 16, Double(index % shape.x) - 18) < 6 ? 0.5 : 0.0025
    }
    var counts = counted(expected, frames: frames, &random)
    let dead = 16 * 36 + 18, hot = 4 * 36 + 9, noisy = 27 * 36 + 20
    counts[dead] = .init(repeating: 0, count: frames)
    counts[hot] = (0..<frames).map { _ in Self.poisson(1.5, &random) }
    counts[noisy] = (0..<frames).map { $0 % 20 == 0 ? 400 : 0 }
    for (pixel, value) in [(3 * 36 + 30, 60000.0), (20 * 36 + 5, 900), (17 * 36 + 15, 65535)] {
      counts[pixel][Int.random(in: 0..<frames, using: &random)] = value
    }
    let found = BadPixels.find(sample(counts), shape: shape)
    #expect(found.indices.filter { found[$0] } == [hot, dead, noisy])
  }
}
