import Engine
import Jobs
import STEM

extension Ranks {
  /// The plan of a job on every rank; collective. Rank 0 opens the input and reads masks, the others are told what they
  /// said and open only what they will read. Throws `RunFailure`.
  public func makePlan(_ job: JobFile) throws -> Plan {
    let recorder = PlanRecorder()
    var plan: Plan?
    try onFirst { plan = try Plan.make(job, in: recorder.environment) }
    let bytes = try broadcast(rank == 0 && count > 1 ? recorder.record.encoded() : [])
    return try together { try plan ?? Plan.make(job, in: PlanRecord(bytes).environment) }
  }
}
