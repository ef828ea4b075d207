import Foundation
import HDF5
import TestSupport
import Testing

/// Inputs that are edited, replaced or touched before, between and during runs.
@Suite(.serialized) struct InputChangeTests {
  private static let job = "calibration: {center: [0, 0]}\noutput: {images: false}\nanalyses: [frame_statistics]\n"

  /// Writes two bytes over what is there; size and first and last MiB stay.
  private static func overwrite(_ path: String, at place: Int) throws {
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try file.seek(toOffset: UInt64(place))
    try file.write(contentsOf: [0xff, 0x7f])
    try file.close()
  }

  private static func touch(_ path: String) throws {
    try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: path)
  }

  private static func largest(_ output: String) throws -> Double {
    let groups = try datasetDigests(output).keys.filter { $0.hasSuffix("Frame_Statistics_000/total") }
    let group = try #require(groups.first)
    return try doubles(output, group).max() ?? .nan
  }

  @Test(
    "a finished result of an input that was edited in its middle is neither kept nor replaced", arguments: [1, 2, 3])
  func finishedThenEdited(ranks: Int) throws {
    let folder = try TemporaryFolder()
    let scan = folder.path("in.npy")
    try TestScan(scan: (25, 25), detector: (48, 48)).writeNpy(scan)
    let arguments = ["run", try folder.write(Self.job, to: "job.yml"), "-i", scan, "-o", folder.path("r.h5")]
    #expect(try ronchi(arguments, ranks: ranks).status == 0)
    let old = try Self.largest(folder.path("r.h5"))
    // Pixel 0 of frame 312.
    try Self.overwrite(scan, at: 128 + 312 * 48 * 48 * 2)
    let refused = try ronchi(arguments, ranks: ranks)
    #expect(refused.status == 73, "\(refused.errors)")
    for words in ["in.npy has changed at about", "50 %", "--overwrite"] {
      #expect(refused.errors.contains(words) || words == "50 %" && refused.errors.contains("49 %"), "\(refused.errors)")
    }
    #expect(try Self.largest(folder.path("r.h5")) == old)
    #expect(try ronchi(arguments + ["--accept-touched"], ranks: ranks).status == 73)
    #expect(try ronchi(arguments + ["--overwrite"], ranks: ranks).status == 0)
    #expect(try Self.largest(folder.path("r.h5")) != old)
    #expect(try ronchi(arguments, ranks: ranks).errors.contains("already"))
  }

  @Test("a finished result of an input that was only touched is kept when the user says so")
  func finishedThenTouched() throws {
    let folder = try TemporaryFolder()
    let scan = folder.path("in.npy")
    try TestScan(scan: (4, 5), detector: (24, 22)).writeNpy(scan)
    let arguments = ["run", try folder.write(Self.job, to: "job.yml"), "-i", scan, "-o", folder.path("r.h5")]
    #expect(try ronchi(arguments, ranks: 2).status == 0)
    try Self.touch(scan)
    let refused = try ronchi(arguments, ranks: 2)
    #expect(refused.status == 73, "\(refused.errors)")
    for words in ["in.npy was modified at 2001-09-09T01:46:40", "--accept-touched", "--overwrite"] {
      #expect(refused.errors.contains(words), "\(refused.errors)")
    }
    let kept = try ronchi(arguments + ["--accept-touched"], ranks: 2)
    #expect(kept.status == 0 && kept.errors.contains("already"), "\(kept.errors)")
  }

  @Test("a file behind an external link that was replaced is another input")
  func replacedTarget() throws {
    let folder = try TemporaryFolder()
    func write(_ name: String, _ seed: UInt64) throws {
      let scan = TestScan(scan: (4, 5), detector: (24, 22), seed: seed)
      let file = try HDF5.File(folder.path(name), .create)
      let data = try file.createDataset("/data", shape: [4, 5, 24, 22], of: .u16)
      try data.write(scan.values)
    }
    try write("data.h5", 1)
    do {
      let master = try HDF5.File(folder.path("master.h5"), .create)
      try master.createExternalLink("/frames", to: "data.h5", "/data")
    }
    let arguments = [
      "run", try folder.write(Self.job, to: "job.yml"), "-i", folder.path("master.h5"), "-o", folder.path("r.h5"),
    ]
    let first = try ronchi(arguments, ranks: 2)
    #expect(first.status == 0, "\(first.errors)")
    try FileManager.default.removeItem(atPath: folder.path("data.h5"))
    try write("data.h5", 2)
    let refused = try ronchi(arguments, ranks: 2)
    #expect(refused.status == 73 && refused.errors.contains("content of data.h5 has changed"), "\(refused.errors)")
  }

  @Test("a killed run is not continued on an edited input, and on a touched one when the user says so")
  func killedThenEdited() throws {
    let slow = try SlowRun()
    let output = slow.folder.path("r.h5")
    #expect(try slow.disturbed(output, ranks: 3, "kill -KILL ${ranks[-1]}").status != 0)
    try Self.touch(slow.scan)
    let touched = try ronchi(slow.arguments(output), ranks: 2)
    #expect(touched.status == 73 && touched.errors.contains("--accept-touched"), "\(touched.errors)")
    let size = try FileManager.default.attributesOfItem(atPath: slow.scan)[.size] as! Int
    let kept = try FileHandle(forReadingFrom: URL(fileURLWithPath: slow.scan))
    try kept.seek(toOffset: UInt64(size / 2))
    let before = try #require(try kept.read(upToCount: 4 << 20))
    try kept.close()
    for place in stride(from: 0, to: before.count - 1, by: 4096) { try Self.overwrite(slow.scan, at: size / 2 + place) }
    let edited = try ronchi(slow.arguments(output) + ["--accept-touched"], ranks: 2)
    #expect(edited.status == 73 && edited.errors.contains("content of scan.h5 has changed"), "\(edited.errors)")
    let restored = try FileHandle(forUpdating: URL(fileURLWithPath: slow.scan))
    try restored.seek(toOffset: UInt64(size / 2))
    try restored.write(contentsOf: before)
    try restored.close()
    let done = try ronchi(slow.arguments(output) + ["--accept-touched"], ranks: 2)
    #expect(done.status == 0 && done.errors.contains("resumed: "), "\(done.errors)")
    #expect(try datasetDigests(output) == slow.undisturbed())
  }

  @Test("an input that changes during the run ends it without a result", arguments: [nil, 1, 2, 3])
  func editedWhileRead(ranks: Int?) throws {
    let slow = try SlowRun()
    let output = slow.folder.path("r.h5")
    let outcome = try slow.disturbed(output, ranks: ranks, "touch -d 2001-09-09 '\(slow.scan)'")
    #expect(outcome.status == 65, "\(outcome.errors)")
    #expect(
      outcome.messages.count == 1 && outcome.errors.contains("changed while the run read it"), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: output))
    let resumed = try ronchi(slow.arguments(output) + ["--accept-touched"], ranks: ranks)
    #expect(resumed.status == 0 && resumed.errors.contains("resumed: "), "\(resumed.errors)")
    guard ranks == 2 else { return }
    #expect(try datasetDigests(output) == slow.undisturbed())
  }
}
