import ArgumentParser
import Engine
import Formats
import Foundation
import Jobs
import Report
import Runner
import STEM

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs a job on all ranks and writes one h5USID file.",
    discussion: """
      EXAMPLES
        ronchi run jobs/virtual_detectors.yml --input scan.h5 --output result.h5
        mpirun -n 8 ronchi run job.yml -i scan.mib --scan-shape 256,256 -o result.h5
        ronchi run job.yml --set virtual_detectors.detectors.disk.radius='12 mrad'
      """)

  @OptionGroup var jobOptions: JobOptions
  @OptionGroup(title: "Log") var logging: LoggingOptions

  @Flag(help: "Replaces an existing output.")
  var overwrite = false

  @Flag(help: "Adds results to a copy of an existing output, which then takes its place.")
  var append = false

  @Flag(help: "Starts over: neither continues an unfinished run nor is content with a finished result.")
  var force = false

  @Flag(name: .shortAndLong, help: "Also where the time of every rank went.")
  var verbose = false

  @Flag(
    help: """
      Accepts an input that was only copied or touched since: other times, but the same sizes and samples of the content.
      """)
  var acceptTouched = false

  @Option(help: ArgumentHelp("After a signal the run ends within this time.", valueName: "seconds"))
  var grace = 20

  func validate() throws {
    if overwrite && append { throw ValidationError("--overwrite and --append exclude each other; choose one") }
  }

  func run() throws {
    // Before MPI starts, which takes a while: a signal in that time is not lost.
    StopSignals.install(grace: grace)
    if isFirstProcess { lookAhead() }
    let session = try ParallelSession(logging)
    try session.run { try run(session) }
    end(.done)
  }

  /// The child that looks at the input first does so while MPI starts. Whatever is wrong with the job is said later.
  private func lookAhead() {
    guard let overrides = try? jobOptions.overrides(),
      let job = try? JobFile.load(path: jobOptions.job, overrides: overrides), let request = job.inputRequest
    else { return }
    HDF5Probe.begin(request)
  }

  private func probe(_ job: JobFile) throws {
    if let request = job.inputRequest { try HDF5Probe.check(request) }
    for path in job.arrayPaths { try HDF5Probe.check(array: path) }
  }

  private func run(_ session: ParallelSession) throws {
    let ranks = session.ranks
    var text = ""
    try ranks.onFirst { text = try JobFile.text(path: jobOptions.job) }
    text = String(decoding: try ranks.broadcast(Array(text.utf8)), as: UTF8.self)
    let job = try ranks.together {
      try JobFile.parse(text, name: jobOptions.job, overrides: jobOptions.overrides())
    }
    let began = ContinuousClock.now
    // Ahead of the others: a file on which HDF5 crashes must not take them along.
    try ranks.onFirst { try probe(job) }
    let plan = try ranks.makePlan(job)
    var options = RunOptions()
    options.existing = append ? .append : overwrite || force ? .overwrite : .refuse
    options.force = force
    options.acceptsTouched = acceptTouched
    var summary = try JobRun(plan, options: options, ranks: ranks, events: session.console, since: began).run()
    try ranks.onFirst {
      var undrawn: [(output: String, reason: String)] = []
      if plan.images {
        let outcome = try QuickLooks.write(summary.outputPath, groups: summary.groups)
        (summary.images, undrawn) = (outcome.written, outcome.skipped)
      }
      if logging.logFormat == .json { return print(summary.json) }
      print(summary.text)
      if verbose { for line in summary.rankLines { print(line) } }
      if !summary.images.isEmpty {
        print("pictures: \(summary.images.count) in \(QuickLooks.defaultFolder(for: summary.outputPath))")
      }
      for (output, reason) in undrawn { print("not drawn: \(output) \(reason)") }
      print("result: \(summary.outputPath)")
    }
  }
}
