import Foundation
import STEM
import Testing

@testable import Preprocessing

@Suite struct GeometryTests {
  static let orientations = [false, true].flatMap { transpose in
    [0, 90, 180, 270].flatMap { rotate in
      [(false, false), (true, false), (false, true), (true, true)].map { flips in
        Naive(transpose: transpose, rotate: rotate, flipY: flips.0, flipX: flips.1)
      }
    }
  }

  private func orientation(_ job: Naive) -> Orientation { job.preprocessing.detector.orientation }

  @Test("every combination of keys moves pixels as its steps do")
  func steps() {
    let shape = Shape(3, 5)
    let image = Naive.image((0..<15).map(Double.init), shape)
    for job in Self.orientations {
      let seen = job.oriented(image)
      let orientation = orientation(job)
      #expect(orientation.shape(shape) == Shape(seen.count, seen[0].count))
      for y in seen.indices {
        for x in seen[0].indices {
          let place = orientation.source(y, x, in: shape)
          #expect(image[place.y][place.x] == seen[y][x])
        }
      }
    }
  }

  @Test("the group: four quarter turns are none, a flip and a transposition are a turn")
  func group() {
    #expect(Orientation(quarterTurns: 4) == .identity)
    #expect(Orientation(quarterTurns: -1) == Orientation(quarterTurns: 3))
    #expect(Orientation(transpose: true, flipX: true) == Orientation(quarterTurns: 1))
    #expect(Orientation(transpose: true, flipY: true) == Orientation(quarterTurns: 3))
    #expect(Orientation(flipY: true, flipX: true) == Orientation(quarterTurns: 2))
    #expect(Set(Self.orientations.map { "\(orientation($0))" }).count == 8)
  }

  /// A pattern with one bright pixel.
  private func spot(_ y: Int, _ x: Int, _ shape: Shape) -> [Double] {
    (0..<shape.count).map { $0 == y * shape.x + x ? 1 : 0 }
  }

  private func brightest(_ frame: [Double], _ shape: Shape) -> Pair<Double> {
    var sum = 0.0, y = 0.0, x = 0.0
    for (index, value) in frame.enumerated() {
      sum += value
      y += value * Double(index / shape.x)
      x += value * Double(index % shape.x)
    }
    return Pair(y / sum, x / sum)
  }

  @Test("the center is where the beam is seen")
  func center() throws {
    let shape = Shape(11, 14)
    var random = Random(1)
    for var job in Self.orientations {
      let seen = orientation(job).shape(shape)
      job.correction.crop = Window(rows: 1..<seen.y, columns: 2..<seen.x - 1)
      let (y, x) = (Int.random(in: 4..<8, using: &random), Int.random(in: 4..<8, using: &random))
      var source = MemoryScan(Shape(1, 1), shape, .u16, [spot(y, x, shape)])
      source.description.calibration.center = Sourced(Pair(Double(y), Double(x)), .file)
      let corrected = try job.preprocessing.applied(to: source, scan: Shape(1, 1)).source
      let found = brightest(try corrected.read()[0], corrected.description.detectorShape)
      #expect(corrected.description.calibration.center?.value == found, "\(job)")
    }
  }

  @Test("the center of a binned frame is that of the light it holds")
  func binnedCenter() throws {
    let shape = Shape(12, 12)
    var source = MemoryScan(Shape(1, 1), shape, .u16, [.init(repeating: 1, count: 144)])
    // The middle of even light, between the pixels.
    source.description.calibration.center = Sourced(Pair(5.5, 5.5), .file)
    for bin in [1, 2, 3, 4, 6, 12] {
      var preprocessing = Preprocessing()
      preprocessing.detector.bin = Shape(bin, bin)
      let corrected = try preprocessing.applied(to: source, scan: Shape(1, 1)).source
      let found = brightest(try corrected.read()[0], corrected.description.detectorShape)
      #expect(corrected.description.calibration.center?.value == found)
    }
  }

  /// R(θ)·T of the conventions.
  private func scanVector(_ deflection: Pair<Double>, _ calibration: Calibration) -> Pair<Double> {
    let turned = calibration.transpose!.value ? Pair(deflection.x, deflection.y) : deflection
    let (c, s) = (cos(calibration.scanRotation!.value), sin(calibration.scanRotation!.value))
    return Pair(c * turned.y + s * turned.x, -s * turned.y + c * turned.x)
  }

  @Test(
    "a deflection points to the same place of the scan however the detector is turned", arguments: [0, 17, -110, 180])
  func deflection(angle: Double) throws {
    let shape = Shape(9, 12)
    for job in Self.orientations {
      for transpose in [false, true] {
        var source = MemoryScan(Shape(1, 2), shape, .u16, [spot(3, 4, shape), spot(5, 9, shape)])
        source.description.calibration.scanRotation = Sourced(angle * .pi / 180, .file)
        source.description.calibration.transpose = Sourced(transpose, .file)
        source.description.calibration.detectorPixel = Sourced(
          Pair(Quantity(0.1, .inverseAngstrom), Quantity(0.3, .inverseAngstrom)), .file)
        var job = job
        job.correction.bin = Shape(1, 1)
        let corrected = try job.preprocessing.applied(to: source, scan: Shape(1, 2)).source
        func deflection(_ scan: any FrameSource) throws -> Pair<Double> {
          let frames = try scan.read(), shape = scan.description.detectorShape
          let calibration = scan.description.calibration, pixel = calibration.detectorPixel!.value
          let from = brightest(frames[0], shape), to = brightest(frames[1], shape)
          return scanVector(Pair((to.y - from.y) * pixel.y.value, (to.x - from.x) * pixel.x.value), calibration)
        }
        let before = try deflection(source), after = try deflection(corrected)
        #expect(hypot(before.y - after.y, before.x - after.x) < 1e-12, "\(job), transpose \(transpose)")
      }
    }
  }

  @Test("bins make pixels and steps larger and keep a deflection")
  func bins() throws {
    let shape = Shape(24, 36)
    var source = MemoryScan(Shape(4, 6), shape, .u16, .init(repeating: spot(1, 1, shape), count: 24))
    source.description.calibration.detectorPixel = Sourced(
      Pair(Quantity(1, .milliradian), Quantity(2, .milliradian)), .file)
    source.description.calibration.scanStep = Sourced(Pair(0.5, 0.25), .file)
    var preprocessing = Preprocessing()
    preprocessing.detector.orientation = Orientation(transpose: true)
    preprocessing.detector.bin = Shape(3, 4)
    preprocessing.scan.bin = Shape(2, 3)
    let corrected = try preprocessing.applied(to: source, scan: Shape(4, 6)).source.description
    #expect(corrected.detectorShape == Shape(12, 6))
    #expect(corrected.calibration.detectorPixel?.value == Pair(Quantity(6, .milliradian), Quantity(4, .milliradian)))
    #expect(corrected.calibration.scanStep?.value == Pair(1, 0.75))
    #expect(corrected.scanShape == Shape(2, 2))
  }

  @Test("what is unknown stays unknown")
  func unknown() throws {
    var source = MemoryScan(Shape(1, 1), Shape(4, 4), .u16, [spot(1, 1, Shape(4, 4))])
    var preprocessing = Preprocessing()
    preprocessing.detector.orientation = Orientation(flipX: true)
    var calibration = try preprocessing.applied(to: source, scan: Shape(1, 1)).source.description.calibration
    #expect(calibration == Calibration())
    source.description.calibration.transpose = Sourced(true, .file)
    calibration = try preprocessing.applied(to: source, scan: Shape(1, 1)).source.description.calibration
    #expect(calibration.transpose?.value == false && calibration.scanRotation == nil)
  }

  @Test("an ellipse turns with the detector and is stretched by bins")
  func ellipse() throws {
    let ellipse = Ellipse(ratio: 1.3, angle: 0.4)
    for var job in Self.orientations {
      job.correction.bin = Shape(2, 3)
      var source = MemoryScan(Shape(1, 1), Shape(12, 12), .u16, [spot(1, 1, Shape(12, 12))])
      source.description.calibration.ellipse = Sourced(ellipse, .file)
      let corrected = try job.preprocessing.applied(to: source, scan: Shape(1, 1)).source.description.calibration
      var radii: [Double] = []
      for step in 0..<12 {
        // A point of the ellipse: what its correction puts on the unit circle.
        let angle = Double(step) * .pi / 6
        let (c, s) = (cos(ellipse.angle), sin(ellipse.angle))
        let along = cos(angle) * ellipse.ratio.squareRoot(), across = sin(angle) / ellipse.ratio.squareRoot()
        let point = Pair(-s * along + c * across, c * along + s * across)
        #expect(abs(hypot(ellipse.corrected(point).y, ellipse.corrected(point).x) - 1) < 1e-12)
        let seen = orientation(job).vector(point)
        let circle = corrected.ellipse!.value.corrected(Pair(seen.y / 2, seen.x / 3))
        radii.append(hypot(circle.y, circle.x))
      }
      #expect(radii.max()! - radii.min()! < 1e-9, "\(job)")
      #expect(corrected.ellipse!.value.ratio >= 1)
    }
  }

  // MARK: refusals

  private func problems(_ change: (inout Preprocessing) -> Void) -> [String] {
    var preprocessing = Preprocessing()
    change(&preprocessing)
    let shape = Shape(4, 6)
    let source = MemoryScan(Shape(3, 5), shape, .u16, .init(repeating: spot(1, 1, shape), count: 15))
    do {
      return try preprocessing.applied(to: source, scan: Shape(3, 5)).warnings.map { "warning: \($0)" }
    } catch {
      return error.list.map { "\($0.place) \($0.message)" }
    }
  }

  @Test("wrong shapes, windows and bins are named with what is right")
  func refusals() {
    let array = DenseArray(shape: [6, 4], values: .init(repeating: 1, count: 24))
    #expect(
      problems { $0.detector.dark = array }
        == [
          "detector.dark the array has the shape 6 × 4, the file's frames 4 × 6; give an array of 4 × 6, 24, 24 × 1 or "
            + "1 × 24"
        ])
    #expect(
      problems { $0.detector.gain = array }.first?.hasPrefix("detector.gain the array has the shape 6 × 4") == true)
    #expect(
      problems { $0.detector.crop = Window(rows: 0..<5, columns: 0..<6) }.first?.hasPrefix("detector.crop") == true)
    #expect(
      problems {
        $0.detector.orientation = Orientation(transpose: true)
        $0.detector.crop = Window(rows: 0..<6, columns: 0..<4)
      } == [])
    #expect(problems { $0.detector.bin = Shape(5, 1) }.first?.contains("1 to 4 and 1 to 6") == true)
    #expect(problems { $0.scan.bin = Shape(1, 6) }.first?.hasPrefix("scan.bin") == true)
    #expect(problems { $0.scan.crop = Window(rows: 2..<2, columns: 0..<5) }.first?.hasPrefix("scan.crop") == true)
    #expect(
      problems { $0.detector.bin = Shape(3, 4) } == [
        "warning: detector.bin: 3 × 4 does not divide 4 × 6 pixels; left out: the last row, the last 2 columns"
      ])
    #expect(problems { $0.detector.deadPixels = .init(repeating: true, count: 24) }.count == 1)
  }

  @Test("pixels without a usable reference are dead, and named")
  func references() throws {
    var gain = DenseArray(shape: [4, 6], values: .init(repeating: 2, count: 24))
    gain.values[8] = 0
    gain.values[9] = .nan
    #expect(
      problems { $0.detector.gain = gain } == [
        "warning: detector.gain: no number above 0 at pixel [1, 2] and 1 more; taken for dead"
      ])
    var preprocessing = Preprocessing()
    preprocessing.detector.gain = gain
    let source = MemoryScan(Shape(1, 1), Shape(4, 6), .u16, [.init(repeating: 5, count: 24)])
    let corrected = try preprocessing.applied(to: source, scan: Shape(1, 1))
    #expect(corrected.deadPixels?.indices.filter { corrected.deadPixels![$0] } == [8, 9])
    #expect(try corrected.source.read()[0].allSatisfy { $0 == 5 })
  }
}
