extension FrameAnalysis {
  /// A pass of its own, for an analysis that shares none.
  public func run(_ context: any StageContext) throws {
    let bound = try BoundKernel(self, context.frame)
    try context.pass([bound], over: .all)
    try conclude(bound, context)
  }

  /// What follows the pass: writes what the sums give, and goes on where the analysis is a `Reconstruction`. Collective.
  public func conclude(_ bound: BoundKernel, _ context: any StageContext) throws {
    guard let solver = self as? any Reconstruction, solver.solves(context.frame) else {
      return try context.onFirst { try context.finish(bound) }
    }
    var facts = Facts()
    try context.onFirst(solving: { control in
      try context.finish(bound)
      var rows: [String: [Double]] = [:]
      for buffer in bound.outputs.rows { rows[buffer.rows.name] = try context.read(buffer.rows.name) }
      let found = PassResults(rows: rows, sums: try bound.outputs.finishedSums())
      let solution = try solver.solve(found, context.frame, control)
      try context.write(try bound.outputs.solved(solution.values), of: bound)
      for (key, value) in solution.attributes { context.keep(key, value) }
      for note in solution.notes { context.note(note) }
      for warning in solution.warnings { context.warn(warning) }
      facts = solution.facts
    })
    if !provides.isEmpty { try context.provide(facts) }
  }
}

extension StageContext {
  /// Ends the work of a kernel and writes its outputs that are one array. Throws where it did not set one.
  fileprivate func finish(_ bound: BoundKernel) throws {
    bound.kernel.finish()
    try write(try bound.outputs.finished(), of: bound)
  }

  fileprivate func write(_ values: [(place: Int, values: [Double])], of bound: BoundKernel) throws {
    for output in values { try write(bound.outputs.outputs[output.place].name, rows: nil, output.values) }
  }
}
