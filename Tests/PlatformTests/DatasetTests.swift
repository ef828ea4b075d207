import Foundation
import HDF5
import Testing

@Suite("HDF5 datasets")
struct DatasetTests {
  let scratch = Scratch()

  @Test("numbers written are read back, in both byte orders, and lie so in the file", arguments: Endianness.allCases)
  func byteOrders(order: Endianness) throws {
    let values: [UInt16] = [1, 0x0203, 65535, 0, 7, 8]
    let path = scratch.path()
    do {
      let file = try File(path, .create)
      try file.createDataset("a/b/data", shape: [2, 3], type: .number(.u16, order)).write(values)
    }
    let file = try File(path)
    let data = try file.openDataset("/a/b/data")
    #expect(data.shape == [2, 3])
    #expect(data.elementType == .number(.u16, order))
    #expect(try data.values(as: UInt16.self) == values)
    #expect(try data.values(as: Double.self) == values.map { Double($0) })
    guard case .contiguous(let offset?) = try data.layout() else {
      Issue.record("not contiguous: \(try data.layout())")
      return
    }
    #expect(data.storageSize == 12)
    #expect(try bytes(path, (offset + 2)..<(offset + 4)) == (order == .big ? [2, 3] : [3, 2]))
  }

  @Test("every number type keeps its extremes", arguments: NumberType.allCases)
  func numberTypes(type: NumberType) throws {
    let file = try File(scratch.path(), .create)
    let data = try file.createDataset("x", shape: [2], of: type)
    #expect(data.elementType.number == type)
    switch type {
    case .u64:
      try data.write([UInt64.max, 1])
      #expect(try data.values() == [UInt64.max, 1])
    case .f32, .f64:
      try data.write([Double.infinity, -0.5])
      #expect(try data.values() == [Double.infinity, -0.5])
    default:
      let limit = Int.max >> (64 - type.size * 8 - (type.rawValue.hasPrefix("i") ? 0 : 1))
      try data.write([limit, 1])
      #expect(try data.values() == [limit, 1])
    }
  }

  @Test("a hyperslab is the part it names", arguments: [nil, [2, 2, 3], [1, 4, 5]])
  func hyperslabs(chunk: [Int]?) throws {
    let file = try File(scratch.path(), .create)
    var layout = DatasetLayout()
    layout.chunk = chunk
    let data = try file.createDataset("cube", shape: [3, 4, 5], of: .i32, layout: layout, fill: -1)
    #expect(try data.values(as: Int32.self) == [Int32](repeating: -1, count: 60))
    try data.write(Array(0..<60).map { Int32($0) })
    let part = Hyperslab(start: [1, 1, 2], count: [2, 2, 2])
    #expect(try data.values(part, as: Int32.self) == [27, 28, 32, 33, 47, 48, 52, 53])
    let sparse = Hyperslab(start: [0, 0, 0], count: [1, 2, 2], stride: [1, 2, 3], block: [1, 1, 2])
    #expect(try data.values(sparse, as: Int32.self) == [0, 1, 3, 4, 10, 11, 13, 14])
    try data.write([100, 101] as [Int32], to: Hyperslab(start: [2, 3, 3], count: [1, 1, 2]))
    #expect(try data.values(as: Int32.self).suffix(3) == [57, 100, 101])
    #expect(try data.values(Hyperslab(start: [0, 0, 0], count: [0, 4, 5]), as: Int32.self).isEmpty)
  }

  @Test("a selection outside the dataset, or a buffer too small for it, is refused")
  func refusals() throws {
    let file = try File(scratch.path(), .create)
    let data = try file.createDataset("x", shape: [4, 4], of: .f32)
    #expect(throws: HDF5Error.self) { try data.values(Hyperslab(start: [2, 0], count: [3, 4]), as: Float.self) }
    #expect(throws: HDF5Error.self) { try data.values(Hyperslab(start: [0], count: [1]), as: Float.self) }
    #expect(throws: HDF5Error.self) { try data.write([1, 2, 3] as [Float]) }
  }

  @Test("chunks pass shuffle and deflate and come back; their raw bytes are inflatable data")
  func deflatedChunks() throws {
    let path = scratch.path()
    let values = (0..<4096).map { UInt16($0 % 17) }
    do {
      let file = try File(path, .create)
      let layout = DatasetLayout.chunked([16, 32], deflate: 4, shuffles: true)
      try file.createDataset("x", shape: [64, 64], of: .u16, layout: layout).write(values)
    }
    let file = try File(path)
    let data = try file.openDataset("x")
    #expect(try data.values() == values)
    guard case .chunked(let shape, let filters) = try data.layout() else {
      Issue.record("not chunked")
      return
    }
    #expect(shape == [16, 32])
    #expect(filters.map(\.number) == [2, 1])
    #expect(filters.map(\.description) == ["shuffle", "gzip"])
    #expect(filters.map(\.isAvailable) == [true, true])
    #expect(filters[1].parameters == [4])
    #expect(data.storageSize < 8192)
    #expect(try data.chunkCount() == 8)
    let chunk = try #require(try data.chunk(at: [16, 32]))
    #expect(try data.chunk(3) == chunk)
    let address = try #require(chunk.address)
    // How zlib's streams begin.
    #expect(try bytes(path, address..<(address + chunk.size))[0] == 0x78)
    var options = File.Options()
    options.tellsPlaces = true
    let telling = try File(path, options: options)
    let same = try telling.openDataset("x")
    let places = try ChunkPlaces(same)
    let place = try #require(try places.place(ofChunk: [16, 32], of: same))
    #expect(place.bytes == address..<(address + chunk.size) && place.filterMask == 0)
    #expect(try same.values() == values)
    #expect(throws: HDF5Error.self) { _ = try places.place(ofChunk: [16, 999], of: same) }
  }

  @Test("offsets count from the first byte of the file, also behind a user block, where chunks have no address")
  func userBlock() throws {
    let path = scratch.path()
    var options = File.Options()
    options.userBlock = 1024
    do {
      let file = try File(path, .create, options: options)
      try file.createDataset("plain", shape: [4], of: .u8).write([1, 2, 3, 4] as [UInt8])
      try file.createDataset("chunked", shape: [4], of: .u8, layout: .chunked([4])).write([5, 6, 7, 8] as [UInt8])
    }
    let file = try File(path)
    guard case .contiguous(let offset?) = try file.openDataset("plain").layout() else {
      Issue.record("not contiguous")
      return
    }
    #expect(try bytes(path, offset..<(offset + 4)) == [1, 2, 3, 4])
    #expect(try file.openDataset("chunked").chunk(0).address == nil)
  }

  @Test("alignment puts large data at multiples of the boundary")
  func alignment() throws {
    var options = File.Options()
    options.alignment = (threshold: 1000, boundary: 4096)
    let file = try File(scratch.path(), .create, options: options)
    let data = try file.createDataset("x", shape: [5000], of: .f32)
    guard case .contiguous(let offset?) = try data.layout() else {
      Issue.record("not contiguous")
      return
    }
    #expect(offset > 0 && offset % 4096 == 0)
  }

  @Test("texts of fixed and variable length, complex numbers and yes/no come back")
  func otherTypes() throws {
    let file = try File(scratch.path(), .create)
    let texts = ["Å⁻¹", "", "longer than that"]
    try file.createDataset("variable", shape: [3], type: .string(length: nil, isUTF8: true)).write(texts)
    try file.createDataset("fixed", shape: [3], type: .string(length: 6, isUTF8: true)).write(texts)
    try file.createDataset("one", shape: [], type: .string(length: nil, isUTF8: true)).write(["alone"])
    #expect(try file.openDataset("variable").strings() == texts)
    #expect(try file.openDataset("fixed").strings() == ["Å⁻", "", "longer"])
    #expect(try file.openDataset("one").string() == "alone")
    let wave = try file.createDataset("wave", shape: [2], type: .complex(.f32, .native))
    #expect(wave.elementType == .complex(.f32, .native))
    let parts: [Float] = [1, 2, 3, 4]
    try parts.withUnsafeBytes { try wave.write(wave.whole, from: $0, as: .complex(.f32, .native)) }
    var back = [Float](repeating: 0, count: 4)
    try back.withUnsafeMutableBytes { try wave.read(wave.whole, into: $0, as: .complex(.f32, .native)) }
    #expect(back == parts)
    let scalar = try file.createDataset("scalar", shape: [], of: .f64)
    try scalar.write([2.5])
    #expect(try scalar.values(as: Double.self) == [2.5])
    let flags = try file.createDataset("flag", shape: [2], type: .boolean)
    #expect(flags.elementType == .boolean)
    try withUnsafeBytes(of: (Int8(1), Int8(0))) { try flags.write(flags.whole, from: $0, as: .boolean) }
    #expect(try flags.values(as: UInt8.self) == [1, 0])
  }

  @Test("two files made by the same calls at different times are equal byte for byte")
  func reproducible() throws {
    func make(_ path: String) throws {
      let file = try File(path, .create)
      let data = try file.createDataset("g/x", shape: [100], of: .f64, fill: Double.nan)
      try data.setAttribute("units", "Å")
      try data.setAttribute("labels", ["a", "bb"])
      try file.setAttribute("main", referenceTo: "/g/x")
      try file.close()
    }
    try make(scratch.path("1.h5"))
    Thread.sleep(forTimeInterval: 1.1)
    try make(scratch.path("2.h5"))
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: scratch.path("1.h5")))
        == Data(contentsOf: URL(fileURLWithPath: scratch.path("2.h5"))))
  }

  @Test("several threads may use the library at once")
  func threads() throws {
    let folder = scratch.folder
    DispatchQueue.concurrentPerform(iterations: 8) { index in
      do {
        let file = try File(folder.appendingPathComponent("\(index).h5").path, .create)
        for round in 0..<30 {
          let data = try file.createDataset("d\(round)", shape: [50], of: .i64)
          try data.write([Int](repeating: index, count: 50))
          try data.setAttribute("round", round)
          #expect(try data.values(as: Int.self).allSatisfy { $0 == index })
          #expect(throws: HDF5Error.self) { _ = try file.openDataset("missing") }
        }
      } catch { Issue.record(error) }
    }
  }
}
