import Foundation
import HDF5
import STEM
import TestSupport
import Testing

/// A stage with a `run` of its own (`Tests/ExampleStage`), as a contributor would add one.
@Suite(.serialized)
struct ExampleStageTests {
  private static let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    .appendingPathComponent("ronchi-example-stage").path

  /// An output of `r1.h5`, by `ronchi export` as .npy; complex numbers as pairs.
  private func exported(_ output: String, _ folder: TemporaryFolder, count: Int) throws -> [Double] {
    let file = folder.path("\(output).npy")
    let outcome = try ronchi(
      ["export", "r1.h5", "--analysis", "side_band", "--output", output, "-o", file], folder: folder.url)
    try #require(outcome.status == 0, "\(outcome.errors)")
    let data = try Data(contentsOf: URL(fileURLWithPath: file)).suffix(8 * count)
    return data.withUnsafeBytes { bytes in
      (0..<count).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
    }
  }

  private func makeScan(_ folder: TemporaryFolder) throws -> String {
    let scan = folder.path("scan.h5")
    let made = try ronchi([
      "simulate", scan, "--scan-shape", "9,8", "--detector-shape", "24,20", "--semiangle", "6 mrad", "--no-noise", "-q",
    ])
    try #require(made.status == 0, "\(made.errors)")
    return scan
  }

  private func run(_ folder: TemporaryFolder, ranks: Int, _ output: String, _ parameters: String) throws -> Outcome {
    let job = try folder.write(
      """
      input: {path: scan.h5}
      output: {path: \(output), images: false}
      run: {checkpoint_interval: 0 s}
      analyses:
        - side_band: \(parameters)
        - frame_statistics: {}
      """, to: "\(output).yml")
    return try TestSupport.run(
      "/usr/bin/env", ["mpirun", "-n", "\(ranks)", Self.program, job], folder: folder.url)
  }

  @Test("its complex output is the Fourier coefficient, and has the same bits on any number of ranks")
  func ranks() throws {
    let folder = try TemporaryFolder()
    let scan = try makeScan(folder)
    for ranks in [1, 2, 3] {
      let outcome = try run(folder, ranks: ranks, "r\(ranks).h5", "{frequency: [1, -2]}")
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    let digests = try datasetDigests(folder.path("r1.h5"))
    #expect(digests.keys.contains { $0.hasSuffix("Side_Band_000/coefficient") })
    #expect(try datasetDigests(folder.path("r2.h5")) == digests)
    #expect(try datasetDigests(folder.path("r3.h5")) == digests)

    // A naive sum over the frames; the mean drops out at a frequency other than 0.
    let frames = try File(scan).openDataset("/Measurement_000/Channel_000/Raw_Data").values(as: Double.self)
    let parts = try exported("coefficient", folder, count: 2 * 480)
    for pixel in [0, 137, 479] {
      var (real, imaginary) = (0.0, 0.0)
      for position in 0..<72 {
        let angle = -2 * Double.pi * (Double(position / 8) / 9 - 2 * Double(position % 8) / 8)
        real += frames[position * 480 + pixel] * cos(angle)
        imaginary += frames[position * 480 + pixel] * sin(angle)
      }
      #expect(abs(parts[2 * pixel] - real) < 1e-6 * max(1, abs(real)))
      #expect(abs(parts[2 * pixel + 1] - imaginary) < 1e-6 * max(1, abs(imaginary)))
    }
  }

  @Test("interrupted between iterations, it goes on with its state on another number of ranks, to the same bits")
  func resume() throws {
    let folder = try TemporaryFolder()
    _ = try makeScan(folder)
    let parameters = "{frequency: [1, 1], repeats: 400}"
    #expect(try run(folder, ranks: 1, "whole.h5", parameters).status == 0)
    let whole = try datasetDigests(folder.path("whole.h5"))
    let script = """
      mpirun -n 2 "$0" cut.h5.yml & pid=$!
      for i in $(seq 2000); do [ -s cut.h5.partial.solver.0.state.1 ] && break; sleep 0.005; done
      kill -USR1 $pid; wait $pid
      """
    // Makes the job file.
    _ = try run(folder, ranks: 1, "cut.h5", parameters)
    try FileManager.default.removeItem(atPath: folder.path("cut.h5"))
    let cut = try TestSupport.run("/bin/bash", ["-c", script, Self.program], folder: folder.url)
    #expect(cut.status == 75, "\(cut.errors)")
    #expect(cut.errors.contains("interrupted in side_band"), "\(cut.errors)")
    let resumed = try run(folder, ranks: 3, "cut.h5", parameters)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try datasetDigests(folder.path("cut.h5")) == whole)
  }

  @Test("an output that it does not write ends the run")
  func unwritten() throws {
    let folder = try TemporaryFolder()
    _ = try makeScan(folder)
    let outcome = try run(folder, ranks: 2, "r.h5", "{forgets_mean: true}")
    #expect(outcome.status == 70, "\(outcome.errors)")
    #expect(outcome.errors.contains("side_band: the output 'mean' is declared, but never written"), "\(outcome.errors)")
  }
}
