extension FrameAnalysis {
  /// A pass of its own, for an analysis that shares none.
  public func run(_ context: any StageContext) throws {
    let kernel = try makeKernel(context.frame)
    try context.pass([kernel], over: .all)
    try conclude(kernel, context)
  }

  /// What follows the pass: writes what the sums give, and goes on where the analysis is a `Reconstruction`. Collective.
  public func conclude(_ kernel: any FrameKernel, _ context: any StageContext) throws {
    guard let solver = self as? any Reconstruction, solver.solves(context.frame) else {
      return try context.onFirst { try context.write(kernel.finish()) }
    }
    var facts = Facts()
    try context.onFirst(solving: { control in
      let sums = kernel.finish()
      try context.write(sums)
      var rows: [String: [Double]] = [:]
      for buffer in kernel.rows where context.hasOutput(buffer.output) {
        rows[buffer.output] = try context.read(buffer.output)
      }
      let solution = try solver.solve(PassResults(rows: rows, sums: sums), context.frame, control)
      try context.write(solution.values)
      for (key, value) in solution.attributes { context.keep(key, value) }
      for note in solution.notes { context.note(note) }
      for warning in solution.warnings { context.warn(warning) }
      facts = solution.facts
    })
    if !provides.isEmpty { try context.provide(facts) }
  }
}

extension StageContext {
  func hasOutput(_ name: String) -> Bool { outputs.contains { $0.name == name } }

  /// Those of `values` that are outputs, whole.
  func write(_ values: [String: [Double]]) throws {
    for output in outputs {
      if let whole = values[output.name] { try write(output.name, rows: nil, whole) }
    }
  }
}
