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
      #expect(map.signed && map.element == .float64 && map.unit == "px" && map.kind == .map)
      let pattern = try ResultArray(#require(catalog.result(analysis: "center_of_mass", output: "mean")), in: catalog)
      #expect(pattern.element == .float32 && pattern.shape == [8, 6])
    }
  }

  @Test("Complex numbers, labels, stacks and objects are drawn; tables, single values and four dimensions are named")
  func everyKind() throws {
    try withFolder { folder in
      let path = folder + "/result.h5"
      let object = [
        OutputAxis("object_y", unit: "Å", count: 12, step: 0.25, origin: -1),
        OutputAxis("object_x", unit: "Å", count: 10, step: 0.25),
      ]
      let table = OutputTable(
        "peaks", rows: 2, columns: [TableColumn("y", unit: "px"), TableColumn("x", unit: "px")], quantity: "Peak", "")
      let outputs =
        [
          OutputDescription(
            "object", rows: .axes(object), columns: .single, quantity: "Wave", unit: "", element: .complex64, ""),
          OutputDescription(
            "modes", rows: .axes([.counted("mode", 2)]), columns: .axes(object), quantity: "Wave", unit: "",
            element: .complex128, ""),
          OutputDescription("labels", .map, quantity: "Class", unit: "", element: .int32, categorical: true, ""),
          OutputDescription(
            "components", rows: .axes([.components(9)]), columns: .detector, quantity: "Intensity", unit: "", ""),
          OutputDescription(
            "scores", rows: .scan, columns: .axes([.components(3)]), quantity: "Score", unit: "", signed: true, ""),
          OutputDescription("error", .value, quantity: "Error", unit: "", ""),
          OutputDescription("frames", .volume, quantity: "Intensity", unit: "", ""),
        ] + table.outputs
      let layout = ResultFileLayout(
        scan: Shape(5, 7), detector: Shape(8, 6), source: SourceReference(filePath: "scan.h5", datasetPath: "/data"),
        groups: [ResultGroupLayout(analysis: "all", algorithm: "None.", outputs: outputs)])
      let places = try ResultFile.create(path, layout)
      let writer = try ResultWriter(path, places: places)
      for (index, place) in places.groups[0].outputs.enumerated() {
        let count = place.rows * place.columns * place.element.parts
        try writer.writeWhole(
          group: 0, output: index, (0..<count).map { Double($0 % 7) - (place.element == .int32 ? 2 : 0) })
      }
      try writer.close()
      let outcome = try QuickLooks.write(path)
      let drawn =
        ["object_amplitude", "object_phase", "labels", "peaks_count"]
        + (0..<2).flatMap { ["modes_\($0)_amplitude", "modes_\($0)_phase"] }
        + (0..<6).map { "components_\($0)" } + (0..<3).map { "scores_\($0)" }
      #expect(outcome.written.sorted() == drawn.map { "\(folder)/result_images/all_000_\($0).png" }.sorted())
      #expect(
        outcome.skipped.map { "\($0.output) \($0.reason)" } == [
          "all components has 3 more frames", "all error is a single value", "all frames has 4 dimensions",
          "all peaks is a table",
        ])
      let labels = try PNGReader("\(folder)/result_images/all_000_labels.png")
      #expect(labels.texts["Scale"] == "one color a category" && labels.texts["Range"] == "-2.5 4.5")
      let amplitude = try PNGReader("\(folder)/result_images/all_000_object_amplitude.png")
      #expect(amplitude.texts["Shape"] == "12 10" && amplitude.texts["Quantity"] == "Amplitude")
    }
  }

  @Test("Each category has a color of its own, neighbors far apart")
  func categories() throws {
    try withFolder { folder in
      let array = ResultArray(
        analysis: "test", output: "labels", kind: .map, axes: [axis("Y", "nm", 1), axis("X", "nm", 24)],
        values: (0..<24).map { $0 == 23 ? .nan : Double($0 - 2) }, categorical: true, element: .int32)
      try array.export(to: folder + "/a.png")
      let file = try PNGReader(folder + "/a.png")
      let zoom = try #require(file.texts["Zoom"]).split(separator: " ").compactMap { Int($0) }
      let origin = try #require(file.texts["Image origin"]).split(separator: " ").compactMap { Int($0) }
      let colors = (0..<24).map { file.color(origin[1] + $0 * zoom[1] + zoom[1] / 2, origin[0] + zoom[0] / 2) }
      #expect(Set(colors).count == 24)
      for (one, next) in zip(colors, colors.dropFirst()) {
        #expect(zip(one, next).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) } > 60)
      }
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
