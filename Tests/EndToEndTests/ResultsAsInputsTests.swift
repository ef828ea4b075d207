import Foundation
import HDF5
import TestSupport
import Testing

/// Maps and patterns of one run as references and masks of the next, as they are in its file.
@Suite(.serialized) struct ResultsAsInputsTests {
  private static let scan = (y: 6, x: 5), detector = (y: 24, x: 22)
  private static let channel = "/Measurement_000/Channel_000/Raw_Data-"

  /// Pixels of the first rows hold the same in every frame.
  private let counts: [UInt16] = {
    var values = TestScan(scan: Self.scan, detector: Self.detector).values
    let pixels = Self.detector.y * Self.detector.x
    for i in values.indices where i % pixels < 3 * Self.detector.x { values[i] = UInt16(i % pixels % 7) }
    return values
  }()

  private func frame(_ position: Int) -> ArraySlice<UInt16> {
    let pixels = Self.detector.y * Self.detector.x
    return counts[position * pixels..<(position + 1) * pixels]
  }

  private func job(_ analyses: String, dark: String? = nil, scanMask: String? = nil) -> String {
    """
    output: {images: false}
    calibration: {center: [12, 11], semiangle: 6 mrad, detector_pixel: 1 mrad, energy: 200 keV, scan_step: 1 Å}
    detector: {\(dark.map { "dark: \($0)" } ?? "")}
    scan: {\(scanMask.map { "mask: \($0)" } ?? "")}
    analyses:
    \(analyses)
    """
  }

  @Test("a run's mean pattern is a dark frame, its std above 0 a mask, its maps are those of the scan")
  func asTheyAre() throws {
    let folder = try TemporaryFolder()
    let input = folder.path("scan.npy")
    try writeNpyFile(input, type: "<u2", shape: "(6, 5, 24, 22)", counts.withUnsafeBytes { Data($0) })
    let first = try runJob(
      job("  - frame_statistics: {}\n  - origin: {radius: 8 px}"), folder, input: input, output: "first", ranks: 2)
    func dataset(_ name: String) -> String { "\(Self.channel)\(name)" }
    let mean = try doubles(first, dataset("Frame_Statistics_000/mean"))
    let std = try doubles(first, dataset("Frame_Statistics_000/std"))
    let totals = try doubles(first, dataset("Frame_Statistics_000/total"))
    let busy = std.map { UInt8($0 > 0 ? 1 : 0) }
    let median = totals.sorted()[15]
    try #require(busy.count { $0 == 0 } == 66 && mean.count == 528 && totals.count == 30)
    do {
      let file = try File(folder.path("mask.h5"), .create)
      try file.createDataset("busy", shape: [1, 528], of: .u8).write(busy)
      try file.createDataset("late", shape: [30, 1], of: .u8).write((0..<30).map { UInt8($0 < 4 ? 0 : 1) })
      try file.close()
    }
    let mask = folder.path("mask.h5") + ":/busy", statistics = first + ":" + dataset("Frame_Statistics_000")
    let origin = first + ":" + dataset("Origin_000")

    let detectors = "  - virtual_detectors: {detectors: {busy: {shape: mask, path: \(mask)}}}\n"
    let dark = try runJob(
      job(detectors, dark: statistics + "/mean", scanMask: folder.path("mask.h5") + ":/late"), folder, input: input,
      output: "dark", ranks: 2)
    let excess = try doubles(dark, dataset("Virtual_Detectors_000/busy"))
    for position in 0..<30 {
      let expected = zip(zip(frame(position), mean), busy).reduce(0) { $0 + (Double($1.0.0) - $1.0.1) * Double($1.1) }
      #expect(position < 4 ? excess[position].isNaN : abs(excess[position] - expected) < 0.05)
    }

    let more = """
        - virtual_detectors: {detectors: {spread: {shape: mask, path: \(statistics)/std}}}
        - center_of_mass: {mask: \(mask)}
        - origin: {measured_y: \(origin)/measured_y, measured_x: \(origin)/measured_x, fit: none}
        - region_patterns: {regions: {bright: {map: \(statistics)/total, above: \(median)}}}
        - dpc: {mask: \(mask), solver_mask: \(statistics)/total}
        - dpc:
            detector: segments
            segments: {quadrants: {outer_radius: 8 px, sectors: 4}}
            response: vacuum_scan
            vacuum: \(statistics)/mean
      """
    let masks = try runJob(job(detectors + more), folder, input: input, output: "masks", ranks: 2)
    let inMask = try doubles(masks, dataset("Virtual_Detectors_000/busy"))
    let spread = try doubles(masks, dataset("Virtual_Detectors_001/spread"))
    let deflection = try doubles(masks, dataset("Center_Of_Mass_000/deflection_y"))
    for position in 0..<30 {
      var (sum, weighted, moment) = (0.0, 0.0, 0.0)
      for (pixel, value) in frame(position).enumerated() {
        weighted += Double(value) * std[pixel]
        guard busy[pixel] == 1 else { continue }
        sum += Double(value)
        moment += Double(value) * (Double(pixel / 22) - 12)
      }
      #expect(inMask[position] == sum && abs(spread[position] - weighted) < 1e-9 * weighted)
      #expect(abs(deflection[position] - moment / sum) < 1e-9)
    }
    #expect(
      try doubles(masks, dataset("Origin_000/measured_y")) == doubles(first, dataset("Origin_000/measured_y")))
    #expect(try doubles(masks, dataset("Region_Patterns_000/positions")) == [Double(totals.count { $0 >= median })])
  }

  @Test("a pattern of another detector is refused with the shapes that are allowed")
  func refused() throws {
    let folder = try TemporaryFolder()
    let input = folder.path("scan.npy"), other = folder.path("dark.npy")
    try writeNpyFile(input, type: "<u2", shape: "(6, 5, 24, 22)", counts.withUnsafeBytes { Data($0) })
    try writeNpyFile(other, type: "<f8", shape: "(1, 484)", Data(count: 8 * 484))
    let path = try folder.write(job("  - frame_statistics: {}", dark: other), to: "job.yml")
    let outcome = try ronchi(["run", path, "-i", input, "-o", folder.path("r.h5")], ranks: 2)
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("has the shape 1 × 484, the file's frames 24 × 22"), "\(outcome.errors)")
    #expect(outcome.errors.contains("24 × 22, 528, 528 × 1 or 1 × 528"), "\(outcome.errors)")
  }
}
