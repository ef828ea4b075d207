import Digest
import Foundation
import STEM
import Testing

@testable import Formats

@Suite("flat files") struct FlatFileTests {
  @Test("mapped and buffered reading deliver the same frames, across windows of any size")
  func modes() throws {
    let folder = ByteFolder()
    // 40 frames of 64 kB: five windows.
    let scene = Scene(scan: Shape(1, 40), detector: Shape(2, 16_000), type: .u16)
    let path = try folder.write("a.raw", scene.rowMajor(.big))
    var request = RawTests.request(path, scene)
    request.options["byte_order"] = .text("big")
    let source = try #require(try openInput(request) as? FlatFileSource)
    let file = try FileDescriptor(path, size: source.layout.end)
    let direct = try #require(FileDescriptor.direct(path, size: source.layout.end))
    for bytes in [BufferedFile(file), DirectFile(file, direct: direct), try MappedFile(file)] as [any ByteSource] {
      dropFromPageCache(path)
      let reader = FlatFileReader(source, bytes: bytes)
      try scene.check(reader, [0..<40])
      try scene.check(reader, [13..<14, 12..<20, 39..<40])
    }
  }

  @Test("a file mapped or copied stretch by stretch delivers its frames", arguments: [0, 1e-11, .infinity])
  func cached(limit: Double) throws {
    let folder = ByteFolder()
    // 40 frames of 64 kB: five windows.
    let scene = Scene(scan: Shape(1, 40), detector: Shape(2, 16_000), type: .u16)
    let path = try folder.write("a.raw", scene.rowMajor(.little))
    let source = try #require(try openInput(RawTests.request(path, scene)) as? FlatFileSource)
    let file = try FileDescriptor(path, size: source.layout.end)
    let bytes = CachedFile(file, mapped: try MappedFile(file), limit: limit)
    let reader = FlatFileReader(source, bytes: bytes)
    #expect(reader.isMapped)
    try scene.check(reader, [0..<40, 13..<14, 12..<20, 39..<40])
    // Too small to be worth a trial.
    #expect(CachedFile(file) == nil)
  }

  @Test("reading ahead around the page cache gives the same frames: announced or not, with gaps, roi and frame headers")
  func readAhead() throws {
    let folder = ByteFolder()
    // 60 frames of 64,000 bytes and a gap that keeps windows off the sectors.
    let scene = Scene(scan: Shape(1, 60), detector: Shape(2, 16_000), type: .u16)
    let frames = scene.rowMajor(.little)
    var bytes = [UInt8](repeating: 7, count: 100)
    for frame in 0..<60 { bytes += frames[frame * 64_000..<(frame + 1) * 64_000] + [1, 2, 3] }
    let path = try folder.write("a.raw", bytes)
    var request = RawTests.request(path, scene)
    request.options["offset"] = .integer(100)
    request.options["gap"] = .integer(3)
    let source = try #require(try openInput(request) as? FlatFileSource)
    for piece in [1, 70_000, 300_000, 1 << 20, 8 << 20] {
      let file = try FileDescriptor(path, size: source.layout.end)
      let direct = try #require(FileDescriptor.direct(path, size: source.layout.end))
      let reader = FlatFileReader(source, bytes: DirectFile(file, direct: direct, pieceBytes: piece))
      for runs in [[0..<60], [3..<17, 20..<21, 40..<60], [0..<8, 8..<16, 16..<24], [5..<9], []] {
        dropFromPageCache(path)
        reader.expect(runs)
        try scene.check(reader, runs)
        // Others than were announced.
        try scene.check(reader, [50..<60, 0..<10])
      }
    }
  }

  @Test("small stretches, one after the other or not, are those of the file; what is missing behind them is no error")
  func smallStretches() throws {
    let content = (0..<300_007).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7 ^ $0) }
    let folder = ByteFolder()
    let path = try folder.write("a.raw", content)
    let bytes = BufferedFile(try FileDescriptor(path))
    func check(_ range: Range<Int>) throws {
      let found = UnsafeRawBufferPointer(start: try bytes.bytes(range), count: range.count)
      #expect(found.elementsEqual(content[range]), "\(range)")
    }
    for start in [0, 70, 100_000, 20] {
      var (next, step) = (start, 0)
      while next < content.count {
        step += 1
        let end = min(content.count, next + 1 + step * 7919 % 9000)
        try check(next..<end)
        // At times a gap, or the same byte again.
        next = end + [0, 0, 5, 0, -1][step % 5]
      }
    }
    #expect(truncate(path, 200_000) == 0)
    for start in stride(from: 150_000, to: 200_000, by: 5000) { try check(start..<start + 5000) }
    #expect(throws: ReadFailure.self) { try check(195_001..<200_001) }
  }

  @Test("a file cut short while it is read gives an error that names the frame, not a signal")
  func shrinks() throws {
    let folder = ByteFolder()
    let scene = Scene(scan: Shape(1, 64), detector: Shape(64, 64), type: .u16)
    let path = try folder.write("a.raw", [UInt8](repeating: 1, count: 64 * 8192))
    let source = try #require(try openInput(RawTests.request(path, scene)) as? FlatFileSource)
    let file = try FileDescriptor(path, size: source.layout.end)
    let direct = try #require(FileDescriptor.direct(path, size: source.layout.end))
    let sources: [any ByteSource] = [
      BufferedFile(file), DirectFile(file, direct: direct), try MappedFile(file),
      CachedFile(file, mapped: try MappedFile(file), limit: 0),
    ]
    let readers = sources.map { FlatFileReader(source, bytes: $0) }
    #expect(truncate(path, 10 * 8192 + 5) == 0)
    dropFromPageCache(path)
    for reader in readers {
      let problem = try #require(problems { try reader.forEachFrame(in: 0..<64) { _, _ in } }.first)
      #expect(problem.code == .inputOutput)
      #expect(problem.place == path)
      #expect(problem.message.contains("frame 10 "), "\(problem)")
    }
  }

  /// So that the next read comes from the disk, where there is one.
  private func dropFromPageCache(_ path: String) {
    let descriptor = open(path, O_RDONLY)
    fsync(descriptor)
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    close(descriptor)
  }

  @Test("the way of reading follows from the size, unless the environment names one")
  func readModes() throws {
    #expect(try ReadMode.chosen(nil) == nil)
    #expect(try ReadMode.chosen("") == nil)
    #expect(try ReadMode.chosen("mmap") == .mmap)
    let problem = try #require(problems { _ = try ReadMode.chosen("fast") }.first)
    #expect(problem.place == "RONCHI_READ" && problem.message.contains("mmap or pread or direct"))
  }

  @Test("frames that do not exist are refused")
  func outside() throws {
    let folder = ByteFolder()
    let path = try folder.write("a.npy", npy([1, 2, 1, 1], "|u1", [1, 2]))
    let reader = try openInput(InputRequest(path: path)).makeReader()
    for range in [-1..<1, 0..<3, 5..<6] {
      #expect(problems { try reader.forEachFrame(in: range) { _, _ in } }.first?.code == .internalError)
    }
  }

  @Test("what is no file of data is refused with the right code")
  func noFiles() throws {
    let folder = ByteFolder()
    let pipe = folder.path + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    let text = try folder.write("notes.npy", Array("just some text".utf8))
    let cases: [(String, ExitCode, String)] = [
      (folder.path + "/none.npy", .noInput, "no such file"), (text + "/x", .noInput, "no such file"),
      (folder.path, .badData, "directory"), (try folder.write("empty.npy", []), .badData, "empty"),
      (pipe, .badData, "no regular file"), (text, .badData, "the name says .npy"),
    ]
    for (path, code, words) in cases {
      let problem = try #require(problems { _ = try openInput(InputRequest(path: path)) }.first)
      #expect(problem.code == code && problem.place == path, "\(problem)")
      #expect(problem.message.contains(words), "\(problem)")
    }
    for format in formatRegistry where format.name != "raw" {
      var request = InputRequest(path: text)
      request.format = format.name
      #expect(problems { _ = try openInput(request) }.first?.code == .badData, "\(format.name)")
    }
    var request = InputRequest(path: text)
    request.format = "tiff"
    let problem = try #require(problems { _ = try openInput(request) }.first)
    #expect(problem.place == "input.format" && problem.message.contains("npy"))
  }

  @Test("content decides, not the name")
  func contentDecides() throws {
    let folder = ByteFolder()
    let path = try folder.write("scan.mib", npy([1, 1, 1, 1], "|u1", [9]))
    #expect(try openInput(InputRequest(path: path)).description.format == "npy")
  }

  @Test("SHA-256 of the empty message and of a million a (FIPS 180-4 examples)")
  func hash() {
    let empty = SHA256()
    #expect(empty.finalize() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    let million = SHA256()
    for _ in 0..<1000 { million.update([UInt8](repeating: 0x61, count: 1000)) }
    #expect(million.finalize() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }
}
