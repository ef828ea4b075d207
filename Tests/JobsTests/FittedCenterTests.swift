import STEM
import Testing

@testable import Jobs

@Suite("calibration.center: fitted")
struct FittedCenterTests {
  private let fitted = "\ncalibration: {center: fitted}"
  private var environment: JobEnvironment {
    var environment = world()
    environment.analyses = JobEnvironment.standard.analyses
    return environment
  }

  @Test("the analysis origin is added in front with its defaults, and the center is measured whatever the file says")
  func added() throws {
    let plan = try plan(goodJob + fitted, in: environment)
    #expect(plan.followsOrigin && plan.context.followsOrigin)
    #expect(plan.analyses.map(\.name) == ["origin", "center_of_mass"])
    #expect(plan.context.calibration.center == nil && plan.toMeasure == [.center])
    #expect(plan.analyses[0].parameters.allSatisfy { $0.origin == .default })
    #expect(plan.parameters.contains(ResolvedParameter(path: "calibration.center", value: "fitted", origin: .job)))
    #expect(
      plan.parameters.contains(
        ResolvedParameter(path: "calibration.center.origin.fit", value: "plane", origin: .default)))
    let again = try Plan.make(JobFile.parse(plan.resolvedJob, name: "resolved"), in: environment)
    #expect(again.resolvedJob == plan.resolvedJob)
    #expect(again.followsOrigin && again.analyses.map(\.name) == plan.analyses.map(\.name))
    #expect(try Jobs.Plan.make(JobFile.parse(goodJob, name: "job.yml"), in: environment).followsOrigin == false)
  }

  @Test("one in the job is taken as it is, in its place")
  func listed() throws {
    let job = goodJob + "\n  - origin: {fit: parabola, radius: 6 px}" + fitted
    let plan = try plan(job, in: environment)
    #expect(plan.analyses.map(\.name) == ["center_of_mass", "origin"])
    #expect(plan.analyses[1].parameters.first { $0.key == "fit" }?.value == .text("parabola"))
    let only = try Plan.make(
      JobFile.parse(goodJob + "\n  - origin: {}\n  - origin: {fit: none}", name: "job.yml"), in: environment)
    #expect(!only.followsOrigin && only.analyses.count == 3)
    #expect(only.context.calibration.center?.origin == .file)
  }

  @Test("an origin from files is the center, and nothing is measured")
  func given() throws {
    let maps = ["y.npy": 7.0, "x.npy": 15.0].mapValues {
      DenseArray(shape: [6, 8], values: Array(repeating: $0, count: 48))
    }
    var environment = world(arrays: maps)
    environment.analyses = JobEnvironment.standard.analyses
    let job = goodJob + "\n  - origin: {measured_y: y.npy, measured_x: x.npy, fit: none}" + fitted
    let plan = try plan(job, in: environment)
    #expect(plan.toMeasure.isEmpty)
    #expect(plan.context.calibration.center == Sourced(Pair(7, 15), .file))
  }

  @Test("several to follow and other words are refused")
  func refused() {
    let twice = failure(goodJob + "\n  - origin: {}\n  - origin: {fit: none}" + fitted, in: environment)
    #expect(twice.code == .badConfiguration)
    #expect(twice.text.contains("calibration.center: fitted given, and the analysis origin 2 times"))
    let word = failure(goodJob + "\ncalibration: {center: fit}", in: environment)
    #expect(word.text.contains("calibration.center: 'fit' given; a pair [y, x] is allowed, or fitted"))
    let wrong = failure(
      goodJob.replacing("scan.h5", with: "bare.h5") + "\n  - origin: {radius: 3 mrad}" + fitted, in: environment)
    #expect(wrong.text.contains("analyses.1.origin.radius: 3 mrad given, but"), "\(wrong.text)")
  }
}
