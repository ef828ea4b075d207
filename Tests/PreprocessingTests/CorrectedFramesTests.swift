import STEM
import Testing

@testable import Preprocessing

@Suite struct CorrectedFramesTests {
  private func expectEqual(_ found: [[Double]], _ wanted: [[Double]], _ exact: Bool, _ scale: Double, _ what: String) {
    guard found.count == wanted.count, zip(found, wanted).allSatisfy({ $0.count == $1.count }) else {
      Issue.record("\(found.count) frames for \(wanted.count): \(what)")
      return
    }
    var worst = 0.0
    for (a, b) in zip(found, wanted) { for (x, y) in zip(a, b) { worst = max(worst, abs(x - y)) } }
    #expect(exact ? worst == 0 : worst <= 1e-6 * scale, "\(what)")
  }

  @Test("any job gives what its steps give one after the other", arguments: PixelType.allCases)
  func likeNaive(type: PixelType) throws {
    var random = Random(Int(type.size) + 10)
    for round in 0..<25 {
      let scan = Shape(Int.random(in: 1...5, using: &random), Int.random(in: 1...5, using: &random))
      let shape = Shape(Int.random(in: 1...23, using: &random), Int.random(in: 1...35, using: &random))
      let source = MemoryScan.random(scan, shape, type, &random)
      let job = Naive.random(scan, shape, &random)
      let corrected = try job.preprocessing.applied(to: source, scan: scan)
      let type = corrected.source.description.pixelType
      let summed = job.correction.bin.count * job.scan.bin.count
      let scale = Double(summed) * (source.description.pixelType.largest ?? 1000) * 4
      expectEqual(try corrected.source.read(), job.frames(source), type.isInteger, scale, "round \(round), \(job)")
      #expect(corrected.source.description.detectorShape.count == corrected.source.description.frameBytes / type.size)
    }
  }

  @Test("frames larger than the tiles in which they are turned", arguments: PixelType.allCases)
  func large(type: PixelType) throws {
    var random = Random(12)
    for (shape, rotate) in [(Shape(277, 75), 90), (Shape(70, 301), 270)] {
      let source = MemoryScan.random(Shape(1, 1), shape, type, &random)
      var job = Naive(rotate: rotate)
      for correctsValues in [false, true] {
        if correctsValues {
          job.correction.dark = DenseArray(shape: [shape.y, shape.x], values: (0..<shape.count).map(Double.init))
        }
        let corrected = try job.preprocessing.applied(to: source, scan: Shape(1, 1)).source
        let scale = (type.largest ?? 1000) + Double(shape.count)
        expectEqual(try corrected.read(), job.frames(source), !correctsValues, 4 * scale, "\(type), \(shape)")
      }
    }
  }

  @Test("any part of a scan reads like the whole")
  func parts() throws {
    var random = Random(3)
    for _ in 0..<20 {
      let source = MemoryScan.random(Shape(6, 7), Shape(5, 4), .u16, &random)
      let corrected = try Naive.random(Shape(6, 7), Shape(5, 4), &random).preprocessing
        .applied(to: source, scan: Shape(6, 7)).source
      let whole = try corrected.read()
      for _ in 0..<5 {
        let begin = Int.random(in: 0..<whole.count, using: &random)
        let end = Int.random(in: begin + 1...whole.count, using: &random)
        #expect(try corrected.read(begin..<end) == Array(whole[begin..<end]))
      }
    }
  }

  @Test("a type changes only where it must")
  func types() throws {
    var random = Random(4)
    func type(_ type: PixelType, _ change: (inout Preprocessing) -> Void) throws -> PixelType {
      var preprocessing = Preprocessing()
      change(&preprocessing)
      let source = MemoryScan.random(Shape(2, 2), Shape(8, 8), type, &random)
      return try preprocessing.applied(to: source, scan: Shape(2, 2)).source.description.pixelType
    }
    let dark = DenseArray(shape: [8, 8], values: .init(repeating: 1, count: 64))
    for each in PixelType.allCases {
      #expect(try type(each) { $0.detector.orientation = Orientation(transpose: true, flipX: true) } == each)
      #expect(try type(each) { $0.detector.crop = Window(rows: 1..<3, columns: 0..<8) } == each)
      #expect(try type(each) { $0.detector.dark = dark } == (each == .f64 ? .f64 : .f32))
      #expect(try type(each) { $0.detector.deadPixels = .init(repeating: false, count: 64) } == each)
    }
    let sums: [PixelType: PixelType] = [
      .u8: .u32, .u16: .u32, .u32: .f64, .i8: .i32, .i16: .i32, .i32: .f64, .f32: .f32, .f64: .f64,
    ]
    for (from, to) in sums {
      #expect(try type(from) { $0.detector.bin = Shape(2, 1) } == to)
      #expect(try type(from) { $0.scan.bin = Shape(1, 2) } == to)
    }
  }

  @Test("sums of the largest pixels do not overflow", arguments: PixelType.allCases.filter(\.isInteger))
  func largest(type: PixelType) throws {
    let (scan, shape) = (Shape(2, 3), Shape(110, 110))
    let frames = Array(repeating: Array(repeating: type.largest!, count: shape.count), count: scan.count)
    var preprocessing = Preprocessing()
    (preprocessing.detector.bin, preprocessing.scan.bin) = (shape, scan)
    let corrected = try preprocessing.applied(to: MemoryScan(scan, shape, type, frames), scan: scan)
    #expect(try corrected.source.read() == [[type.largest! * Double(scan.count * shape.count)]])
  }

  @Test("where nothing is to be done, the source itself is used")
  func untouched() throws {
    var random = Random(5)
    let source = MemoryScan.random(Shape(2, 3), Shape(4, 4), .u8, &random)
    var preprocessing = Preprocessing()
    preprocessing.detector.deadPixels = .init(repeating: false, count: 16)
    preprocessing.detector.crop = Window(Shape(4, 4))
    preprocessing.detector.orientation = Orientation(quarterTurns: 2, flipY: true, flipX: true)
    let corrected = try preprocessing.applied(to: source, scan: Shape(2, 3))
    #expect(corrected.source is MemoryScan)
  }

  @Test("a frame of a bin that cannot be read fails that bin only")
  func broken() throws {
    var random = Random(6)
    var source = MemoryScan.random(Shape(4, 4), Shape(3, 3), .u16, &random)
    source.broken = 5
    var preprocessing = Preprocessing()
    preprocessing.scan.bin = Shape(2, 2)
    let corrected = try preprocessing.applied(to: source, scan: Shape(4, 4)).source
    #expect(throws: Problem.self) { try corrected.read(0..<1) }
    #expect(try corrected.read(1..<4).count == 3)
  }

  // MARK: bad and saturated pixels

  @Test("a pixel that is left out is left out where it is seen; with others in a bin, so is the bin")
  func excluded() throws {
    var random = Random(7)
    let shape = Shape(6, 8)
    let source = MemoryScan.random(Shape(1, 1), shape, .u8, &random)
    var preprocessing = Preprocessing()
    var dead = [Bool](repeating: false, count: shape.count)
    dead[1 * 8 + 2] = true
    preprocessing.detector.deadPixels = dead
    preprocessing.detector.orientation = Orientation(transpose: true, flipY: true)
    let turned = try preprocessing.applied(to: source, scan: Shape(1, 1))
    // Column 2 of 8 becomes row 2, then row 5 from above.
    #expect(turned.deadPixels?.indices.filter { turned.deadPixels![$0] } == [5 * 6 + 1])
    preprocessing.detector.bin = Shape(2, 3)
    let binned = try preprocessing.applied(to: source, scan: Shape(1, 1))
    #expect(binned.deadPixels?.indices.filter { binned.deadPixels![$0] } == [2 * 2 + 0])
    #expect(binned.source.description.pixelType == .u32)
    preprocessing.detector.interpolates = true
    #expect(try preprocessing.applied(to: source, scan: Shape(1, 1)).deadPixels == nil)
  }

  @Test("a bad pixel's own value does not show, even if it is not a number")
  func interpolatesNaN() throws {
    let shape = Shape(3, 3)
    var frame = Array(repeating: 2.0, count: 9)
    frame[4] = .nan
    var preprocessing = Preprocessing()
    preprocessing.detector.deadPixels = (0..<9).map { $0 == 4 }
    preprocessing.detector.interpolates = true
    for bin in [Shape(1, 1), Shape(3, 3)] {
      preprocessing.detector.bin = bin
      let corrected = try preprocessing.applied(to: MemoryScan(Shape(1, 1), shape, .f32, [frame]), scan: Shape(1, 1))
      #expect(try corrected.source.read() == [Array(repeating: 2 * Double(bin.count), count: 9 / bin.count)])
    }
  }

  @Test("a saturated pixel stays above the threshold, whatever its dark and gain")
  func saturation() throws {
    var random = Random(8)
    let shape = Shape(16, 16)
    var job = Naive()
    func array(_ range: ClosedRange<Double>) -> DenseArray {
      DenseArray(shape: [16, 16], values: (0..<256).map { _ in Double.random(in: range, using: &random) })
    }
    job.correction.dark = array(0...300)
    job.correction.gain = array(0.8...1.2)
    job.correction.saturation = 4095
    let source = MemoryScan(
      Shape(1, 2), shape, .u16, [.init(repeating: 4095, count: 256), .init(repeating: 2000, count: 256)])
    let corrected = try job.preprocessing.applied(to: source, scan: Shape(1, 2))
    let frames = try corrected.source.read()
    #expect(frames[0].allSatisfy { $0 >= corrected.saturation! })
    #expect(frames[1].allSatisfy { $0 < corrected.saturation! })
  }

  @Test("a subtracted offset moves the threshold exactly; turning does not")
  func exactSaturation() throws {
    let source = MemoryScan(Shape(1, 1), Shape(1, 2), .u16, [[4095, 4094]])
    var preprocessing = Preprocessing()
    preprocessing.detector.saturation = 4095
    preprocessing.detector.orientation = Orientation(flipX: true)
    #expect(try preprocessing.applied(to: source, scan: Shape(1, 1)).saturation == 4095)
    preprocessing.detector.offset = 100
    let corrected = try preprocessing.applied(to: source, scan: Shape(1, 1))
    let frame = try corrected.source.read()[0]
    #expect(frame[1] >= corrected.saturation! && frame[0] < corrected.saturation!)
  }

  @Test("in sums, a saturated pixel that the job defines makes the sum NaN")
  func saturatedSums() throws {
    let source = MemoryScan(Shape(1, 2), Shape(2, 2), .u16, [[1, 2, 3, 4], [1, 2, 900, 4]])
    var preprocessing = Preprocessing()
    preprocessing.detector.bin = Shape(1, 2)
    let plain = try preprocessing.applied(to: source, scan: Shape(1, 2))
    #expect(plain.saturation == nil)
    #expect(try plain.source.read() == [[3, 7], [3, 904]])
    preprocessing.detector.saturation = 900
    let marked = try preprocessing.applied(to: source, scan: Shape(1, 2)).source.read()
    #expect(marked[0] == [3, 7])
    #expect(marked[1][0] == 3 && marked[1][1].isNaN)
  }
}
