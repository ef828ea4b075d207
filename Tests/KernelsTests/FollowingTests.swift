import Foundation
import STEM
import Testing

@testable import Kernels

/// Kernels that follow a center against the static ones, made anew for every frame.
@Suite struct FollowingTests {
  /// Anywhere on the detector or a little beside it; often at places where pixels lie exactly on borders.
  private func center(_ shape: Shape, _ random: inout Random) -> Pair<Double> {
    func coordinate(_ size: Int) -> Double {
      let value = Double.random(in: -5...Double(size) + 5, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: return value.rounded()
      case 1: return (2 * value).rounded() / 2
      case 2: return value.rounded() + Double.random(in: -1e-9...1e-9, using: &random)
      default: return value
      }
    }
    return Pair(coordinate(shape.y), coordinate(shape.x))
  }

  private func radius(_ shape: Shape, _ random: inout Random) -> Double {
    let value = Double.random(in: 0...0.7 * Double(max(shape.y, shape.x)), using: &random)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: return value.rounded()
    case 1: return (value.rounded() * value.rounded() + 1).squareRoot()
    case 2: return 0
    default: return value
    }
  }

  private func movingShape(_ shape: Shape, _ random: inout Random) -> MovingShape {
    let inner = radius(shape, &random), outer = Bool.random(using: &random) ? inner + radius(shape, &random) : .infinity
    switch Int.random(in: 0..<6, using: &random) {
    case 0: return .annulus(inner: 0, outer: radius(shape, &random))
    case 1: return .annulus(inner: inner, outer: outer)
    case 2, 3:
      let start = Double(Int.random(in: -8...24, using: &random)) * 15
      let sweep = Double(Int.random(in: 1...24, using: &random)) * 15
      let odd = Bool.random(using: &random) ? Double.random(in: 0...10, using: &random) : 0
      return .segment(inner: inner, outer: outer, start: start + odd, end: start + odd + sweep)
    case 4: return .rectangle(height: radius(shape, &random), width: radius(shape, &random))
    default: return .pixel
    }
  }

  private func selection(_ moving: MovingShape, _ geometry: DetectorGeometry) -> PixelSelection {
    switch moving {
    case let .annulus(inner, outer): geometry.annulus(inner: inner, outer: outer)
    case let .segment(inner, outer, start, end):
      geometry.segment(inner: inner, outer: outer, start: start, end: end)
    case let .rectangle(height, width): geometry.rectangle(height: height, width: width)
    case .pixel: geometry.pixel()
    }
  }

  private func kept(_ shape: Shape, _ random: inout Random) -> PixelSelection {
    guard Bool.random(using: &random) else { return .alive(shape, dead: nil) }
    return PixelSelection(shape, (0..<shape.count).map { _ in Int.random(in: 0..<10, using: &random) > 0 })
  }

  @Test("shapes that move take the pixels whose centers lie in them, one by one", arguments: 0..<40)
  func pixels(seed: Int) {
    var random = Random(seed)
    let shape = Shape(Int.random(in: 1...70, using: &random), Int.random(in: 1...90, using: &random))
    let kept = kept(shape, &random), shapes = (0..<6).map { _ in movingShape(shape, &random) }
    let moving = MovingRuns(shapes, kept: kept)
    for _ in 0..<8 {
      let center = center(shape, &random)
      moving.move(to: center)
      for (index, item) in shapes.enumerated() {
        var found = Array(repeating: 0, count: shape.count)
        for run in moving.first[index]..<moving.first[index + 1] {
          for i in 0..<moving.runs[Int(run)].length { found[Int(moving.runs[Int(run)].start + i)] += 1 }
        }
        let expected = selection(item, DetectorGeometry(shape, center: center)).intersection(kept)
        #expect(found == expected.included.map { $0 ? 1 : 0 }, "\(item) about \(center) on \(shape)")
      }
    }
  }

  @Test("sums and moments are those of the same pixels", arguments: PixelType.inMemory)
  func sums(type: PixelType) {
    var random = Random(31)
    let shape = Shape(41, 67), kept = kept(shape, &random)
    let shapes = (0..<5).map { _ in movingShape(shape, &random) } + [.annulus(inner: 3, outer: .infinity)]
    let following = FollowingSums(shapes, kept: kept, type: type)
    let moments = FollowingMoments(radius: 13.3, kept: kept, type: type)
    for _ in 0..<12 {
      let frame = FrameMemory.random(type, shape.count, &random), center = center(shape, &random)
      let geometry = DetectorGeometry(shape, center: center)
      following.sum(frame.view, around: center) { index, value in
        let included = selection(shapes[index], geometry).intersection(kept)
        let naive = zip(frame.values, included.included).reduce(0.0) { $1.1 ? $0 + $1.0 : $0 }
        #expect(included.isEmpty ? value.isNaN : agrees(value, naive, type, scale: Double(included.count)))
      }
      let disk = Moments(geometry.annulus(inner: 0, outer: 13.3).intersection(kept), type: type)
      let expected = disk.center(frame.view), found = moments.center(frame.view, around: center)
      #expect(agrees(found.y, expected.y, type, scale: 1e3) || found.y.isNaN && expected.y.isNaN)
      #expect(agrees(found.x, expected.x, type, scale: 1e3) || found.x.isNaN && expected.x.isNaN)
    }
  }

  @Test("rings about a moving center hold the pixels that a plain loop gives them", arguments: PixelType.inMemory)
  func rings(type: PixelType) {
    var random = Random(77)
    for trial in 0..<8 {
      let shape = Shape(Int.random(in: 1...50, using: &random), Int.random(in: 1...150, using: &random))
      let outer = trial % 3 == 0 ? 21 : Double.random(in: 2...90, using: &random)
      let bins = trial % 2 == 0 ? Int(outer.rounded(.up)) : 17
      let geometry = RingGeometry(
        count: bins, width: trial % 2 == 0 ? 1 : outer / 17, outer: outer, closed: trial % 4 == 1,
        ellipse: trial % 3 == 2 ? Ellipse(ratio: 1.07, angle: 0.4) : nil)
      let dead = trial % 2 == 0 ? (0..<shape.count).map { $0 % 11 == 3 } : nil
      let following = FollowingRings(geometry, shape: shape, dead: dead, type: type)
      let total = following.makeTotal(), pixels = PixelSum<UInt64>(bins)
      let frame = FrameMemory.random(type, shape.count, &random), center = center(shape, &random)
      var means = Array(repeating: Float(0), count: bins)
      following.add(frame.view, around: center, means: &means, total: total, pixels: pixels)
      let expected = naive(geometry, shape, dead, center, frame.values)
      #expect(Array(pixels.values) == expected.counts.map(UInt64.init), "\(geometry) \(center) \(shape)")
      for k in 0..<bins {
        let mean = expected.sums[k] / Double(expected.counts[k])
        #expect(
          expected.counts[k] == 0
            ? means[k].isNaN : type.isInteger ? means[k] == Float(mean) : abs(Double(means[k]) - mean) < 1e-6)
      }
    }
  }

  private func naive(
    _ rings: RingGeometry, _ shape: Shape, _ dead: [Bool]?, _ center: Pair<Double>, _ frame: [Double]
  ) -> (sums: [Double], counts: [Int]) {
    var sums = Array(repeating: 0.0, count: rings.count), counts = Array(repeating: 0, count: rings.count)
    for index in frame.indices where dead?[index] != true {
      var place = Pair(Double(index / shape.x) - center.y, Double(index % shape.x) - center.x)
      if let ellipse = rings.ellipse { place = ellipse.corrected(place) }
      let r = (place.y * place.y + place.x * place.x).squareRoot()
      guard r < rings.outer || rings.closed else { continue }
      let ring = min(rings.count - 1, Int(rings.width == 1 ? r : r / rings.outer * Double(rings.count)))
      sums[ring] += frame[index]
      counts[ring] += 1
    }
    return (sums, counts)
  }
}

/// The center of a disk in single frames.
@Suite struct DiskCenterTests {
  private let shape = Shape(96, 112)

  /// The mean counts of a disk with an anti-aliased edge.
  private func disk(
    _ center: Pair<Double>, _ radius: Double, level: Double, background: Double = 0,
    texture: (Double, Double) -> Double = { _, _ in 1 }
  ) -> [Double] {
    (0..<shape.count).map { index in
      let y = Double(index / shape.x) - center.y, x = Double(index % shape.x) - center.x
      var inside = 0.0
      if abs(hypot(y, x) - radius) < 1 {
        for i in 0..<64 {
          let down = y + (Double(i / 8) + 0.5) / 8 - 0.5, right = x + (Double(i % 8) + 0.5) / 8 - 0.5
          if hypot(down, right) < radius { inside += 1.0 / 64 }
        }
      } else if hypot(y, x) < radius {
        inside = 1
      }
      return level * inside * texture(y, x) + background
    }
  }

  /// Poisson numbers, by multiplication for small means and as normal ones for large.
  private func counts(_ means: [Double], _ random: inout Random) -> FrameMemory {
    FrameMemory(
      .u16,
      means.map { mean in
        if mean > 30 {
          let u = Double.random(in: 1e-12...1, using: &random), v = Double.random(in: 0...1, using: &random)
          return max(0, (mean + mean.squareRoot() * (-2 * log(u)).squareRoot() * cos(2 * .pi * v)).rounded())
        }
        var product = Double.random(in: 0...1, using: &random), count = 0.0
        while product > exp(-mean) {
          product *= Double.random(in: 0...1, using: &random)
          count += 1
        }
        return count
      })
  }

  private func center(_ random: inout Random) -> Pair<Double> {
    Pair(Double.random(in: 40...54, using: &random), Double.random(in: 48...62, using: &random))
  }

  private func edge(_ frame: FrameMemory, radius: Double, from start: Pair<Double>? = nil, dead: [Bool]? = nil) -> Pair<
    Double
  > {
    let kept = PixelSelection.alive(shape, dead: dead)
    let moments = FollowingMoments(radius: 1.2 * radius, kept: kept, type: frame.type)
    let place = moments.settled(frame.view, from: start ?? Pair(47.5, 55.5))
    return DiskEdge(radius: radius, kept: kept, type: frame.type).center(frame.view, from: place)
  }

  private func distance(_ a: Pair<Double>, _ b: Pair<Double>) -> Double { hypot(a.y - b.y, a.x - b.x) }

  @Test("without noise, wherever it lies", arguments: [5.0, 9.3, 20, 33])
  func clean(radius: Double) {
    var random = Random(Int(radius))
    for _ in 0..<6 {
      let truth = center(&random), frame = FrameMemory(.f32, disk(truth, radius, level: 100, background: 3))
      #expect(distance(edge(frame, radius: radius), truth) < 0.02)
    }
    let truth = center(&random), frame = FrameMemory(.f64, disk(truth, radius, level: 7))
    let moments = FollowingMoments(radius: 1.3 * radius, kept: .alive(shape, dead: nil), type: .f64)
    #expect(distance(moments.settled(frame.view, from: Pair(45, 52)), truth) < 0.01)
  }

  @Test("with Poisson noise of 40 counts a pixel: to 0.05 px on average, both ways")
  func noise() {
    var random = Random(4), byEdge = 0.0, byMoments = 0.0
    let radius = 22.0, trials = 12
    let moments = FollowingMoments(radius: 1.2 * radius, kept: .alive(shape, dead: nil), type: .u16)
    for _ in 0..<trials {
      let truth = center(&random), frame = counts(disk(truth, radius, level: 40, background: 1), &random)
      byEdge += distance(edge(frame, radius: radius), truth) / Double(trials)
      byMoments += distance(moments.settled(frame.view, from: Pair(47.5, 55.5)), truth) / Double(trials)
    }
    #expect(byEdge < 0.05)
    #expect(byMoments < 0.1)
  }

  @Test("half a count a pixel still shows the edge to a third of a pixel")
  func sparse() {
    var random = Random(8), sum = 0.0
    for _ in 0..<12 {
      let truth = center(&random)
      sum += distance(edge(counts(disk(truth, 25, level: 0.5), &random), radius: 25), truth) / 12
    }
    #expect(sum < 0.33)
  }

  @Test("texture and a lopsided intensity pull the center of mass, not the edge")
  func texture() {
    var random = Random(2)
    for _ in 0..<6 {
      let truth = center(&random), radius = 24.0
      let means = disk(truth, radius, level: 400, background: 5) { y, x in
        (1 + 0.2 * cos(y / 4) * cos(x / 5)) * (1 + 0.3 * x / radius)
      }
      let frame = counts(means, &random), found = edge(frame, radius: radius)
      #expect(distance(found, truth) < 0.05)
      let moments = FollowingMoments(radius: 1.2 * radius, kept: .alive(shape, dead: nil), type: .u16)
      #expect(distance(moments.settled(frame.view, from: Pair(47.5, 55.5)), truth) > 0.5)
    }
  }

  @Test("a disk cut by the detector's border", arguments: [Pair(10.0, 56), Pair(48, 100.4), Pair(82.7, 14.2)])
  func clipped(truth: Pair<Double>) {
    var random = Random(12), sum = 0.0
    for _ in 0..<6 {
      let frame = counts(disk(truth, 20, level: 1000, background: 4), &random)
      sum += distance(edge(frame, radius: 20, from: Pair(truth.y.rounded() + 2, truth.x.rounded() - 1)), truth) / 6
    }
    #expect(sum < 0.05)
  }

  @Test("a radius off by a pixel, dead rows; and none in empty, flat and NaN frames")
  func odd() {
    var random = Random(6)
    let truth = center(&random), frame = counts(disk(truth, 21, level: 200, background: 2), &random)
    #expect(distance(edge(frame, radius: 20), truth) < 0.06)
    var dead = Array(repeating: false, count: shape.count)
    for x in 0..<shape.x { dead[50 * shape.x + x] = true }
    #expect(distance(edge(frame, radius: 21, dead: dead), truth) < 0.06)
    for value in [0.0, 3, .nan] {
      let flat = FrameMemory(.f32, Array(repeating: value, count: shape.count))
      let found = DiskEdge(radius: 10, kept: .alive(shape, dead: nil), type: .f32)
        .center(flat.view, from: Pair(48, 50))
      #expect(found.y.isNaN && found.x.isNaN)
    }
  }
}
