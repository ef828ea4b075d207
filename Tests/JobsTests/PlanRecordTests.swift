import Foundation
import STEM
import TestSupport
import Testing

@testable import Formats
@testable import Jobs

/// What one rank found out about the input of a job is all that the others need.
@Suite("records of plans") struct PlanRecordTests {
  private static func job(_ input: String, mask: String) throws -> JobFile {
    try JobFile.parse(
      """
      input: {path: \(input), scan_shape: [5, 4]}
      output: {path: out.h5}
      scan: {mask: \(mask)}
      calibration: {energy: 200 keV, center: [11, 11]}
      analyses: [frame_statistics]
      """, name: "job.yml")
  }

  private static func pixels(_ source: any FrameSource) throws -> [[Double]] {
    let about = source.description
    var frames: [[Double]] = []
    try source.makeReader().forEachFrame(in: 0..<about.frameCount) { _, frame in
      frames.append(frame.doubles())
    }
    return frames
  }

  @Test("the same plan is made from a record, without opening a file")
  func samePlan() throws {
    let folder = try TestSupport.TemporaryFolder()
    let (scan, mask) = (folder.path("scan.npy"), folder.path("mask.npy"))
    try TestScan(scan: (4, 5), detector: (24, 22)).writeNpy(scan)
    let values = (0..<20).map { Double($0 % 3) }
    try writeNpyFile(mask, type: "<f8", shape: "(5, 4)", values.withUnsafeBytes { Data($0) })
    let job = try Self.job(scan, mask: mask)
    let recorder = PlanRecorder()
    let plan = try Plan.make(job, in: recorder.environment)
    let frames = try Self.pixels(plan.rawSource)
    let record = try PlanRecord(recorder.record.encoded())
    // Nothing is left to be opened.
    for path in [scan, mask] { try FileManager.default.moveItem(atPath: path, toPath: path + ".away") }
    let copy = try Plan.make(job, in: record.environment)
    #expect(copy.resolvedJob == plan.resolvedJob && copy.parameters == plan.parameters)
    #expect(copy.warnings == plan.warnings && !plan.warnings.isEmpty)
    #expect(copy.selection.count == plan.selection.count && copy.selection.count < 20)
    #expect(copy.context.arrays[mask]?.values == values)
    try FileManager.default.moveItem(atPath: scan + ".away", toPath: scan)
    #expect(try Self.pixels(copy.rawSource) == frames)
  }

  @Test("what was not recorded is not looked for")
  func unknown() throws {
    let record = try PlanRecord(PlanRecorder().record.encoded())
    #expect { try record.environment.openInput(InputRequest(path: "/etc/hostname")) } throws: {
      ($0 as? Problem)?.code == .internalError
    }
    #expect { try record.environment.loadArray("/etc/hostname") } throws: {
      ($0 as? Problem)?.code == .internalError
    }
  }
}
