import Foundation
import HDF5
import TestSupport
import Testing

/// What a result says of the run that made it.
@Suite(.serialized)
struct StoredSummaryTests {
  @Test("warnings and a summary of the run are stored with its results", arguments: [1, 3])
  func stored(ranks: Int) throws {
    let folder = try TemporaryFolder()
    let scan = folder.path("scan.h5")
    #expect(try ronchi(["simulate", scan, "--scan-shape", "6,7", "--detector-shape", "64,64", "-q"]).status == 0)
    let job = try folder.write(
      "calibration: {energy: 300 keV}\nanalyses:\n  - center_of_mass\n", to: "job.yml")
    let outcome = try ronchi(["run", job, "-i", scan, "-o", folder.path("r.h5"), "--no-images"], ranks: ranks)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let sentence = "calibration.energy: 300 keV (job) is used, the file says 200 keV"
    #expect(outcome.errors.contains("warning: \(sentence)"), "\(outcome.errors)")
    let group = try File(folder.path("r.h5")).openGroup("/Measurement_000/Channel_000/Raw_Data-Center_Of_Mass_000")
    #expect(try group.attribute("run_warnings")?.strings == [sentence])
    let text = try #require(try group.attribute("run_summary")?.string)
    let summary = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(summary["selected_positions"] as? Int == 42 && summary["rank_count"] as? Int == ranks)
    #expect((summary["rank_seconds_min_median_max"] as? [String: Any])?["kernels"] != nil, "\(text)")
  }
}
