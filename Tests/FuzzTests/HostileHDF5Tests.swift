import Foundation
import FuzzSupport
import HDF5
import STEM
import Testing

@testable import Formats

/// The problem of an action; nil when it has none.
func problem(_ body: () throws -> Void) -> Problem? {
  do {
    try body()
    return nil
  } catch let problem as Problem { return problem } catch let all as Problems { return all.list.first } catch {
    Issue.record("\(error) is no Problem")
    return nil
  }
}

/// A file whose headers were changed by hand: numbers that occur once are found and replaced.
struct ForgedFile {
  let folder = FuzzFolder()
  let path: String

  init(_ write: (borrowing HDF5.File) throws -> Void) throws {
    path = folder.path("forged.h5")
    let file = try HDF5.File(path, .create)
    try write(file)
    try file.close()
  }

  /// Replaces a little-endian number wherever it stands. Returns how often.
  @discardableResult
  func replace<Number: FixedWidthInteger>(_ old: Number, by new: Number) throws -> Int {
    func bytes(_ number: Number) -> [UInt8] { withUnsafeBytes(of: number.littleEndian) { Array($0) } }
    var content = try folder.read(path)
    var count = 0
    var place = content.startIndex
    while let found = content[place...].firstRange(of: bytes(old)) {
      content.replaceSubrange(found, with: bytes(new))
      (place, count) = (found.upperBound, count + 1)
    }
    folder.write(content, to: "forged.h5")
    return count
  }
}

@Suite("HDF5 headers that claim the impossible", .serialized)
struct HostileHDF5Tests {
  @Test(
    "a dimension beyond 63 bits", arguments: [UInt64.max, 1 << 63, 1 << 62, 1 << 40],
    [DatasetLayout.contiguous, .chunked([10, 1, 2, 2])])
  func dimensions(size: UInt64, layout: DatasetLayout) throws {
    let file = try ForgedFile { try $0.createDataset("/data", shape: [70_001, 1, 2, 2], of: .u8, layout: layout) }
    #expect(try file.replace(UInt64(70_001), by: size) > 0)
    for dataset in [nil, "/data"] {
      var request = InputRequest(path: file.path)
      request.dataset = dataset
      // Where the claim can be counted, HDF5 says what is missing when frames are read.
      let found = problem { try openInput(request).makeReader().forEachFrame(in: 0..<1) { _, _ in } }
      #expect(found?.code == .badData || (found == nil && size == 1 << 40), "\(found?.message ?? "none")")
    }
    #expect(problem { _ = try loadArray("\(file.path):/data") }?.code == .badData)
    _ = try? hdf5Contents(file.path)
  }

  @Test("an attribute whose claims are 0 bytes only because they overflow", arguments: [UInt64(1) << 63, 1 << 62])
  func attributes(size: UInt64) throws {
    let file = try ForgedFile {
      let data = try $0.createDataset("/data", shape: [2, 2, 3, 3], of: .u8)
      try data.write([UInt8](repeating: 1, count: 36))
      try data.setAttribute("numbers", [Int32](repeating: 7, count: 10_007))
    }
    #expect(try file.replace(UInt64(10_007), by: size) > 0)
    _ = problem { _ = try openInput(InputRequest(path: file.path)) }
    let attribute = Result { try HDF5.File(file.path).openDataset("/data").attribute("numbers") }
    #expect((try? attribute.get()) == nil || size < 1 << 62)
  }

  @Test("texts of 11 GB: attributes and datasets")
  func texts() throws {
    let file = try ForgedFile {
      let data = try $0.createDataset("/data", shape: [2, 2, 3, 3], of: .u8)
      try data.write([UInt8](repeating: 1, count: 36))
      try data.setAttribute("note", ["a", "b", "c"], length: 20_001)
      let text = ElementType.string(length: 31_001, isUTF8: true)
      try $0.createDataset("/text", shape: [300_007], type: text, layout: .chunked([1]))
    }
    #expect(try file.replace(UInt32(20_001), by: 0xe000_0001) > 0)
    #expect(try file.replace(UInt64(300_007), by: 1 << 33) > 0)
    let before = peakMegabytes()
    // HDF5 1.10 finds the attribute out itself; a library that does not must meet our own limit.
    _ = problem { _ = try openInput(InputRequest(path: file.path)) }
    #expect(throws: HDF5Error.self) { try HDF5.File(file.path).openDataset("/text").strings().count }
    #expect(peakMegabytes() - before < 512)
  }

  @Test("tables of an h5USID file, masks and axes that claim more elements than the file can hold")
  func claims() throws {
    let file = try ForgedFile {
      try $0.createDataset("/mask", shape: [90_001], of: .f32, layout: .chunked([1000]))
      try $0.createDataset("/flags", shape: [90_001], type: .boolean, layout: .chunked([1000]))
    }
    #expect(try file.replace(UInt64(90_001), by: 1 << 27) > 0)
    let before = peakMegabytes()
    for path in ["/mask", "/flags"] {
      let found = problem { _ = try loadArray("\(file.path):\(path)") }
      #expect(found?.code == .badData, "\(found?.message ?? "none")")
    }
    #expect(throws: HDF5Error.self) { try HDF5.File(file.path).openDataset("/mask").values(as: Double.self).count }
    #expect(peakMegabytes() - before < 512)
  }

  private func peakMegabytes() -> Int {
    let status = String(decoding: FileManager.default.contents(atPath: "/proc/self/status") ?? Data(), as: UTF8.self)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmPeak:") }
    return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) >> 10
  }
}

@Suite("HDF5 groups whose names cannot be read", .serialized)
struct DamagedGroupTests {
  @Test("a damaged heap of links or attributes is a problem, whatever is in memory", arguments: ["FHDB", "FHIB"])
  func denseGroup(signature: String) throws {
    let folder = FuzzFolder()
    let path = folder.path("dense.h5")
    do {
      var options = HDF5.File.Options()
      options.allowsNewFormat = true
      let file = try HDF5.File(path, .create, options: options)
      for name in 0..<600 { try file.createGroup("a group with a rather long name, number \(name)") }
      try file.createDataset("data", shape: [2, 2, 2, 2], of: .u8).write([UInt8](repeating: 1, count: 16))
    }
    var content = try folder.read(path)
    var place = content.startIndex
    var count = 0
    while let found = content[place...].firstRange(of: Array(signature.utf8)) {
      content[found.upperBound + 20] ^= 0xff
      (place, count) = (found.upperBound, count + 1)
    }
    #expect(count > 0)
    folder.write(content, to: "dense.h5")
    // The kind of rubbish that a table in recycled memory would begin with.
    for _ in 0..<50 { free(memset(malloc(64 * 600), 0xa5, 64 * 600)) }
    #expect(problem { _ = try openInput(InputRequest(path: path)) }?.code == .badData)
  }
}
