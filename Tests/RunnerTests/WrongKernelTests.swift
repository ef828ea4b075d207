import Foundation
import Jobs
import STEM
import TestSupport
import Testing
import USID

@testable import Engine
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

/// A run that does nothing but write results.
private final class WritingContext: StageContext {
  let frame: FrameContext
  let outputs: [OutputDescription]
  private let writer: ResultWriter

  init(_ step: JobStep, _ writer: ResultWriter) {
    (frame, outputs, self.writer) = (step.context, step.outputs[0], writer)
  }

  var fileFrame: FrameContext { frame }
  var facts: Facts { Facts() }
  var positions: PositionSelection { PositionSelection(shape: frame.scan) }
  var ranks: any Ranks { SerialRanks() }
  func pass(_ kernels: [BoundKernel], over frames: PassFrames) throws -> Int { throw none }
  func makeReader() throws -> any FrameReader { throw none }

  func write(_ output: String, rows: Range<Int>?, _ values: [Double]) throws {
    let index = try #require(outputs.firstIndex { $0.name == output })
    try writer.writeWhole(group: 0, output: index, values)
  }

  func read(_ output: String) throws -> [Double] { throw none }
  func together<Value>(_ work: () throws -> Value) throws -> Value { try work() }
  func onFirst(_ work: () throws -> Void) throws { try work() }
  func onFirst(solving work: (any SolverControl) throws -> Void) throws { try work(NoControl()) }
  func provide(_ facts: Facts) throws { throw none }
  func keep(_ key: String, _ value: Setting) {}
  func note(_ text: String) {}
  func warn(_ text: String) {}
  func savedState() throws -> (iteration: Int, parts: [Int: [UInt8]])? { throw none }
  func ended(iteration: Int, of total: Int, residual: Double, state: () throws -> [Int: [UInt8]]) throws { throw none }
  private var none: Problem { Problem(.internalError, "not in this test") }
}

@Suite("a wrong kernel ends the run with an error") struct WrongKernelTests {
  private func plan(_ fault: String) throws -> Plan {
    let environment = JobEnvironment(
      analyses: [FrameCount.self], formats: [.init(name: "raw", summary: "", suffixes: ["raw"])],
      openInput: { _ in NumberedFrames() }, loadArray: { throw Problem(.noInput, at: $0, "there is none") })
    let job = "input: {path: scan.raw}\noutput: {path: result.h5}\nanalyses:\n  - frame_count: {fault: \(fault)}\n"
    return try Plan.make(try JobFile.parse(job, name: "job.yml"), in: environment)
  }

  private func step(_ plan: Plan) throws -> JobStep {
    let frames = try plan.frames(Facts())
    return try JobStep(plan, try plan.steps()[0], 0, frames, frames.context)
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
    let problems = #expect(throws: Problems.self) { _ = try step(plan) }
    #expect(problems?.exitCode == .internalError)
    #expect(problems?.description.hasPrefix("job.yml:4: analyses.0.frame_count.\(message)") == true, "\(problems!)")
  }

  /// Runs the only pass of the job into a file at `path`, up to the end of its kernel.
  private func run(_ fault: String, into path: String) throws {
    let plan = try plan(fault), step = try step(plan), pass = try #require(step.pass)
    let group = ResultGroupLayout(analysis: "frame_count", algorithm: "Test", outputs: step.outputs[0])
    let layout = ResultFileLayout(
      scan: plan.scan, detector: step.context.detector,
      source: SourceReference(filePath: "/data/scan.raw", datasetPath: "/Raw_Data"), groups: [group])
    let writer = try ResultWriter(path, places: try ResultFile.create(path, layout))
    pass.sink = ResultSink(
      writer: writer, number: 0, members: step.members, output: OutputFile(path: path, existing: .refuse),
      isOnFirstMachine: true)
    let checkpoint = pass.checkpoint(at: path + ".sums")
    try checkpoint.create(head: [])
    try pass.run(try plan.rawSource.makeReader(), ranks: SerialRanks(), checkpoint: checkpoint)
    try FrameCount().conclude(pass.kernels[0], WritingContext(step, writer))
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
