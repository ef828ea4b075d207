import CHDF5
import CLZ4
import CZstd
import Foundation
@_spi(StoredPixels) import STEM
import TestSupport
import Testing

@testable import Formats
@testable import HDF5

/// Encoders written bit by bit after the descriptions of the filters; they know nothing of the decoder.
private enum Encoder {
  static func big(_ value: Int, bytes: Int) -> [UInt8] {
    (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  static func shuffle(_ data: [UInt8], _ size: Int) -> [UInt8] {
    let count = data.count / size
    return (0..<size).flatMap { byte in (0..<count).map { data[$0 * size + byte] } } + data[(count * size)...]
  }

  /// `elements` of `data`, a multiple of 8.
  static func bitshuffle(_ data: ArraySlice<UInt8>, _ size: Int) -> [UInt8] {
    let data = Array(data)
    let groups = data.count / size / 8
    var out = [UInt8](repeating: 0, count: data.count)
    for element in 0..<data.count / size {
      for byte in 0..<size {
        for bit in 0..<8 where data[element * size + byte] >> UInt8(bit) & 1 == 1 {
          out[(8 * byte + bit) * groups + element / 8] |= 1 << UInt8(element % 8)
        }
      }
    }
    return out
  }

  static func bitshuffleBlocks(
    _ data: [UInt8], _ size: Int, block: Int, _ compress: (([UInt8]) -> [UInt8])?
  ) -> [UInt8] {
    var out = compress == nil ? [] : big(data.count, bytes: 8) + big(block * size, bytes: 4)
    let whole = data.count / size / 8 * 8 * size
    for start in stride(from: 0, to: whole, by: block * size) {
      let apart = bitshuffle(data[start..<min(whole, start + block * size)], size)
      guard let compress else {
        out += apart
        continue
      }
      let packed = compress(apart)
      out += big(packed.count, bytes: 4) + packed
    }
    return out + data[whole...]
  }

  static func lz4(_ data: [UInt8]) -> [UInt8] {
    var out = [CChar](repeating: 0, count: Int(LZ4_compressBound(Int32(data.count))))
    let count = data.withUnsafeBytes {
      LZ4_compress_default(
        $0.baseAddress!.assumingMemoryBound(to: CChar.self), &out, Int32(data.count), Int32(out.count))
    }
    return out.prefix(Int(count)).map { UInt8(bitPattern: $0) }
  }

  static func zstd(_ data: [UInt8]) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: ZSTD_compressBound(data.count))
    let count = ZSTD_compress(&out, out.count, data, data.count, 3)
    return Array(out.prefix(count))
  }

  static func lz4Blocks(_ data: [UInt8], block: Int) -> [UInt8] {
    var out = big(data.count, bytes: 8) + big(block, bytes: 4)
    for start in stride(from: 0, to: data.count, by: block) {
      let part = Array(data[start..<min(data.count, start + block)])
      let packed = lz4(part)
      let stored = packed.count < part.count ? packed : part
      out += big(stored.count, bytes: 4) + stored
    }
    return out
  }
}

private func filter(_ number: Int, _ parameters: [UInt32] = []) -> Filter {
  Filter(number: number, name: "", parameters: parameters, isOptional: false)
}

/// A way in which a chunk is stored.
private struct Case: CustomStringConvertible, Sendable {
  let description: String
  let filters: [Filter]
  let encode: @Sendable ([UInt8]) -> [UInt8]

  static let all: [Case] =
    [1, 2, 4, 8].flatMap { size -> [Case] in
      let width = UInt32(size)
      return [
        Case(description: "shuffle \(size)", filters: [filter(2, [width])]) { Encoder.shuffle($0, size) },
        Case(description: "shuffle \(size), zstd", filters: [filter(2, [width]), filter(32015, [3])]) {
          Encoder.zstd(Encoder.shuffle($0, size))
        },
        Case(description: "bitshuffle \(size)", filters: [filter(32008, [0, 4, width, 0, 0])]) {
          Encoder.bitshuffleBlocks($0, size, block: 8192 / size, nil)
        },
        Case(description: "bitshuffle \(size), blocks of 24", filters: [filter(32008, [0, 4, width, 24])]) {
          Encoder.bitshuffleBlocks($0, size, block: 24, nil)
        },
        Case(description: "bitshuffle \(size) LZ4", filters: [filter(32008, [0, 4, width, 0, 2])]) {
          Encoder.bitshuffleBlocks($0, size, block: 8192 / size, Encoder.lz4)
        },
        Case(description: "bitshuffle \(size) zstd, blocks of 40", filters: [filter(32008, [0, 4, width, 40, 3, 3])]) {
          Encoder.bitshuffleBlocks($0, size, block: 40, Encoder.zstd)
        },
      ]
    } + [
      Case(description: "LZ4", filters: [filter(32004)]) { Encoder.lz4Blocks($0, block: 1 << 30) },
      Case(description: "LZ4, blocks of 1000", filters: [filter(32004, [1000])]) { Encoder.lz4Blocks($0, block: 1000) },
      Case(description: "zstd", filters: [filter(32015)]) { Encoder.zstd($0) },
    ]
}

private func decode(_ codec: HDF5Codec, _ stored: [UInt8], count: Int) throws -> [UInt8] {
  // Guards behind the target and the source show what is written or read past the end.
  let target = UnsafeMutableRawBufferPointer.allocate(byteCount: count + 64, alignment: 64)
  defer { target.deallocate() }
  for i in count..<count + 64 { target[i] = 0xa5 }
  try stored.withUnsafeBytes {
    try HDF5CodecDecoder(codec).decode($0, into: UnsafeMutableRawBufferPointer(rebasing: target[..<count]))
  }
  #expect(target[count...].allSatisfy { $0 == 0xa5 })
  return Array(target[..<count])
}

@Suite("HDF5 codecs") struct HDF5CodecTests {
  /// Counts as a detector has them: small, with noise in the low bits and a few large ones.
  private func counts(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = Random(seed)
    return (0..<count).map { _ in
      let bits = random.next()
      return bits % 13 == 0 ? UInt8(truncatingIfNeeded: bits >> 8) : UInt8(truncatingIfNeeded: bits >> 8) & 3
    }
  }

  @Test("what was encoded comes back", arguments: Case.all)
  fileprivate func roundTrip(_ way: Case) throws {
    let codec = try #require(HDF5Codec(way.filters))
    // Whole blocks, parts of blocks, elements that fill no group of eight, bytes that fill no element.
    for (seed, count) in [8, 16, 64, 8192, 8200, 8191, 20_003, 65_536, 131_072, 40_008].enumerated() {
      let data = counts(count, seed: UInt64(seed))
      #expect(try decode(codec, way.encode(data), count: count) == data, "\(count) bytes")
    }
  }

  @Test("a compressed chunk over the edge can be as long as its pixels: it is decoded, with no plugin")
  func longEdgeChunk() throws {
    let folder = try ScratchFolder()
    let path = folder.file()
    // 2 × 2 chunks of 6 × 6 pixels under a frame of 9 × 8.
    do {
      let file = try HDF5.File(path, .create)
      let list = OwnedID(H5Pcreate(ronchi_h5p_dataset_create()), H5Pclose)
      let sizes: [hsize_t] = [1, 1, 9, 8]
      #expect(H5Pset_chunk(list.id, 4, [1, 1, 6, 6]) >= 0)
      // Optional: else a dataset with it cannot be made where there is no plugin.
      #expect(H5Pset_filter(list.id, 32015, UInt32(H5Z_FLAG_OPTIONAL), 0, nil) >= 0)
      let space = OwnedID(H5Screate_simple(4, sizes, nil), H5Sclose)
      let data = OwnedID(
        H5Dcreate2(
          file.location.id, "data", ronchi_h5t_u8(), space.id, ronchi_h5p_default(), list.id, ronchi_h5p_default()),
        H5Dclose)
      for (y, x) in [(0, 0), (0, 6), (6, 0), (6, 6)] {
        var chunk = [UInt8](repeating: 0, count: 36)
        for row in y..<min(9, y + 6) { for column in x..<min(8, x + 6) { chunk[(row - y) * 6 + column - x] = 7 } }
        var stored = Encoder.zstd(chunk)
        // A frame that decoders skip brings it to the length of the pixels.
        let rest = 36 - stored.count - 8
        try #require(rest >= 0)
        stored += [0x50, 0x2a, 0x4d, 0x18, UInt8(rest), 0, 0, 0] + [UInt8](repeating: 0, count: rest)
        let place: [hsize_t] = [0, 0, hsize_t(y), hsize_t(x)]
        #expect(H5Dwrite_chunk(data.id, ronchi_h5p_default(), 0, place, stored.count, stored) >= 0)
      }
    }
    var seen: [UInt8] = []
    try opened(path).makeReader().forEachFrame(in: 0..<1) { _, pixels in
      seen = Array(UnsafeRawBufferPointer(start: pixels.memory, count: 72))
    }
    #expect(seen == [UInt8](repeating: 7, count: 72))
  }

  @Test("noise that no codec makes smaller comes back", arguments: Case.all)
  fileprivate func noise(_ way: Case) throws {
    var random = Random(7)
    let data = (0..<70_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    #expect(try decode(try #require(HDF5Codec(way.filters)), way.encode(data), count: data.count) == data)
  }

  @Test("damaged chunks give an error or wrong bytes, never a write past the end", arguments: Case.all)
  fileprivate func damage(_ way: Case) throws {
    let codec = try #require(HDF5Codec(way.filters))
    let data = counts(9000, seed: 3)
    let good = way.encode(data)
    var random = Random(11)
    for _ in 0..<300 {
      var bad = good
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        // Sizes lie in front: hit them more often.
        let last = Bool.random(using: &random) ? bad.count : min(24, bad.count)
        bad[Int.random(in: 0..<last, using: &random)] = UInt8(truncatingIfNeeded: random.next())
      }
      if Bool.random(using: &random) { bad.removeLast(Int.random(in: 0...bad.count, using: &random)) }
      do { _ = try decode(codec, bad, count: data.count) } catch is CodecFailure {}
    }
    #expect(throws: CodecFailure.self) { try decode(codec, [], count: data.count) }
    #expect(throws: CodecFailure.self) { try decode(codec, Array(good.dropLast()), count: data.count) }
    #expect(throws: CodecFailure.self) { try decode(codec, good, count: data.count + 16) }
  }

  @Test("filters that are not known here are left to HDF5")
  func unknown() {
    #expect(HDF5Codec([filter(32001)]) == nil)
    #expect(HDF5Codec([filter(1), filter(3)]) == nil)
    #expect(HDF5Codec([filter(1), filter(2, [2])]) == nil)
    #expect(HDF5Codec([filter(2, [3])]) == nil)
    #expect(HDF5Codec([filter(32008, [0, 4, 2, 0, 7])]) == nil)
    #expect(HDF5Codec([])?.stages.isEmpty == true)
  }
}

@Suite("HDF5 chunks read as stored", .serialized) struct HDF5ChunkTests {
  private static let layouts: [DatasetLayout] = [
    .chunked([1, 1, 6, 4]), .chunked([1, 1, 6, 4], deflate: 4), .chunked([1, 7, 6, 4], deflate: 1, shuffles: true),
    .chunked([1, 3, 6, 4], deflate: 6, shuffles: true), .chunked([2, 3, 4, 3], deflate: 2, shuffles: true),
    .chunked([5, 7, 2, 4]), .chunked([3, 2, 6, 1], deflate: 1), .chunked([1, 1, 1, 1]),
  ]

  @Test("the same pixels as through HDF5", arguments: PixelType.allCases, layouts.indices)
  func allTypes(type: PixelType, layout: Int) throws {
    let folder = try ScratchFolder()
    let scan = KnownScan(type: type)
    for order in [Endianness.little, .big] {
      let path = folder.file("\(order).h5")
      do { try HDF5.File(path, .create).add(scan, layout: Self.layouts[layout], endianness: order) }
      try scan.check(try opened(path))
    }
  }

  @Test("axes in another order", arguments: [[2, 3, 0, 1], [1, 0, 3, 2]])
  func reordered(order: [Int]) throws {
    let folder = try ScratchFolder()
    let path = folder.file()
    let scan = KnownScan()
    do { try HDF5.File(path, .create).add(scan, order: order, layout: .chunked([2, 2, 3, 2], deflate: 3)) }
    let entry = try #require(try HDF5Walk.entries(of: path).first)
    let axis = order.indices.map { axis in order.firstIndex(of: axis)! }
    let layout = HDF5FrameLayout(
      shape: entry.shape, positions: .separate(y: axis[0], x: axis[1]), pixels: .separate(y: axis[2], x: axis[3]),
      grid: scan.scan, detector: scan.detector)
    let about = SourceDescription(
      format: "hdf5", path: path, scanShape: scan.scan, frameCount: scan.frames, detectorShape: scan.detector,
      pixelType: scan.type)
    try scan.check(try HDF5FrameSource(entry, layout, about: about))
  }

  @Test("chunks that nobody wrote hold the fill value")
  func missing() throws {
    let folder = try ScratchFolder()
    let path = folder.file()
    let pixels = [UInt16](repeating: 7, count: 24)
    do {
      let file = try HDF5.File(path, .create)
      let layout = DatasetLayout.chunked([1, 1, 6, 4], deflate: 2)
      let data = try file.createDataset(
        "/data", shape: [2, 3, 6, 4], type: .number(.u16), layout: layout, fill: UInt16(99))
      try data.write(pixels, to: HDF5.Hyperslab(start: [1, 0, 0, 0], count: [1, 1, 6, 4]))
    }
    var found: [UInt16] = []
    try opened(path).makeReader().forEachFrame(in: 0..<6) { _, frame in
      found.append(frame.memory.load(fromByteOffset: 46, as: UInt16.self))
    }
    #expect(found == [99, 99, 99, 7, 99, 99])
  }

  @Test("a damaged chunk is reported with its first frame")
  func damaged() throws {
    let folder = try ScratchFolder()
    let path = folder.file()
    let scan = KnownScan(scan: Shape(4, 4))
    do { try HDF5.File(path, .create).add(scan, layout: .chunked([1, 2, 6, 4], deflate: 6)) }
    let chunk = try withHDF5(path) { file in try file.openDataset("/data").chunk(at: [2, 2, 0, 0]) }
    let place = try #require(chunk?.address)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    for i in 0..<8 { bytes[place + 4 + i] ^= 0xff }
    try bytes.write(to: URL(fileURLWithPath: path))
    let reader = try opened(path).makeReader()
    let found = try #require(problem { try reader.forEachFrame(in: 0..<16) { _, _ in } })
    #expect(found.code == .badData)
    #expect(found.message.contains("frame 10 (scan row 2, column 2)"), "\(found)")
    #expect(try scan.firstError(in: reader, 0..<10) == nil)
    #expect(try scan.firstError(in: reader, 12..<16) == nil)
  }
}
