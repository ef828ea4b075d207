import Jobs
import STEM
import USID

extension Plan {
  /// Indices of the analyses of each pass: what later ones need comes first.
  var passes: [[Int]] {
    let all = Array(analyses.indices)
    guard context.followsOrigin else { return [all] }
    let origin = all.filter { analyses[$0].name == "origin" }
    return [origin, all.filter { !origin.contains($0) }].filter { !$0.isEmpty }
  }

  /// `context` as the analyses of a pass see it: in the pass that measures the origin nobody can follow it.
  func context(_ context: FrameContext, ofPass pass: Int) -> FrameContext {
    var result = context
    result.followsOrigin = context.followsOrigin && pass > 0
    return result
  }
}

/// One pass of a job: its analyses, their kernels, and where their results go.
struct JobPass {
  let number: Int
  /// Indices into the plan's analyses, which are those of the groups in the file.
  let members: [Int]
  let analyses: [PlannedAnalysis]
  let context: FrameContext
  /// Of each member.
  let outputs: [[OutputDescription]]
  let frames: FramePass

  /// Throws `Problems` of all analyses.
  init(_ plan: Plan, _ number: Int, _ context: FrameContext) throws {
    self.number = number
    members = plan.passes[number]
    analyses = members.map { plan.analyses[$0] }
    let seen = plan.context(context, ofPass: number)
    self.context = seen
    let kernels = try collect(analyses) { try $0.makeKernel(seen) }
    frames = FramePass(plan.description, selection: plan.selection, kernels: kernels)
    let outputs = try collect(analyses) { try $0.outputs(seen) }
    let gain = seen.calibration.countsPerElectron?.value
    self.outputs = gain.map { gain in outputs.map { $0.map { $0.withGain(gain) } } } ?? outputs
  }

  static func all(_ plan: Plan, _ context: FrameContext) throws -> [JobPass] {
    try collect(Array(plan.passes.indices)) { try JobPass(plan, $0, context) }
  }

  var solves: Bool { analyses.contains { $0.analysis is any Reconstruction } }

  /// Of the pass and of what follows it on rank 0.
  var memoryBytes: Int {
    let solvers = analyses.compactMap { $0.analysis as? any Reconstruction }
    let rowBytes = frames.kernels.flatMap(\.rows).reduce(0) { $0 + 8 * $1.width } * frames.selection.shape.count
    return frames.memoryBytes + (solvers.isEmpty ? 0 : rowBytes + (solvers.map { $0.solverBytes(context) }.max() ?? 0))
  }
}

extension [JobPass] {
  /// As all passes know it.
  var calibration: Calibration { self[0].context.calibration }
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
  /// Number and members of the pass, not the pass itself: it holds the sink, and the file must close when a run ends early.
  let number: Int
  let members: [Int]
  let outputs: [[OutputDescription]]
  let output: OutputFile
  /// Whether this rank is on the machine of rank 0, which laid out the output.
  let isOnFirstMachine: Bool

  func write(_ kernels: [any FrameKernel], positions: Range<Int>, start: Int) throws {
    for (member, kernel) in kernels.enumerated() {
      for rows in kernel.rows {
        guard let index = outputs[member].firstIndex(where: { $0.name == rows.output }) else { continue }
        let all = rows.bytes(rows: positions.upperBound - start)
        let part = UnsafeRawBufferPointer(rebasing: all[((positions.lowerBound - start) * rows.rowBytes)...])
        try writer.writeRows(group: members[member], output: index, positions: positions, part)
      }
    }
  }

  func markCompleted(_ positions: Range<Int>) throws { try writer.markCompleted(positions, pass: number) }
  func markBad(_ positions: Range<Int>) throws { try writer.markBad(positions, pass: number) }
  func sync() throws { try isOnFirstMachine ? output.settle() : OutputFile.sync(output.partial) }
}

/// What remains to be done on rank 0 once a pass is complete: sums, solvers, attributes.
struct PassConclusion {
  let pass: JobPass
  let writer: ResultWriter
  /// Attributes by group, for the end of the run.
  private(set) var attributes: [Int: [(key: String, value: Setting)]] = [:]
  private(set) var warnings: [String] = []
  private(set) var notes: [String] = []
  /// The fitted optical axis, where this pass was made for it.
  private(set) var origins: OriginField?

  init(_ pass: JobPass, _ writer: ResultWriter) {
    self.pass = pass
    self.writer = writer
  }

  /// - Parameter control: the run around the solver of a group
  mutating func conclude(_ control: (_ group: Int, _ name: String) -> any SolverControl) throws {
    for (member, kernel) in pass.frames.kernels.enumerated() {
      let group = pass.members[member]
      let sums = kernel.finish()
      try write(sums, member)
      guard let solver = pass.analyses[member].analysis as? any Reconstruction else { continue }
      var rows: [String: [Double]] = [:]
      for (index, output) in pass.outputs[member].enumerated()
      where kernel.rows.contains(where: { $0.output == output.name }) {
        rows[output.name] = try writer.readWhole(group: group, output: index)
      }
      let name = pass.analyses[member].name
      let solution = try solver.solve(PassResults(rows: rows, sums: sums), pass.context, control(group, name))
      try write(solution.values, member)
      keep(solution, of: name, group)
    }
  }

  private func write(_ values: [String: [Double]], _ member: Int) throws {
    for (index, output) in pass.outputs[member].enumerated() {
      guard let whole = values[output.name] else { continue }
      try writer.writeWhole(group: pass.members[member], output: index, whole)
    }
  }

  private mutating func keep(_ solution: Solution, of name: String, _ group: Int) {
    attributes[group] = solution.attributes
    if !solution.warnings.isEmpty {
      attributes[group]!.append(("warnings", .text(solution.warnings.joined(separator: "; "))))
    }
    warnings += solution.warnings.map { "\(name): \($0)" }
    notes += solution.notes.map { "\(name): \($0)" }
    if name == "origin", let y = solution.values["fitted_y"], let x = solution.values["fitted_x"] {
      origins = OriginField(y: y, x: x, mean: pass.context.center)
    }
  }
}
