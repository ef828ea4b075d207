import Engine
import Foundation
import Jobs
import STEM
import USID

/// The steps of a run, after the output is laid out.
extension JobRun {
  /// - Parameter ahead: what of the step's pass was begun already
  func run(_ step: JobStep, _ writer: ResultWriter, _ ahead: TaskWork?, of count: Int) throws {
    let members = step.members.indices.map { StageRun(self, step, member: $0, writer) }
    let name = count > 1 ? step.stages.map(\.name).joined(separator: ", ") : "pass"
    guard let pass = step.pass else {
      try tellingHowToGoOn {
        try step.stages[0].stage.run(members[0])
        try members[0].checkAllWritten()
      }
      try markCompleted(step, writer)
      return phases.end(name)
    }
    try runPass(step, pass, writer, try ahead ?? work(step, pass, output.checkpoint(step.number)))
    phases.end(count > 1 && step.number == 0 ? "\(name) pass" : "pass")
    try tellingHowToGoOn {
      for (context, (stage, bound)) in zip(members, zip(step.stages, pass.kernels)) {
        guard let analysis = stage.stage as? any FrameAnalysis else { continue }
        try analysis.conclude(bound, context)
      }
    }
    phases.end(step.solves ? "solve" : "patterns")
  }

  /// What this rank does in a pass; nothing of it is done yet.
  func work(_ step: JobStep, _ pass: FramePass, _ checkpoint: String) throws -> TaskWork {
    pass.progress = progressReport()
    pass.scheduling = plan.scheduling
    pass.isInterrupted = { StopSignals.isRequested }
    pass.masksBadFrames = plan.masksBadFrames
    pass.checkpointInterval = .seconds(plan.checkpointInterval)
    // What comes next can take long.
    pass.endsSynced = step.solves || step.number + 1 < stepCount
    // Where the origin is given, its pass has nothing to read.
    let readsFrames = !pass.rows.isEmpty || !pass.accumulators.isEmpty
    pass.includes = { _ in readsFrames }
    pass.origins = step.context.followsOrigin ? facts.origins : nil
    return TaskWork(pass, try reader(), ranks, pass.checkpoint(at: checkpoint))
  }

  /// A pass over all frames of the scan, into the output.
  func runPass(_ step: JobStep, _ pass: FramePass, _ writer: ResultWriter, _ work: TaskWork) throws {
    let boots = try ranks.boots()
    pass.sink = ResultSink(
      writer: writer, number: step.number, members: step.members, output: output,
      isOnFirstMachine: boots[ranks.rank] == boots[0])
    pass.announceResumed = { [events, isResumed] done, total in
      if isResumed { events.info("resumed: \(done) of \(total) blocks done") }
    }
    do { try pass.run(work) } catch {
      // Where this rank had nothing to save, others may have.
      if ranks.rank == 0 { try? output.settle() }
      tellHowToGoOn()
      throw error
    }
    statistics = pass.statistics
    events.endProgress()
    // What all ranks wrote is read back on one.
    try writer.flush()
    if plan.masksBadFrames { try countMasked(step, writer) }
  }

  /// A stage with a `run` of its own is done with all positions, or with none.
  private func markCompleted(_ step: JobStep, _ writer: ResultWriter) throws {
    try ranks.onFirst { try writer.markCompleted(0..<plan.scan.count, pass: step.number) }
  }

  private func countMasked(_ step: JobStep, _ writer: ResultWriter) throws {
    try ranks.onFirst {
      masked = try writer.badCount(pass: step.number)
      guard masked == plan.selection.count else { return }
      // Continued, it would take them for done.
      output.removePartial()
      throw Problem(
        .badData, at: plan.description.path,
        "not one frame can be read; without run.on_bad_frame: mask the run says why")
    }
  }

  private func tellingHowToGoOn(_ work: () throws -> Void) throws {
    do { try work() } catch {
      tellHowToGoOn()
      throw error
    }
  }

  private func tellHowToGoOn() {
    events.info(
      "what was computed stays in \(output.partial); the same command continues, --force starts over"
        + (plan.masksBadFrames ? "" : ", run.on_bad_frame: mask leaves unreadable frames out"))
  }

  private func progressReport() -> (PassStatistics) -> Void {
    let total = plan.selection.count
    let began = ContinuousClock.now
    let share = ranks.count
    return { [events, frameBytes = plan.description.storedBytes ?? plan.description.frameBytes] mine in
      // Ranks work at the same pace but for the last leaves: this rank's count stands for all.
      events.progress(
        ProgressState(
          done: min(total, mine.frames * share), total: total, frameBytes: frameBytes,
          seconds: (ContinuousClock.now - began).seconds))
    }
  }
}
