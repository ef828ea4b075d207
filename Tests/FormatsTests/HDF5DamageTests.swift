import Foundation
import HDF5
import STEM
import Testing

@testable import Formats

@Suite("HDF5 files that are damaged, ambiguous or linked")
struct HDF5DamageTests {
  private func cut(_ path: String, to fraction: Double) throws {
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as! Int
    #expect(truncate(path, Int(Double(size) * fraction)) == 0)
  }

  @Test("a truncated file is named, with HDF5's reason", arguments: [0.02, 0.3, 0.6, 0.99])
  func truncated(fraction: Double) throws {
    for layout in [DatasetLayout.contiguous, .chunked([1, 3, 6, 4], deflate: 1)] {
      let folder = try ScratchFolder()
      try HDF5.File(folder.file(), .create).add(KnownScan(), layout: layout)
      try cut(folder.file(), to: fraction)
      for dataset in [nil, "/data"] {
        let found = problem { _ = try opened(folder.file()) { $0.dataset = dataset } }
        #expect(found?.code == .badData, "\(found?.message ?? "none")")
        #expect(found?.description.contains(folder.file()) == true)
      }
    }
  }

  @Test("a damaged chunk: the frames before it are read, the first bad one is named")
  func corruptChunk() throws {
    let (scan, folder) = (KnownScan(), try ScratchFolder())
    var address = 0
    do {
      let file = try HDF5.File(folder.file(), .create)
      try file.add(scan, layout: .chunked([1, 7, 6, 4], deflate: 6))
      try file.flush()
      let dataset = try file.openDataset("/data")
      let chunk = try dataset.chunk(at: [3, 0, 0, 0])
      address = try #require(chunk?.address)
    }
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: folder.file()))
    try handle.seek(toOffset: UInt64(address))
    try handle.write(contentsOf: [UInt8](repeating: 0xa5, count: 40))
    try handle.close()
    let reader = try opened(folder.file()).makeReader()
    #expect(try scan.firstError(in: reader, 0..<21) == nil)
    let found = problem { _ = try scan.firstError(in: reader, 0..<35) }
    #expect(found?.code == .badData && found?.place == "\(folder.file()):/data")
    #expect(found?.message.hasPrefix("frame 21 (scan row 3, column 0)") == true, "\(found?.message ?? "none")")
    // The reader goes on behind it.
    #expect(try scan.firstError(in: reader, 28..<35) == nil)
  }

  @Test("several datasets are listed, with the way to choose; a 4-D one goes before stacks")
  func candidates() throws {
    let (scan, folder) = (KnownScan(), try ScratchFolder())
    do {
      let file = try HDF5.File(folder.file(), .create)
      try file.add(scan, "/run/first")
      try file.add(scan, "/run/stack", shape: [35, 6, 4])
      try file.add(scan, "/run/map", shape: [35, 24])
      try file.createHardLink("/alias", to: "/run/first")
      try file.createSoftLink("/soft", to: "/run/first")
    }
    #expect(["/run/first", "/alias"].contains(try opened(folder.file()).description.dataset))
    do { try HDF5.File(folder.file(), .readWrite).add(scan, "/run/second", layout: .chunked([1, 1, 6, 4])) }
    let found = problem { _ = try opened(folder.file()) }
    #expect(found?.code == .badData)
    for part in ["holds 2 datasets", "/run/second (5 × 7 × 6 × 4, uint16)", "--dataset"] {
      #expect(found?.message.contains(part) == true)
    }
    try scan.check(try opened(folder.file()) { $0.dataset = "run/second" })
    let contents = try hdf5Contents(folder.file())
    #expect(contents.count == 4)
    let second = contents.first { $0.path == "/run/second" }
    #expect(second?.shape == scan.shape && second?.type == "uint16" && second?.storage == "chunked [1, 1, 6, 4]")
  }

  @Test("a path that does not exist: the nearest names are given")
  func nearest() throws {
    let folder = try ScratchFolder()
    do {
      let file = try HDF5.File(folder.file(), .create)
      try file.add(KnownScan(), "/entry/data/frames")
      try file.add(KnownScan(), "/other")
    }
    let found = problem { _ = try opened(folder.file()) { $0.dataset = "/entry/data/frame" } }
    #expect(found?.code == .badData && found?.place == "input.dataset")
    #expect(found?.message.contains("the nearest are /entry/data/frames (5 × 7 × 6 × 4, uint16), /other") == true)
    let group = problem { _ = try opened(folder.file()) { $0.dataset = "/entry/data" } }
    #expect(group?.message.contains("is a group") == true)
  }

  @Test("links are followed inside the input's folder, never out of it")
  func links() throws {
    let (scan, folder, outside) = (KnownScan(), try ScratchFolder(), try ScratchFolder())
    try HDF5.File(folder.file("frames.h5"), .create).add(scan)
    try HDF5.File(outside.file("frames.h5"), .create).add(scan)
    do {
      let file = try HDF5.File(folder.file("master.h5"), .create)
      try file.createExternalLink("/inside", to: "frames.h5", "/data")
      try file.createSoftLink("/soft", to: "/inside")
      try file.createExternalLink("/absolute", to: outside.file("frames.h5"), "/data")
      try file.createExternalLink("/up", to: "../\(outside.path.split(separator: "/").last!)/frames.h5", "/data")
      try file.createExternalLink("/missing", to: "nowhere.h5", "/data")
      try file.createSoftLink("/circle", to: "/circle")
    }
    let source = try opened(folder.file("master.h5"))
    #expect(source.description.path == folder.file("master.h5"))
    try scan.check(source)
    try scan.check(try opened(folder.file("master.h5")) { $0.dataset = "/soft" })
    for name in ["/absolute", "/up"] {
      let found = problem { _ = try opened(folder.file("master.h5")) { $0.dataset = name } }
      #expect(found?.code == .badData && found?.message.contains("outside") == true, "\(found?.message ?? "none")")
    }
    let missing = problem { _ = try opened(folder.file("master.h5")) { $0.dataset = "/missing" } }
    #expect(missing?.code == .noInput && missing?.message.contains("nowhere.h5") == true)
    let circle = problem { _ = try opened(folder.file("master.h5")) { $0.dataset = "/circle" } }
    #expect(circle?.message.contains("circle") == true)
  }

  @Test("masks: any numbers and booleans become doubles")
  func arrays() throws {
    let folder = try ScratchFolder()
    do {
      let file = try HDF5.File(folder.file(), .create)
      try file.createDataset("/m/mask", shape: [2, 3], of: .f32).write([0, 1, 0.5, 2, 3, 4] as [Float])
      let flags = try file.createDataset("/m/flags", shape: [2, 2], type: .boolean)
      try [UInt8(1), 0, 0, 1].withUnsafeBytes { try flags.write(flags.whole, from: $0, as: .boolean) }
      try file.createDataset("/m/text", shape: [], type: .string(length: 4, isUTF8: true)).write(["abcd"])
    }
    let mask = try loadHDF5Array(path: folder.file(), dataset: "/m/mask")
    #expect(mask.shape == [2, 3] && mask.values == [0, 1, 0.5, 2, 3, 4])
    let flags = try loadHDF5Array(path: folder.file(), dataset: "m/flags")
    #expect(flags.shape == [2, 2] && flags.values == [1, 0, 0, 1])
    #expect(problem { _ = try loadHDF5Array(path: folder.file(), dataset: "/m/text") }?.code == .badData)
    #expect(problem { _ = try loadHDF5Array(path: folder.file(), dataset: "/m/none") }?.code == .badData)
    #expect(problem { _ = try loadHDF5Array(path: folder.file("no.h5"), dataset: "/m/none") }?.code == .noInput)
  }
}
