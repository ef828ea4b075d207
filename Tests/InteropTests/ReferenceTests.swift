import Foundation
import TestSupport
import Testing

/// Results against simulations of another program and their known truth.
@Suite(
  .serialized, .enabled(if: python != nil, "no .venv: run `make venv`"),
  .enabled(if: testData != nil, "no reference data: set RONCHI_TEST_DATA"))
struct ReferenceTests {
  @Test(
    "dpc: phase, deflections and rotation of abTEM's scans",
    arguments: [
      ("srtio3", "srtio3_001_80kV/counts_emd.h5"),
      ("aperiodic_counts", "aperiodic_200kV_rot17_transposed/counts_emd.h5"),
      ("aperiodic_clean", "aperiodic_200kV_rot17_transposed/clean_emd.h5"), ("mos2", "mos2_vacancy_80kV/counts_emd.h5"),
    ])
  func phaseContrast(kind: String, file: String) throws {
    let input = try #require(testData).appendingPathComponent("sim/\(file)")
    let folder = try TemporaryFolder()
    let job = try folder.write("output: {images: false}\nanalyses: [dpc: {rotation: fit}]\n", to: "job.yml")
    let result = folder.path("result.h5")
    let made = try ronchi(["run", job, "--input", input.path, "--output", result], ranks: 2)
    #expect(made.status == 0, "\(made.errors)")
    let script = packageRoot.appendingPathComponent("Tests/InteropTests/check_dpc.py").path
    let outcome = try run(try #require(python), [script, kind, result, input.deletingLastPathComponent().path])
    #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.errors)")
    #expect(outcome.output.contains("all checks passed"))
  }
}
