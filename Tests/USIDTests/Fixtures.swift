import Foundation
import HDF5
import STEM
import USID

/// A folder that goes away with its owner.
final class Folder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "usid-tests-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }
}

enum Example {
  static let channel = "/Measurement_000/Channel_000"

  static var bookkeeping: Bookkeeping {
    Bookkeeping(version: "1.2.3", date: Date(timeIntervalSince1970: 1_700_000_000))
  }

  static var calibration: Calibration {
    var known = Calibration()
    known.energy = Sourced(300_000, .file)
    known.detectorPixel = Sourced(Pair(Quantity(1.2, .milliradian), Quantity(1.5, .milliradian)), .commandLine)
    known.scanStep = Sourced(Pair(0.4, 0.5), .job)
    known.center = Sourced(Pair(1.25, 2.5), .measured)
    known.transpose = Sourced(false, .default)
    return known
  }

  /// One output of every kind, in both element types.
  static var groups: [ResultGroupLayout] {
    let axis = OutputAxis("radius", unit: "px", values: [0.5, 1.5, 2.5])
    return [
      ResultGroupLayout(
        analysis: "center_of_mass", algorithm: "First moments",
        attributes: [("outer_radius", .text("12 mrad")), ("bins", .list([.integer(1), .integer(2)]))],
        outputs: [
          OutputDescription("deflection_y", .map, quantity: "Displacement", unit: "px", signed: true, "Down."),
          OutputDescription(
            "deflection_x", .map, quantity: "Displacement", unit: "px", element: .float32, signed: true, "Right."),
        ]),
      ResultGroupLayout(
        analysis: "frame_statistics", algorithm: "Sums",
        outputs: [OutputDescription("sum", .pattern, quantity: "Intensity", unit: "counts", "All frames.")]),
      ResultGroupLayout(
        analysis: "radial_profile", algorithm: "Means over rings",
        outputs: [
          OutputDescription(
            "profile", .perPositionProfile, quantity: "Intensity", unit: "counts", axis: axis, "Per position."),
          OutputDescription("mean_profile", .profile, quantity: "Intensity", unit: "counts", axis: axis, "Mean."),
        ]),
    ]
  }

  static func layout(
    scan: Shape = Pair(3, 5), detector: Shape = Pair(4, 6), calibration: Calibration = calibration,
    source: SourceReference = SourceReference(filePath: "/data/scan.h5", datasetPath: "/entry/frames"),
    groups: [ResultGroupLayout] = groups
  ) -> ResultFileLayout {
    ResultFileLayout(
      scan: scan, detector: detector, calibration: calibration, source: source, groups: groups,
      provenance: [("job", .text("analyses:\n  - center_of_mass: {}\n")), ("ranks", .integer(2))],
      pending: [("status", .text("running")), ("wall_time_s", .number(0))], bookkeeping: bookkeeping)
  }

  /// A value that tells where it belongs.
  static func value(_ group: Int, _ output: Int, _ element: Int) -> Double {
    Double(1000 * (10 * group + output) + element)
  }

  static func fill(_ path: String, _ places: ResultPlaces) throws {
    let writer = try ResultWriter(path, places: places)
    for (group, place) in places.groups.enumerated() {
      for (output, target) in place.outputs.enumerated() {
        let values = (0..<(target.rows * target.columns)).map { value(group, output, $0) }
        try writer.writeWhole(group: group, output: output, values)
      }
    }
    try writer.close()
  }
}

/// Every object of a file but its root, each once.
func walk(_ file: borrowing File, _ body: (_ path: String, _ kind: Child.Kind) throws -> Void) throws {
  var open = [""]
  while let folder = open.popLast() {
    for child in try file.openGroup(folder.isEmpty ? "/" : folder).children() {
      let path = "\(folder)/\(child.name)"
      try body(path, child.kind)
      if child.kind == .group { open.append(path) }
    }
  }
}
