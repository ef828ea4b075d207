import STEM

@testable import Preprocessing

typealias Image = [[Double]]

/// The corrections one after the other on whole images, written out as the documentation says them.
struct Naive {
  var transpose = false
  var rotate = 0
  var flipY = false
  var flipX = false
  var correction = DetectorCorrection()
  var scan = ScanCorrection()

  var preprocessing: Preprocessing {
    var result = Preprocessing()
    result.detector = correction
    result.detector.orientation = Orientation(
      transpose: transpose, quarterTurns: rotate / 90, flipY: flipY, flipX: flipX)
    result.scan = scan
    return result
  }

  static func image(_ values: [Double], _ shape: Shape) -> Image {
    (0..<shape.y).map { y in Array(values[y * shape.x..<(y + 1) * shape.x]) }
  }

  func frame(_ raw: [Double], _ shape: Shape) -> Image {
    var image = Self.image(values(raw), shape)
    if correction.interpolates, let dead = correction.deadPixels { image = interpolated(image, dead, shape) }
    image = oriented(image)
    if let crop = correction.crop { image = image[crop.rows].map { Array($0[crop.columns]) } }
    return binned(image)
  }

  func oriented(_ given: Image) -> Image {
    var image = given
    if transpose { image = Self.transposed(image) }
    // Clockwise: the leftmost column, read upwards, is the new first row.
    for _ in 0..<rotate / 90 { image = Self.transposed(image.reversed()) }
    if flipY { image.reverse() }
    if flipX { image = image.map { $0.reversed() } }
    return image
  }

  private func values(_ raw: [Double]) -> [Double] {
    var values = raw
    if let dark = correction.dark { for i in values.indices { values[i] -= dark.values[i] } }
    for i in values.indices { values[i] -= correction.offset }
    if let gain = correction.gain {
      let good = gain.values.indices.filter { !(correction.deadPixels?[$0] ?? false) }
      let mean = good.reduce(0) { $0 + gain.values[$1] } / Double(good.count)
      for i in good { values[i] *= mean / gain.values[i] }
    }
    return values
  }

  private func interpolated(_ image: Image, _ dead: [Bool], _ shape: Shape) -> Image {
    var result = image
    for y in 0..<shape.y {
      for x in 0..<shape.x where dead[y * shape.x + x] {
        var found: [Double] = []
        var reach = 1
        while found.isEmpty {
          for row in 0..<shape.y {
            for column in 0..<shape.x
            where max(abs(row - y), abs(column - x)) == reach && !dead[row * shape.x + column] {
              found.append(image[row][column])
            }
          }
          reach += 1
        }
        result[y][x] = found.reduce(0, +) / Double(found.count)
      }
    }
    return result
  }

  private func binned(_ image: Image) -> Image {
    let bin = correction.bin
    return (0..<image.count / bin.y).map { y in
      (0..<image[0].count / bin.x).map { x in
        var sum = 0.0
        for row in 0..<bin.y { for column in 0..<bin.x { sum += image[y * bin.y + row][x * bin.x + column] } }
        return sum
      }
    }
  }

  private static func transposed(_ image: Image) -> Image {
    image[0].indices.map { column in image.map { $0[column] } }
  }

  /// The frames of the corrected scan, row-major.
  func frames(_ source: MemoryScan) -> [[Double]] {
    let whole = Window(source.scan)
    let window = scan.crop ?? whole
    let bin = scan.bin
    var result: [[Double]] = []
    for y in 0..<window.rows.count / bin.y {
      for x in 0..<window.columns.count / bin.x {
        var sum: [Double] = []
        for row in 0..<bin.y {
          for column in 0..<bin.x {
            let position =
              (window.rows.lowerBound + y * bin.y + row) * source.scan.x + window.columns.lowerBound + x * bin.x
              + column
            let frame = self.frame(source.frames[position], source.description.detectorShape).flatMap { $0 }
            sum = sum.isEmpty ? frame : zip(sum, frame).map(+)
          }
        }
        result.append(sum)
      }
    }
    return result
  }
}

extension Naive {
  /// Anything that a job could ask for.
  static func random(_ scan: Shape, _ detector: Shape, _ random: inout Random) -> Naive {
    func maybe(_ chance: Double = 0.4) -> Bool { Double.random(in: 0..<1, using: &random) < chance }
    func range(_ count: Int) -> Range<Int> {
      let begin = Int.random(in: 0..<count, using: &random)
      return begin..<Int.random(in: begin + 1...count, using: &random)
    }
    func bin(_ shape: Shape) -> Shape {
      Shape(Int.random(in: 1...min(5, shape.y), using: &random), Int.random(in: 1...min(5, shape.x), using: &random))
    }
    func array(_ range: ClosedRange<Double>) -> DenseArray {
      let count = detector.count
      return DenseArray(
        shape: [[detector.y, detector.x], [count], [count, 1], [1, count]].randomElement(using: &random)!,
        values: (0..<count).map { _ in Double.random(in: range, using: &random) })
    }
    var job = Naive()
    job.transpose = maybe()
    job.rotate = 90 * Int.random(in: 0..<4, using: &random)
    (job.flipY, job.flipX) = (maybe(), maybe())
    let seen = job.transpose != (job.rotate % 180 == 90) ? Shape(detector.x, detector.y) : detector
    if maybe() { job.correction.crop = Window(rows: range(seen.y), columns: range(seen.x)) }
    if maybe() { job.correction.bin = bin(job.correction.crop?.shape ?? seen) }
    if maybe(0.3) { job.correction.dark = array(-3...40) }
    if maybe(0.3) { job.correction.gain = array(0.5...2) }
    if maybe(0.2) { job.correction.offset = 1.5 }
    if maybe(0.3) {
      job.correction.deadPixels = (0..<detector.count).map { $0 == 0 ? false : maybe($0 % 3 == 0 ? 0.7 : 0.1) }
      job.correction.interpolates = maybe(0.7)
    }
    if maybe(0.3) { job.scan.crop = Window(rows: range(scan.y), columns: range(scan.x)) }
    if maybe(0.3) { job.scan.bin = bin(job.scan.crop?.shape ?? scan) }
    return job
  }
}
