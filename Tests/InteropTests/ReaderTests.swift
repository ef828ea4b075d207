import Foundation
import TestSupport
import Testing

/// `python/ronchi.py` reads what the program writes.
@Suite(.serialized, .enabled(if: python != nil, "no .venv: run `make venv`")) struct ReaderTests {
  @Test("every output of the quick start, with xarray and without", arguments: ["xarray", "plain"])
  func readsEverything(way: String) throws {
    let folder = try TemporaryFolder()
    let (scan, other) = (folder.path("scan.h5"), folder.path("other.h5"))
    try simulate(scan, shape: "5,7")
    try simulate(other, shape: "4,3")
    let quickstart = packageRoot.appendingPathComponent("jobs/quickstart.yml").path
    let result = folder.path("result.h5")
    try process(quickstart, scan, result)
    try process(quickstart, scan, result, "--append")
    let job = try folder.write("analyses: [center_of_mass]\n", to: "job.yml")
    let two = folder.path("two.h5")
    try process(job, scan, two)
    try process(job, other, two, "--append")
    let script = packageRoot.appendingPathComponent("Tests/InteropTests/read_with_ronchi.py").path
    let reader = packageRoot.appendingPathComponent("python").path
    let outcome = try run(try #require(python), [script, way, scan, result, two, reader])
    #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.errors)")
    #expect(outcome.output.contains("all checks passed"))
  }

  private func simulate(_ path: String, shape: String) throws {
    let made = try ronchi([
      "simulate", path, "--scan-shape", shape, "--detector-shape", "96,90", "--scan-step", "0.2 Å,0.3 Å",
    ])
    #expect(made.status == 0, "\(made.errors)")
  }

  private func process(_ job: String, _ input: String, _ output: String, _ more: String...) throws {
    let made = try ronchi(["run", job, "--input", input, "--output", output, "--no-images"] + more, ranks: 2)
    #expect(made.status == 0, "\(made.errors)")
  }
}
