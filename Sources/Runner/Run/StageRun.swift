import Engine
import Foundation
import Jobs
import STEM
import USID

/// The run around one stage.
final class StageRun: StageContext {
  private unowned let job: JobRun
  private let stage: PlannedStage
  /// nil for a stage that runs before anything is laid out.
  private let place: (step: JobStep, group: Int, writer: ResultWriter)?
  let frame: FrameContext
  let outputs: [OutputDescription]
  /// How many passes the stage has asked for.
  private var passes = 0
  /// The outputs that this rank has written something of.
  private var written: Set<Int> = []
  private var warnings: [String] = []
  private let began = ContinuousClock.now
  private lazy var state = StageState(
    path: job.output.state(place?.group ?? 0), ranks: job.ranks, interval: job.plan.checkpointInterval)

  /// - Parameter member: index into the step's stages
  init(_ job: JobRun, _ step: JobStep, member: Int, _ writer: ResultWriter) {
    self.job = job
    stage = step.stages[member]
    place = (step, step.members[member], writer)
    frame = step.context
    outputs = step.outputs[member]
  }

  init(_ job: JobRun, calibrating stage: PlannedStage) {
    self.job = job
    self.stage = stage
    place = nil
    frame = job.frames.context
    outputs = []
  }

  var ranks: any Ranks { job.ranks }
  var facts: Facts { job.facts }
  var positions: PositionSelection { job.plan.selection }

  var fileFrame: FrameContext { job.plan.fileContext }

  func makeReader() throws -> any FrameReader { try job.frames.source.limited(to: job.readerBytes).makeReader() }

  // MARK: passes

  func pass(_ kernels: [BoundKernel], over frames: PassFrames) throws -> Int {
    switch frames {
    case .all: return try passOverAll(kernels)
    case .sample(let most): return try sample(job.frames.source, positions, kernels, most, try job.reader())
    case .fileSample(let most):
      let source = job.plan.rawSource
      let reader = try ranks.together { try source.limited(to: job.readerBytes).makeReader() }
      return try sample(source, job.plan.selectionInFile, kernels, most, reader)
    }
  }

  private func sample(
    _ source: any FrameSource, _ positions: PositionSelection, _ kernels: [BoundKernel], _ most: Int,
    _ reader: any FrameReader
  ) throws -> Int {
    let pass = FramePass(source.description, selection: positions, kernels: kernels)
    pass.masksBadFrames = job.plan.masksBadFrames
    pass.scheduling = job.plan.scheduling
    pass.isInterrupted = { StopSignals.isRequested }
    return try pass.runSample(atMost: most, reader, ranks: ranks, path: job.output.measurement)
  }

  private func passOverAll(_ kernels: [BoundKernel]) throws -> Int {
    guard let place else { throw Problem(.internalError, "\(stage.name) has no output for the rows of a pass") }
    let count = kernels.count
    written.formUnion(kernels.flatMap { $0.outputs.rows.map(\.place) })
    let step = JobStep(
      place.step, members: Array(repeating: place.group, count: count), outputs: Array(repeating: outputs, count: count)
    )
    let pass = FramePass(job.frames.description, selection: positions, kernels: kernels)
    let path = job.output.checkpoint(step.number, part: passes)
    passes += 1
    let checkpoint = pass.checkpoint(at: path)
    try ranks.onFirst {
      if !FileManager.default.fileExists(atPath: path) { try checkpoint.create(head: []) }
    }
    try job.runPass(step, pass, place.writer, try job.work(step, pass, path))
    return try ranks.sum([pass.statistics.frames])[0]
  }

  // MARK: results

  func write(_ output: String, rows: Range<Int>?, _ values: [Double]) throws {
    let (group, index, writer) = try find(output)
    written.insert(index)
    if let rows {
      try writer.writeRows(group: group, output: index, positions: rows, values)
    } else {
      try writer.writeWhole(group: group, output: index, values)
    }
  }

  func read(_ output: String) throws -> [Double] {
    let (group, index, writer) = try find(output)
    return try writer.readWhole(group: group, output: index)
  }

  /// Throws where an output was declared and no rank has written any of it. Collective.
  func checkAllWritten() throws {
    let counts = try ranks.sum(outputs.indices.map { written.contains($0) ? 1 : 0 })
    try ranks.together {
      guard let missing = counts.firstIndex(of: 0) else { return }
      throw Problem(
        .internalError, at: stage.name, "the output '\(outputs[missing].name)' is declared, but never written")
    }
  }

  private func find(_ output: String) throws -> (group: Int, index: Int, writer: ResultWriter) {
    guard let place, let index = outputs.firstIndex(where: { $0.name == output }) else {
      let known = outputs.map(\.name).joined(separator: ", ")
      throw Problem(.internalError, at: stage.name, "has no output '\(output)'; its outputs are \(known)")
    }
    return (place.group, index, place.writer)
  }

  func keep(_ key: String, _ value: Setting) {
    guard let group = place?.group else { return job.measured.append((key, value)) }
    job.attributes[group, default: []].append((key, value))
  }

  func note(_ text: String) { job.events.info(labeled(text)) }

  func warn(_ text: String) {
    job.warn(labeled(text))
    guard let group = place?.group else { return }
    warnings.append(text)
    job.attributes[group, default: []].removeAll { $0.key == "warnings" }
    keep("warnings", .text(warnings.joined(separator: "; ")))
  }

  /// What a stage of the job says is known by its name.
  private func labeled(_ text: String) -> String { place == nil ? text : "\(stage.name): \(text)" }

  // MARK: rank 0

  func together<Value>(_ work: () throws -> Value) throws -> Value { try ranks.together(work) }

  func onFirst(_ work: () throws -> Void) throws { try ranks.onFirst(work) }

  func onFirst(solving work: (any SolverControl) throws -> Void) throws {
    try ranks.onFirstWatched { isStopping in
      // A solver can run for longer than the pass, and saves its state.
      try job.output.settle()
      let control = SolverRun(
        stage.name, path: job.output.solver(place?.group ?? 0), interval: job.plan.checkpointInterval,
        events: job.events, isStopping: isStopping)
      try work(control)
    }
  }

  func provide(_ facts: Facts) throws {
    var encoded: [UInt8] = []
    try ranks.onFirst { encoded = Array(try JSONEncoder().encode(facts)) }
    encoded = try ranks.broadcast(encoded)
    try job.take(try ranks.together { try JSONDecoder().decode(Facts.self, from: Data(encoded)) })
  }

  // MARK: iterations on all ranks

  func savedState() throws -> (iteration: Int, parts: [Int: [UInt8]])? { try state.load() }

  func ended(
    iteration: Int, of total: Int, residual: Double, state makeState: () throws -> [Int: [UInt8]]
  ) throws {
    job.events.iteration("\(stage.name): iteration \(iteration) of \(total), residual \(shortNumber(residual))")
    // Rank 0's clock or a signal on any rank decides; all ranks get the same decision.
    let stops = StopSignals.isRequested
    let wish = try ranks.largest(stops ? 2 : ranks.rank == 0 && state.isDue ? 1 : 0)
    guard wish > 0 else { return }
    try state.save(iteration: iteration, parts: makeState())
    if wish == 2 {
      try ranks.together {
        throw Problem(.tryAgain, "interrupted in \(stage.name); the same command continues where it stopped")
      }
    }
  }
}
