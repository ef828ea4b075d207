import Foundation
import TestSupport
import Testing

/// Python packages open what we write. `make venv` installs them; without them the tests are skipped, and say so.
@Suite(.serialized, .enabled(if: python != nil, "no .venv: run `make venv`")) struct PeersTests {
  private let job = """
    output: {images: false}
    calibration: {center: [11.5, 10.0], energy: 200 keV, detector_pixel: 1.2 mrad, scan_step: 0.4 Å}
    analyses:
      - virtual_detectors: {detectors: {disk: {shape: disk, radius: 6 mrad}}}
      - center_of_mass: {}
      - frame_statistics: {}
      - radial_profile: {bins: 6}
    """

  @Test("h5py, pyUSID and HyperSpy read names, units and values")
  func peersAgree() throws {
    let folder = try TemporaryFolder()
    let input = folder.path("scan.npy")
    try TestScan(scan: (6, 9), detector: (24, 22)).writeNpy(input)
    let path = try folder.write(job, to: "job.yml")
    let result = folder.path("result.h5")
    let made = try ronchi(["run", path, "--input", input, "--output", result], ranks: 3)
    #expect(made.status == 0, "\(made.errors)")
    let script = packageRoot.appendingPathComponent("Tests/InteropTests/open_with_peers.py").path
    let outcome = try run(try #require(python), [script, result, input, "11.5", "10.0"])
    #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.errors)")
    #expect(outcome.output.contains("all checks passed"))
  }

  @Test("a results file follows every rule of the model, also after --append")
  func followsTheModel() throws {
    guard let checker = testData.map({ $0.appendingPathComponent("../tools/check_h5usid.py").standardized.path }),
      FileManager.default.fileExists(atPath: checker)
    else {
      print("skipped: check_h5usid.py is not beside the test data")
      return
    }
    let folder = try TemporaryFolder()
    let input = folder.path("scan.npy")
    try TestScan(scan: (6, 9), detector: (24, 22)).writeNpy(input)
    let path = try folder.write(job, to: "job.yml")
    let result = folder.path("result.h5")
    for more in [[], ["--append"]] {
      let made = try ronchi(["run", path, "--input", input, "--output", result] + more, ranks: 2)
      #expect(made.status == 0, "\(made.errors)")
      let outcome = try run(try #require(python), [checker, "--spec-order", result])
      #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    }
  }
}
