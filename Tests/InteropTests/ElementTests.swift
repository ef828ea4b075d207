import Foundation
import STEM
import TestSupport
import Testing
import USID

/// Outputs of every shape and element, which no example job writes: other programs read them, and ours shows them.
@Suite(.serialized, .enabled(if: python != nil, "no .venv: run `make venv`")) struct ElementTests {
  private let scan = Shape(5, 7)
  private let detector = Shape(6, 4)

  /// One output for each kind of grid, in the elements that analyses use there.
  private var outputs: [OutputDescription] {
    let object = [
      OutputAxis("object_y", unit: "Å", count: 8, step: 0.25, origin: -1),
      OutputAxis("object_x", unit: "Å", count: 9, step: 0.5, origin: 2),
    ]
    func described(_ name: String, _ rows: OutputRows, _ columns: OutputColumns, _ element: STEM.ElementType)
      -> OutputDescription
    {
      OutputDescription(name, rows: rows, columns: columns, quantity: "Amount", unit: "a.u.", element: element, name)
    }
    let table = OutputTable(
      "peaks", rows: 3, columns: [TableColumn("y", unit: "px"), TableColumn("x", unit: "px")], quantity: "Bragg peak",
      "Peaks.")
    return [
      described("object", .axes(object), .single, .complex64),
      described("modes", .axes([.counted("mode", 3)]), .axes(object), .complex128),
      described("components", .axes([.components(8)]), .detector, .float32),
      described("scores", .scan, .axes([.components(8)]), .float64),
      described("labels", .scan, .single, .int32), described("mask", .single, .detector, .uint8),
      described("error", .single, .axes([.counted("iteration", 6)]), .float64),
      described("final_error", .single, .single, .float64), described("frames", .scan, .detector, .float32),
    ] + table.outputs
  }

  /// Element e of every output is e modulo 250, in pairs for complex ones; the last row of all is missing.
  private func write(_ path: String) throws {
    let layout = ResultFileLayout(
      scan: scan, detector: detector, source: SourceReference(filePath: "/data/scan.h5", datasetPath: "/entry/frames"),
      groups: [ResultGroupLayout(analysis: "everything", algorithm: "None.", outputs: outputs)])
    let places = try ResultFile.create(path, layout)
    let writer = try ResultWriter(path, places: places)
    for (index, place) in places.groups[0].outputs.enumerated() {
      let width = place.columns * place.element.parts
      for row in 0..<max(1, place.rows - 1) {
        let values = (0..<width).map { Double((row * width + $0) % 250) }
        try writer.writeRows(group: 0, output: index, positions: row..<row + 1, values)
      }
    }
    try writer.markCompleted(0..<scan.count - 1)
    try writer.close()
    try ResultFile.finish(path, places, [])
  }

  private func script(_ name: String, _ arguments: [String]) throws {
    let path = packageRoot.appendingPathComponent("Tests/InteropTests/\(name)").path
    let outcome = try run(try #require(python), [path] + arguments)
    #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.errors)")
    #expect(outcome.output.contains("all checks passed"))
  }

  @Test("h5py and pyUSID read every shape and element, and the model is kept")
  func peers() throws {
    let folder = try TemporaryFolder()
    try write(folder.path("result.h5"))
    try script("read_every_element.py", ["stored", folder.path("result.h5")])
    guard let checker = testData.map({ $0.appendingPathComponent("../tools/check_h5usid.py").standardized.path }),
      FileManager.default.fileExists(atPath: checker)
    else {
      print("skipped: check_h5usid.py is not beside the test data")
      return
    }
    let outcome = try run(
      try #require(python), [checker, "--spec-order", "--expect-main", "\(outputs.count)", folder.path("result.h5")])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
  }

  @Test("ronchi export gives NumPy what h5py reads, ronchi info tells shape and element")
  func commands() throws {
    let folder = try TemporaryFolder()
    let result = folder.path("result.h5")
    try write(result)
    for output in outputs {
      for suffix in ["npy", "csv"] {
        let file = folder.path("\(output.name).\(suffix)")
        let made = try ronchi(["export", result, "--analysis", "everything", "--output", output.name, "-o", file])
        #expect(made.status == 0 && made.output == file + "\n", "\(made.errors)")
      }
    }
    for (output, paths) in [("object", ["object_amplitude", "object_phase"]), ("labels", ["labels"])] {
      let file = folder.path("\(output).tif")
      let made = try ronchi(["export", result, "--analysis", "everything", "--output", output, "-o", file])
      #expect(made.output == paths.map { folder.path($0) + ".tif\n" }.joined(), "\(made.errors)")
      let again = try ronchi(["export", result, "--analysis", "everything", "--output", output, "-o", file])
      #expect(again.status == 73)
    }
    let info = try ronchi(["info", result, "--json"])
    #expect(info.status == 0, "\(info.errors)")
    try info.output.write(toFile: folder.path("info.json"), atomically: true, encoding: .utf8)
    let text = try ronchi(["info", result])
    #expect(
      text.output.contains("peaks") && text.output.contains("y [px], x [px]") && text.output.contains("complex64"))
    try script("read_every_element.py", ["exported", result, folder.path("")])
  }
}
