import Foundation
import HDF5
@_spi(StoredPixels) import STEM
import Testing

@testable import Formats

@Suite("frames of HDF5 datasets")
struct HDF5FrameTests {
  static let chunks: [[Int]?] = [
    nil, [1, 1, 6, 4], [1, 3, 6, 4], [1, 7, 6, 4], [2, 7, 6, 4], [2, 3, 6, 4], [4, 4, 3, 4], [5, 7, 2, 2],
    [3, 2, 4, 3],
  ]

  @Test("every pixel type, little- and big-endian, contiguous and compressed", arguments: PixelType.allCases)
  func pixelTypes(type: PixelType) throws {
    let scan = KnownScan(type: type)
    for endianness in Endianness.allCases {
      for layout in [DatasetLayout.contiguous, .chunked([1, 3, 6, 4], deflate: 4, shuffles: true)] {
        let folder = try ScratchFolder()
        try HDF5.File(folder.file(), .create).add(scan, layout: layout, endianness: endianness)
        let source = try opened(folder.file())
        #expect(source.description.byteOrder.rawValue == endianness.rawValue)
        #expect(source.description.scanShape == scan.scan)
        #expect(source.description.format == "hdf5")
        try scan.check(source)
      }
    }
  }

  @Test("every shape of chunks, with and without gzip, in the usual order", arguments: chunks)
  func chunkShapes(chunk: [Int]?) throws {
    let scan = KnownScan()
    for deflate in [nil, 5] where chunk != nil || deflate == nil {
      let folder = try ScratchFolder()
      let layout = chunk.map { DatasetLayout.chunked($0, deflate: deflate, shuffles: deflate != nil) } ?? .contiguous
      try HDF5.File(folder.file(), .create).add(scan, layout: layout)
      try scan.check(try opened(folder.file()))
    }
  }

  @Test("whole frames in chunks without filters come from the mapped file", arguments: PixelType.allCases)
  func storedFrames(type: PixelType) throws {
    let scan = KnownScan(type: type)
    for (chunk, userBlock) in [([1, 1, 6, 4], 0), ([1, 3, 6, 4], 0), ([1, 7, 6, 4], 512)] {
      let folder = try ScratchFolder()
      var options = HDF5.File.Options()
      options.userBlock = userBlock
      try HDF5.File(folder.file(), .create, options: options).add(scan, layout: .chunked(chunk))
      let reader = try #require(try stored(try opened(folder.file())))
      for range in [0..<35, 2..<12, 13..<14, 30..<35, 1..<2] {
        #expect(try scan.firstError(in: reader, range) == nil)
      }
      var groups: [Range<Int>] = []
      try reader.forEachGroup(in: 0..<7) { groups.append($0.positions) }
      #expect(groups.contains { $0.count > 1 }, "chunks that follow each other make one group")
    }
  }

  /// nil where another reader is due.
  private func stored(_ source: any FrameSource) throws -> HDF5StoredFrames? {
    let source = try #require(source as? HDF5FrameSource)
    return try HDF5StoredFrames(source, beside: HDF5FrameReader(source), mode: .mmap)
  }

  @Test("chunks that cut frames, hold several rows, are filtered or of another byte order are for HDF5")
  func notStoredWhole() throws {
    for (layout, endianness) in [
      (DatasetLayout.chunked([1, 1, 3, 4]), Endianness.little), (.chunked([2, 7, 6, 4]), .little),
      (.chunked([1, 1, 6, 4], deflate: 1), .little), (.chunked([1, 1, 6, 4]), .big),
    ] {
      let folder = try ScratchFolder()
      try HDF5.File(folder.file(), .create).add(KnownScan(), layout: layout, endianness: endianness)
      #expect(try stored(try opened(folder.file())) == nil)
    }
  }

  @Test("a chunk that was never written has the fill value, between mapped ones")
  func chunkThatIsMissing() throws {
    let scan = KnownScan()
    let folder = try ScratchFolder()
    do {
      let file = try HDF5.File(folder.file(), .create)
      let layout = DatasetLayout.chunked([1, 1, 6, 4])
      let data = try file.createDataset("data", shape: scan.shape, of: .u16, layout: layout, fill: UInt16(7))
      let all = scan.values().map { UInt16($0) }
      for position in 0..<scan.frames where position != 9 {
        let frame = Array(all[position * 24..<(position + 1) * 24])
        try data.write(frame, to: Hyperslab(start: [position / 7, position % 7, 0, 0], count: [1, 1, 6, 4]))
      }
    }
    let reader = try #require(try stored(try opened(folder.file())))
    #expect(try scan.firstError(in: reader, 0..<9) == nil && scan.firstError(in: reader, 10..<35) == nil)
    var found: [Double] = []
    try reader.forEachFrame(in: 8..<11) { if $0 == 9 { found = $1.doubles() } }
    #expect(found == [Double](repeating: 7, count: 24))
  }

  @Test(
    "the right frames where chunks are larger than the memory for them",
    arguments: chunks, [[0, 1, 2, 3], [0, 1, 3, 2], [3, 2, 1, 0], [2, 3, 0, 1], [1, 0, 2, 3], [0, 2, 1, 3]])
  func tightMemory(chunk: [Int]?, order: [Int]) throws {
    let scan = KnownScan()
    let folder = try ScratchFolder()
    let layout = chunk.map { DatasetLayout.chunked($0.indices.map { [chunk![order[$0]]][0] }) } ?? .contiguous
    try HDF5.File(folder.file(), .create).add(scan, order: order, layout: layout)
    var request = InputRequest(path: folder.file())
    request.dataset = "/data"
    let entry = try request.namedEntry("/data")
    let place = { (axis: Int) in order.firstIndex(of: axis)! }
    let frames = HDF5FrameLayout(
      shape: entry.shape, positions: .separate(y: place(0), x: place(1)), pixels: .separate(y: place(2), x: place(3)),
      grid: scan.scan, detector: scan.detector)
    let about = SourceDescription(
      format: "hdf5", path: folder.file(), scanShape: scan.scan, frameCount: scan.frames, detectorShape: scan.detector,
      pixelType: scan.type)
    let frame = scan.detector.count * scan.type.size
    for limits in [
      HDF5ReadPlan.Limits(), .init(batchBytes: frame, usualBytes: 3 * frame, mostBytes: 5 * frame),
      .init(batchBytes: 2 * frame, usualBytes: 14 * frame, mostBytes: 15 * frame),
      .init(batchBytes: 1, usualBytes: 1, mostBytes: 1),
    ] {
      try scan.check(try HDF5FrameSource(entry, frames, about: about, limits: limits))
    }
  }

  @Test("a window never holds more than the plan states, and chunks are not cut where memory allows")
  func memoryBound() {
    let grids = [Shape(256, 256), Shape(1, 4096), Shape(33, 17), Shape(1024, 1024)]
    let detectors = [Shape(64, 64), Shape(256, 256), Shape(1024, 1024)]
    for grid in grids {
      for detector in detectors {
        let layout = HDF5FrameLayout(standard: [grid.y, grid.x, detector.y, detector.x])!
        for tall in [1, 4, 16, 64] where tall <= grid.y {
          for wide in [1, 4, 16, 64] where wide <= grid.x {
            let chunk = [tall, wide, detector.y / 4, detector.x / 4]
            let plan = HDF5ReadPlan(layout, frameBytes: detector.count * 2, chunk: chunk)
            let unit = plan.rows * plan.columns * plan.frameBytes
            #expect(unit <= plan.limits.mostBytes)
            if plan.repeats == 1 { #expect(plan.rows % tall == 0 || plan.rows == grid.y) }
            for position in [0, grid.x / 2, grid.count / 2, grid.count - 1] {
              let window = plan.window(at: position, wantedEnd: grid.count)
              #expect(window.contains(position / grid.x, position % grid.x))
              #expect(window.count * plan.frameBytes <= max(unit, plan.limits.batchBytes))
            }
          }
        }
      }
    }
  }

  @Test("chunkPositions: what is stored together, for blocks to be cut along")
  func chunkPositions() {
    func positions(_ shape: [Int], _ chunk: [Int]?) -> Int {
      let layout = HDF5FrameLayout(standard: shape)!
      return HDF5ReadPlan(layout, frameBytes: layout.detector.count * 2, chunk: chunk).chunkPositions
    }
    #expect(positions([64, 64, 128, 128], nil) == 1)
    #expect(positions([64, 64, 128, 128], [1, 1, 128, 128]) == 1)
    #expect(positions([64, 64, 128, 128], [1, 16, 128, 128]) == 16)
    #expect(positions([64, 64, 128, 128], [4, 4, 64, 64]) == 256)
    // 40 = 16 + 16 + 8: only whole rows do not cut a chunk.
    #expect(positions([56, 40, 96, 88], [1, 16, 96, 88]) == 40)
  }

  @Test("3-D stacks need a scan shape from the user, extra dimensions of one are dropped")
  func ranks() throws {
    let (scan, folder) = (KnownScan(), try ScratchFolder())
    try HDF5.File(folder.file("3d.h5"), .create).add(scan, shape: [35, 6, 4], layout: .chunked([4, 6, 4]))
    let stack = try opened(folder.file("3d.h5"))
    #expect(stack.description.scanShape == nil)
    try scan.check(stack)
    let shaped = try opened(folder.file("3d.h5")) { $0.scanShape = Shape(5, 7) }
    #expect(shaped.description.scanShape == Shape(5, 7))
    let wrong = problem { _ = try opened(folder.file("3d.h5")) { $0.scanShape = Shape(5, 8) } }
    #expect(wrong?.code == .badData && wrong?.message.contains("40") == true)

    try HDF5.File(folder.file("6d.h5"), .create)
      .add(scan, shape: [1, 5, 7, 1, 6, 4], layout: .chunked([1, 1, 7, 1, 6, 4]))
    try scan.check(try opened(folder.file("6d.h5")))
    try HDF5.File(folder.file("5d.h5"), .create).add(scan, shape: [5, 7, 2, 3, 4])
    let five = problem { _ = try opened(folder.file("5d.h5")) { $0.dataset = "data" } }
    #expect(five?.code == .badData && five?.message.contains("5 × 7 × 2 × 3 × 4") == true)
    try HDF5.File(folder.file("2d.h5"), .create).add(scan, shape: [35, 24])
    let two = problem { _ = try opened(folder.file("2d.h5")) }
    #expect(two?.code == .badData && two?.message.contains("35 × 24") == true)
  }

  @Test("a detector of one line is read without being named, beside maps too")
  func lines() throws {
    let folder = try ScratchFolder()
    let scan = KnownScan(detector: Shape(1, 24))
    let file = try HDF5.File(folder.file(), .create)
    try file.add(scan)
    _ = try file.createDataset("map", shape: [5, 7], of: .f64)
    try file.flush()
    try scan.check(try opened(folder.file()))
  }

  @Test("booleans are read as 0 and 1; 64-bit integers are refused by name")
  func otherTypes() throws {
    let folder = try ScratchFolder()
    let file = try HDF5.File(folder.file(), .create)
    let bools: [UInt8] = (0..<48).map { $0 % 3 == 0 ? 1 : 0 }
    let dataset = try file.createDataset("/flags", shape: [2, 3, 4, 2], type: .boolean)
    try bools.withUnsafeBytes { try dataset.write(dataset.whole, from: $0, as: .boolean) }
    try file.createDataset("/long", shape: [2, 3, 4, 2], of: .i64)
    try file.flush()
    var read: [UInt8] = []
    let source = try opened(folder.file()) { $0.dataset = "/flags" }
    #expect(source.description.pixelType == .u8)
    try source.makeReader().forEachFrame(in: 0..<6) { _, frame in
      read += UnsafeRawBufferPointer(start: frame.memory, count: 8).map { $0 }
    }
    #expect(read == bools)
    let long = problem { _ = try opened(folder.file()) { $0.dataset = "/long" } }
    #expect(long?.code == .badData && long?.message.contains("i64") == true)
  }

  @Test("data that nobody wrote read as zeros, contiguous and chunked")
  func unwritten() throws {
    let folder = try ScratchFolder()
    do {
      let file = try HDF5.File(folder.file(), .create)
      var late = DatasetLayout()
      late.allocatesEarly = false
      try file.createDataset("/contiguous", shape: [2, 2, 4, 4], of: .u16, layout: late)
      try file.createDataset("/chunked", shape: [2, 2, 4, 4], of: .u16, layout: .chunked([1, 2, 4, 4], deflate: 1))
    }
    for dataset in ["/contiguous", "/chunked"] {
      let source = try opened(folder.file()) { $0.dataset = dataset }
      var sum = 0
      try source.makeReader().forEachFrame(in: 0..<4) { _, frame in
        sum += UnsafeRawBufferPointer(start: frame.memory, count: 32).reduce(0) { $0 + Int($1) }
      }
      #expect(sum == 0)
    }
  }

  @Test("a user block before the HDF5 part moves every offset")
  func userBlock() throws {
    let (scan, folder) = (KnownScan(), try ScratchFolder())
    let layouts = [DatasetLayout.contiguous, .chunked([1, 1, 6, 4]), .chunked([2, 3, 6, 4], deflate: 1)]
    for (size, layout) in [512, 8192].flatMap({ size in layouts.map { (size, $0) } }) {
      var options = HDF5.File.Options()
      options.userBlock = size
      let name = folder.file("\(size) \(layout.chunk ?? []).h5")
      try HDF5.File(name, .create, options: options).add(scan, layout: layout)
      try scan.check(try opened(name))
    }
  }
}
