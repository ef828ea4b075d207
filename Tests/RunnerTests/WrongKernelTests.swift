import Foundation
import Jobs
import STEM
import TestSupport
import Testing
import USID

@testable import Runner

/// What a kernel may get wrong about its outputs.
private enum Fault: String, ChoiceParameter {
  case none, misspelled, unbound, notSet = "not_set", wrongCount = "wrong_count"
  case rowsAsWhole = "rows_as_whole", wholeAsRows = "whole_as_rows"
}

/// Counts frames; wrong in the way that the job says.
private struct FrameCount: FrameAnalysis {
  var fault = Fault.none

  static let declaration = Declaration<Self>(
    "frame_count", "Counts frames.", source: "Test, eq. 1",
    parameters: [.init("fault", \.fault, Fault.form, "What is wrong.")],
    outputs: [
      OutputDescription("value", .map, quantity: "Position", unit: "", "First pixel of the frame."),
      OutputDescription("count", .pattern, quantity: "Frames", unit: "", "Frames at every pixel."),
    ], example: "- frame_count: {}")

  func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel {
    try Kernel(fault, context, outputs)
  }

  private final class Kernel: FrameKernel {
    private let fault: Fault
    private let pixels: Int
    private let value: Rows
    private let count: Whole?
    private let frames = PixelSum<Int64>(1)
    var accumulators: [any Accumulator] { [frames] }

    init(_ fault: Fault, _ context: FrameContext, _ outputs: OutputBinding) throws {
      self.fault = fault
      pixels = context.detector.count
      if fault == .rowsAsWhole { _ = try outputs.whole("value") }
      value = try outputs.rows(fault == .misspelled ? "values" : fault == .wholeAsRows ? "count" : "value")
      count = fault == .unbound ? nil : try outputs.whole("count")
    }

    func add(_ frame: Frame, row: Int) {
      frames.values[0] += 1
      value.set(row, frame.doubles()[0])
    }

    func finish() {
      guard fault != .notSet else { return }
      count?.set(Array(repeating: Double(frames.values[0]), count: fault == .wrongCount ? pixels - 1 : pixels))
    }
  }
}

/// Twelve frames of 4 × 5 pixels, all of the position's number.
private struct NumberedFrames: FrameSource {
  var description = SourceDescription(
    format: "raw", path: "scan.raw", scanShape: Pair(3, 4), frameCount: 12, detectorShape: Pair(4, 5), pixelType: .u16)

  func makeReader() -> any FrameReader { Reader() }

  private final class Reader: FrameReader {
    func forEachGroup(in positions: Range<Int>, _ body: (FrameGroup) throws -> Void) throws {
      for position in positions {
        try [UInt16](repeating: UInt16(position), count: 20).withUnsafeBytes {
          try body(FrameGroup(position, Frame(FrameLayout(Shape(4, 5), .u16), $0.baseAddress!)))
        }
      }
    }
  }
}

@Suite("a wrong kernel ends the run with an error") struct WrongKernelTests {
  private func plan(_ fault: String) throws -> Plan {
    let environment = JobEnvironment(
      analyses: [FrameCount.self], formats: [.init(name: "raw", summary: "", suffixes: ["raw"])],
      openInput: { _ in NumberedFrames() }, loadArray: { throw Problem(.noInput, at: $0, "there is none") })
    let job = "input: {path: scan.raw}\noutput: {path: result.h5}\nanalyses:\n  - frame_count: {fault: \(fault)}\n"
    return try Plan.make(try JobFile.parse(job, name: "job.yml"), in: environment)
  }

  @Test(
    "before the first frame is read, with file and line",
    arguments: [
      ("misspelled", "values: bound by the kernel, but not declared; did you mean 'value'?"),
      ("unbound", "count: declared, but not bound by the kernel"),
      ("rows_as_whole", "value: bound as whole, but it is a map"),
      ("whole_as_rows", "count: bound as rows, but it is a pattern"),
    ])
  func whenMade(fault: String, message: String) throws {
    let plan = try plan(fault)
    let problems = #expect(throws: Problems.self) { _ = try JobPass(plan, 0, plan.context) }
    #expect(problems?.exitCode == .internalError)
    #expect(problems?.description.hasPrefix("job.yml:4: analyses.0.frame_count.\(message)") == true, "\(problems!)")
  }

  /// Runs the only pass of the job into a file at `path`, up to the end of its kernel.
  private func run(_ fault: String, into path: String) throws {
    let plan = try plan(fault), pass = try JobPass(plan, 0, plan.context)
    let group = ResultGroupLayout(analysis: "frame_count", algorithm: "Test", outputs: pass.outputs[0])
    let layout = ResultFileLayout(
      scan: plan.scan, detector: plan.context.detector,
      source: SourceReference(filePath: "/data/scan.raw", datasetPath: "/Raw_Data"), groups: [group])
    let writer = try ResultWriter(path, places: try ResultFile.create(path, layout))
    pass.frames.sink = ResultSink(
      writer: writer, number: 0, members: pass.members, output: OutputFile(path: path, existing: .refuse),
      isOnFirstMachine: true)
    let checkpoint = pass.frames.checkpoint(at: path + ".sums")
    try checkpoint.create(head: [])
    try pass.frames.run(try plan.source.makeReader(), ranks: SerialRanks(), checkpoint: checkpoint)
    var conclusion = PassConclusion(pass, writer)
    try conclusion.conclude { _, _ in NoControl() }
    #expect(try writer.readWhole(group: 0, output: 0) == (0..<12).map(Double.init))
    #expect(try writer.readWhole(group: 0, output: 1) == Array(repeating: 12, count: 20))
    try writer.close()
  }

  @Test(
    "or when it has finished",
    arguments: [
      ("not_set", "count: not set by the kernel's finish()"),
      ("wrong_count", "count: set to 19 values by the kernel; 20"),
    ])
  func whenFinished(fault: String, message: String) throws {
    let folder = try TemporaryFolder()
    let problem = #expect(throws: Problem.self) { try run(fault, into: folder.path("result.h5")) }
    #expect(problem?.description.hasPrefix(message) == true, "\(problem!)")
  }

  @Test("and a right one does not")
  func right() throws {
    let folder = try TemporaryFolder()
    try run("none", into: folder.path("result.h5"))
  }
}
