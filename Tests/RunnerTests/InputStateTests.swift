import Digest
import Foundation
import STEM
import TestSupport
import Testing

@testable import Runner

/// Two files that an input consists of.
private final class FilePair {
  let folder: TemporaryFolder
  let paths: [String]

  /// Bytes of the first one; the second has 300.
  init(size: Int) throws {
    folder = try TemporaryFolder()
    paths = [folder.path("scan.mib"), folder.path("scan.hdr")]
    for (path, size) in zip(paths, [size, 300]) {
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
    }
  }

  func state() throws -> InputState { try InputState(paths) }

  /// Changes a byte; the time of modification stays where it is wanted.
  func edit(_ place: Int, of index: Int = 0, keepingTime: Bool = true) throws {
    let before = try FileManager.default.attributesOfItem(atPath: paths[index])[.modificationDate]!
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: paths[index]))
    try file.seek(toOffset: UInt64(place))
    let byte = try file.read(upToCount: 1)![0]
    try file.seek(toOffset: UInt64(place))
    try file.write(contentsOf: [~byte])
    try file.close()
    if keepingTime { try FileManager.default.setAttributes([.modificationDate: before], ofItemAtPath: paths[index]) }
  }

  func touch(_ index: Int, _ seconds: Double) throws {
    let date = Date(timeIntervalSince1970: seconds)
    try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: paths[index])
  }
}

@Suite("the state of an input") struct InputStateTests {
  @Test(
    "an edit anywhere in a file of a few MiB shows in the samples", arguments: [0, 1_700_001, 2_345_678, 4_099_999])
  func smallFile(place: Int) throws {
    let pair = try FilePair(size: 4_100_000)
    let before = try pair.state()
    #expect(try pair.state() == before)
    try pair.edit(place)
    let changes = try pair.state().changes(since: before)
    let percent = Int((Double(place) / 4_100_000 * 100).rounded())
    let found = try #require(changes.content.first?.firstMatch(of: /content of scan.mib has changed at about (\d+) %/))
    #expect(abs(Int(found.1)! - percent) <= 2 && changes.content.count == 1, "\(changes)")
    #expect(!changes.differences(acceptsTouched: true).isEmpty)
  }

  @Test("in a large file an edit between samples shows in the time, one in a sample in both")
  func largeFile() throws {
    let pair = try FilePair(size: 40_000_000)
    try pair.touch(0, 1_000_000_000)
    let before = try pair.state()
    let places = FileSampler.places(64, size: 40_000_000)
    try pair.edit(places[20].lowerBound - 5, keepingTime: false)
    let between = try pair.state().changes(since: before)
    #expect(between.content.isEmpty && between.touched.count == 1)
    #expect(between.touched[0].contains("was 2001-09-09T01:46:40.000000000Z"), "\(between)")
    #expect(between.differences(acceptsTouched: false).joined().contains("--accept-touched"))
    #expect(between.differences(acceptsTouched: true).isEmpty)
    try pair.edit(places[20].lowerBound)
    #expect(
      try pair.state().changes(since: before).content.first?.contains("scan.mib has changed at about 31 %") == true)
  }

  @Test("a file beside the frames counts as they do")
  func header() throws {
    let pair = try FilePair(size: 5000)
    let before = try pair.state()
    try pair.edit(100, of: 1)
    #expect(try pair.state().changes(since: before).content.first?.contains("content of scan.hdr") == true)
    try FileManager.default.removeItem(atPath: pair.paths[1])
    let alone = try InputState([pair.paths[0]])
    #expect(alone.changes(since: before).content.contains("scan.hdr was read and is not any more"))
    #expect(before.changes(since: alone).content.contains("scan.hdr is read and was not"))
  }

  @Test("a copied folder is the same input but for its times")
  func copied() throws {
    let pair = try FilePair(size: 5000)
    let copy = try TemporaryFolder()
    for path in pair.paths {
      try Data(contentsOf: URL(fileURLWithPath: path)).write(
        to: copy.url.appendingPathComponent(URL(fileURLWithPath: path).lastPathComponent))
    }
    let state = try InputState([copy.path("scan.mib"), copy.path("scan.hdr")])
    let changes = try state.changes(since: pair.state())
    #expect(changes.content.isEmpty && changes.touched.count == 2)
  }

  @Test("samples cover small files and reach both ends of every file", arguments: [1, 63, 64, 300, 4 << 20, 1 << 40])
  func places(size: Int) {
    let places = FileSampler.places(64, size: size)
    #expect(places.count == 64 && places[0].lowerBound == 0 && places[63].upperBound == size)
    #expect(places.reduce(0) { $0 + $1.count } <= 65 << 16)
    guard size <= 4 << 20 else { return }
    for (place, next) in zip(places, places.dropFirst()) { #expect(next.lowerBound <= place.upperBound) }
  }

  @Test("a file of a TB takes less than a second")
  func hugeFile() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("huge.raw")
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    try #require(truncate(path, 1 << 40) == 0)
    let began = ContinuousClock.now
    _ = try InputState([path])
    #expect(ContinuousClock.now - began < .seconds(1))
  }

  @Test("results keep it in attributes")
  func attributes() throws {
    let state = try FilePair(size: 5000).state()
    #expect(InputState(attributes: state.attributes) == state)
    #expect(InputState(attributes: []) == nil)
  }

  @Test("the digest of the first and last MiB is the one that results have always carried")
  func oldDigest() throws {
    let pair = try FilePair(size: 4_100_000)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: pair.paths[0]))
    let digest = SHA256()
    digest.update(bytes.prefix(1 << 20))
    digest.update(bytes.suffix(1 << 20))
    #expect(try pair.state().ends[0] == digest.finalize())
  }
}
