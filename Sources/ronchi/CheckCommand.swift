import ArgumentParser
import Jobs
import Runner
import STEM

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Shows what a run would do: all problems of a job, passes, blocks, memory, outputs, and sampling.",
    discussion: """
      EXAMPLES
        ronchi check jobs/quickstart.yml --input scan.h5
        ronchi check job.yml && sbatch slurm/ronchi.sbatch job.yml scan.h5 result.h5
      """)

  @OptionGroup var jobOptions: JobOptions

  @Flag(help: "As for run: the output may exist and is replaced.")
  var overwrite = false

  @Flag(help: "As for run: the output may exist and is added to.")
  var append = false

  func run() throws {
    let existing: RunOptions.Existing = append ? .append : overwrite ? .overwrite : .refuse
    let job = try JobFile.load(path: jobOptions.job, overrides: jobOptions.overrides())
    var found: [Problem] = []
    do {
      let plan = try Plan.make(job, in: .probing)
      print(try PlanReport(plan, existing: existing).text)
    } catch {
      found = problems(of: error)
    }
    // Whether the output can be made does not depend on the rest of the job.
    if !found.isEmpty, case .text(let output)? = job.root["output"]?["path"] {
      let more = PlanReport.outputProblems(output, existing: existing)
      found += more.filter { !found.contains($0) }
    }
    try found.throwIfAny()
    print("the job can run")
  }
}
