import Engine
import Jobs
import STEM
import USID

/// One step of a job: frame analyses that share a pass, or one stage with a `run` of its own.
struct JobStep {
  let number: Int
  /// Indices into the plan's analyses, which are those of the groups in the file.
  let members: [Int]
  let stages: [PlannedStage]
  let context: FrameContext
  /// Of each member.
  let outputs: [[OutputDescription]]
  /// The pass of analyses that share one; nil for another stage.
  let pass: FramePass?

  /// Throws `Problems` of all stages.
  init(_ plan: Plan, _ step: PlannedStep, _ number: Int, _ frames: PlannedFrames, _ context: FrameContext) throws {
    self.number = number
    members = step.members
    let stages = members.map { plan.analyses[$0] }
    self.stages = stages
    let seen = plan.context(context, of: step)
    self.context = seen
    let kernels = try !step.isShared ? [] : collect(stages) { try $0.makeKernel(seen) }
    pass =
      step.isShared ? FramePass(frames.description, selection: plan.selection, kernels: kernels) : nil
    let outputs = try step.isShared ? kernels.map(\.outputs.outputs) : collect(stages) { try $0.outputs(seen) }
    let gain = seen.calibration.countsPerElectron?.value
    self.outputs = gain.map { gain in outputs.map { $0.map { $0.withGain(gain) } } } ?? outputs
  }

  /// The same step for kernels that all belong to its only stage.
  init(_ step: JobStep, members: [Int], outputs: [[OutputDescription]]) {
    (number, stages, context, pass) = (step.number, step.stages, step.context, nil)
    (self.members, self.outputs) = (members, outputs)
  }

  /// - Parameter context: as all of the job's stages see it, as far as it is known
  static func all(_ plan: Plan, _ frames: PlannedFrames, _ context: FrameContext) throws -> [JobStep] {
    try collect(Array(plan.steps().enumerated())) { try JobStep(plan, $1, $0, frames, context) }
  }

  /// Whether something goes on after the pass for longer than it takes to write sums.
  var solves: Bool {
    stages.contains { !($0.stage is any FrameAnalysis) || ($0.stage as? any Reconstruction)?.solves(context) == true }
  }

  /// Of the pass and of what follows it.
  var memoryBytes: Int {
    let own = stages.map { $0.stage.memoryBytes(context) }.max() ?? 0
    guard let pass else { return own }
    let rowBytes = pass.rows.reduce(0) { $0 + 8 * $1.width } * pass.selection.shape.count
    return pass.memoryBytes + (solves ? rowBytes + own : 0)
  }
}

extension OutputDescription {
  /// What is in counts says how many of them are an electron.
  fileprivate func withGain(_ countsPerElectron: Double) -> OutputDescription {
    guard unit == "counts" else { return self }
    var result = self
    result.attributes.append(("counts_per_electron", .number(countsPerElectron)))
    return result
  }
}

/// What `make` gives for each item; all problems at once.
func collect<Item, Value>(_ items: [Item], _ make: (Item) throws -> Value) throws -> [Value] {
  var found: [Problem] = []
  var values: [Value] = []
  for item in items {
    do { values.append(try make(item)) } catch { found += problems(of: error) }
  }
  try found.throwIfAny()
  return values
}

/// Rows into the shared output.
struct ResultSink: RowSink {
  let writer: ResultWriter
  /// Number and members of the step, not the step itself: it holds the sink, and the file must close when a run ends early.
  let number: Int
  let members: [Int]
  let output: OutputFile
  /// Whether this rank is on the machine of rank 0, which laid out the output.
  let isOnFirstMachine: Bool

  func write(_ kernels: [BoundKernel], positions: Range<Int>, start: Int) throws {
    for (group, kernel) in zip(members, kernels) {
      for bound in kernel.outputs.rows {
        let all = bound.rows.bytes(rows: positions.upperBound - start)
        let part = UnsafeRawBufferPointer(rebasing: all[((positions.lowerBound - start) * bound.rows.rowBytes)...])
        try writer.writeRows(group: group, output: bound.place, positions: positions, part)
      }
    }
  }

  func markCompleted(_ positions: Range<Int>) throws { try writer.markCompleted(positions, pass: number) }
  func markBad(_ positions: Range<Int>) throws { try writer.markBad(positions, pass: number) }
  func sync() throws { try isOnFirstMachine ? output.settle() : OutputFile.sync(output.partial) }
}
