import Foundation
import Report
import STEM
import Testing
import USID

@Suite("Quick-looks of a file of results", .serialized)
struct QuickLookTests {
  /// A file with a map, a pattern and a profile.
  private func write(_ path: String) throws {
    let outputs = [
      OutputDescription("deflection_y", .map, quantity: "Displacement", unit: "px", signed: true, "A map."),
      OutputDescription("mean", .pattern, quantity: "Intensity", unit: "counts", element: .float32, "A pattern."),
      OutputDescription(
        "mean_profile", .profile, quantity: "Intensity", unit: "counts",
        axis: OutputAxis("Radius", unit: "px", values: [0, 1, 2, 3]), "A profile."),
    ]
    let layout = ResultFileLayout(
      scan: Shape(5, 7), detector: Shape(8, 6),
      source: SourceReference(filePath: "scan.h5", datasetPath: "/data"),
      groups: [ResultGroupLayout(analysis: "center_of_mass", algorithm: "Mean.", outputs: outputs)])
    let places = try ResultFile.create(path, layout)
    let writer = try ResultWriter(path, places: places)
    try writer.writeWhole(group: 0, output: 0, (0..<35).map { Double($0) - 17 })
    try writer.writeWhole(group: 0, output: 1, (0..<48).map { Double($0) })
    try writer.writeWhole(group: 0, output: 2, [4, 3, 2, 1])
    try writer.close()
  }

  @Test("One picture for each output, named after analysis, index and output")
  func pictures() throws {
    try withFolder { folder in
      let path = folder + "/result.h5"
      try write(path)
      let outcome = try QuickLooks.write(path)
      let names = ["deflection_y", "mean", "mean_profile"].map {
        "\(folder)/result_images/center_of_mass_000_\($0).png"
      }
      #expect(outcome.written.sorted() == names && outcome.skipped.isEmpty)
      #expect(try PNGReader(names[0]).texts["Range"] == "-17.0 17.0")
      #expect(try PNGReader(names[1]).texts["Shape"] == "8 6")
      #expect(try QuickLooks.write(path, folder: folder + "/none", groups: ["/elsewhere"]).written.isEmpty)
    }
  }

  @Test("Two maps that make a vector get a picture of their own")
  func vector() throws {
    try withFolder { folder in
      let path = folder + "/result.h5"
      var outputs = ["deflection_y", "deflection_x"].map {
        OutputDescription($0, .map, quantity: "Deflection", unit: "px", signed: true, "A map.")
      }
      outputs[0].attributes = [("vector_x", .text("deflection_x"))]
      let layout = ResultFileLayout(
        scan: Shape(5, 7), detector: Shape(8, 6),
        source: SourceReference(filePath: "scan.h5", datasetPath: "/data"),
        groups: [ResultGroupLayout(analysis: "dpc", algorithm: "Mean.", outputs: outputs)])
      let writer = try ResultWriter(path, places: try ResultFile.create(path, layout))
      try writer.writeWhole(group: 0, output: 0, (0..<35).map { Double($0) - 17 })
      try writer.writeWhole(group: 0, output: 1, (0..<35).map { 3 - Double($0 % 7) })
      try writer.close()
      let written = try QuickLooks.write(path).written
      #expect(written.contains("\(folder)/result_images/dpc_000_deflection.png") && written.count == 3)
      #expect(try PNGReader("\(folder)/result_images/dpc_000_deflection.png").texts["Scale"]?.contains("hue") == true)
    }
  }

  @Test("An output read from the file keeps shape, type, units and values")
  func read() throws {
    try withFolder { folder in
      let path = folder + "/result.h5"
      try write(path)
      let catalog = try ResultCatalog(path)
      let map = try ResultArray(
        #require(catalog.result(analysis: "center_of_mass", output: "deflection_y")), in: catalog)
      #expect(map.shape == [5, 7] && map.values == (0..<35).map { Double($0) - 17 })
      #expect(map.signed && !map.isSinglePrecision && map.unit == "px" && map.kind == .map)
      let pattern = try ResultArray(#require(catalog.result(analysis: "center_of_mass", output: "mean")), in: catalog)
      #expect(pattern.isSinglePrecision && pattern.shape == [8, 6])
    }
  }

  @Test("A folder that cannot be made is exit code 73, a missing file 66")
  func problems() throws {
    try withFolder { folder in
      let path = folder + "/result.h5"
      try write(path)
      try Data().write(to: URL(fileURLWithPath: folder + "/taken"))
      let taken = try #require(throws: Problem.self) { try QuickLooks.write(path, folder: folder + "/taken") }
      #expect(taken.code == .cannotCreate)
      let missing = try #require(throws: Problem.self) { try QuickLooks.write(folder + "/none.h5") }
      #expect(missing.code == .noInput)
    }
  }
}
