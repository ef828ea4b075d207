import Foundation
import Report
import STEM
import Testing

@Suite("Exports of every element type, of stacks and of tables")
struct ElementExportTests {
  private let complex = ResultArray(
    analysis: "ptychography", output: "object", kind: .image,
    axes: [axis("object_y", "Å", 2), axis("object_x", "Å", 3)],
    values: [1, 0, -1, 3, 0.5, .nan], imaginary: [0, 2, -0.5, 4, 0, .nan], quantity: "Transmission",
    element: .complex64)

  /// A stack whose frame `f` holds 100·f + y·width + x.
  private func stack(_ kind: OutputKind, frames: Int, first: String, _ others: [String]) -> ResultArray {
    let axes = [axis(first, "", frames, step: 1), axis(others[0], "mrad", 3), axis(others[1], "mrad", 4)]
    return ResultArray(
      analysis: "svd", output: "components", kind: kind, axes: axes,
      values: (0..<frames * 12).map { Double($0 / 12 * 100 + $0 % 12) })
  }

  private func header(_ file: [UInt8]) -> (text: String, start: Int) {
    let size = Int(little(file, 8, as: UInt16.self))
    return (String(decoding: file[10..<10 + size], as: UTF8.self), 10 + size)
  }

  @Test("A complex .npy holds pairs in the precision that is stored")
  func complexNPY() throws {
    try withFolder { folder in
      try complex.export(to: folder + "/a.npy")
      let file = try bytes(folder + "/a.npy")
      let (text, start) = header(file)
      #expect(text.contains("'descr': '<c8'") && text.contains("'shape': (2, 3)") && file.count == start + 48)
      let pairs = (0..<12).map { Double(Float(bitPattern: little(file, start + 4 * $0, as: UInt32.self))) }
      #expect(Array(pairs[..<10]) == [1, 0, 0, 2, -1, -0.5, 3, 4, 0.5, 0] && pairs[10].isNaN && pairs[11].isNaN)
    }
  }

  @Test("Integers are exported as such; missing ones keep the number that means missing")
  func integerNPY() throws {
    func labels(_ element: ElementType) -> ResultArray {
      ResultArray(
        analysis: "clusters", output: "labels", kind: .map, axes: [axis("Y", "Å", 1), axis("X", "Å", 3)],
        values: [0, 7, .nan], categorical: true, element: element)
    }
    try withFolder { folder in
      try labels(.int32).export(to: folder + "/a.npy")
      let file = try bytes(folder + "/a.npy")
      let (text, start) = header(file)
      #expect(text.contains("'<i4'") && (0..<3).map { little(file, start + 4 * $0, as: Int32.self) } == [0, 7, .min])
      try labels(.uint8).export(to: folder + "/b.npy")
      let mask = try bytes(folder + "/b.npy")
      #expect(header(mask).text.contains("'|u1'") && mask.suffix(3) == [0, 7, 255])
      try labels(.int32).export(to: folder + "/a.csv")
      #expect(try String(contentsOfFile: folder + "/a.csv", encoding: .utf8).hasSuffix("\n0.0,0,7,nan\n"))
    }
  }

  @Test("A complex .csv is read by Python")
  func complexCSV() throws {
    try withFolder { folder in
      try complex.export(to: folder + "/a.csv")
      let lines = try String(contentsOfFile: folder + "/a.csv", encoding: .utf8).split(separator: "\n")
      #expect(lines[1] == "0.0,1.0+0.0j,0.0+2.0j,-1.0-0.5j")
    }
  }

  @Test("Images of complex numbers are amplitude and phase", arguments: ["tif", "png"])
  func complexImages(suffix: String) throws {
    try withFolder { folder in
      try complex.export(to: "\(folder)/a.\(suffix)")
      let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      #expect(names == ["a_amplitude.\(suffix)", "a_phase.\(suffix)"])
      #expect(try complex.exportPaths(to: "\(folder)/a.\(suffix)") == names.map { "\(folder)/\($0)" })
      guard suffix == "tif" else { return }
      let pixels = try names.map { name in
        let file = try bytes("\(folder)/\(name)")
        return (0..<5).map { Float(bitPattern: little(file, file.count - 24 + 4 * $0, as: UInt32.self)) }
      }
      #expect(pixels[0] == [1, 2, hypot(1, 0.5), 5, 0.5])
      #expect(pixels[1] == [0, Float(Double.pi / 2), Float(atan2(-0.5, -1.0)), Float(atan2(4.0, 3.0)), 0])
    }
  }

  @Test("A stack is one image a frame, along the first axis, or along the components of every position")
  func stacks() throws {
    try withFolder { folder in
      try stack(.volume, frames: 3, first: "component", ["Qy", "Qx"]).export(to: folder + "/c.tif")
      var scores = stack(.perPositionProfile, frames: 3, first: "Y", ["X", "component"])
      scores.output = "scores"
      try scores.export(to: folder + "/s.tif")
      let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      #expect(names == ["c_0.tif", "c_1.tif", "c_2.tif", "s_0.tif", "s_1.tif", "s_2.tif", "s_3.tif"])
      func last(_ name: String) throws -> Float {
        let file = try bytes("\(folder)/\(name)")
        return Float(bitPattern: little(file, file.count - 4, as: UInt32.self))
      }
      #expect(try last("c_1.tif") == 111 && last("c_2.tif") == 211)
      // Y 2, X 2, component 1 of 3 × 3 × 4.
      #expect(try last("s_1.tif") == 209)
      try scores.export(to: folder + "/s.npy")
      #expect(header(try bytes(folder + "/s.npy")).text.contains("'shape': (3, 3, 4)"))
    }
  }

  @Test("A table is a list of the rows in use")
  func table() throws {
    let array = ResultArray(
      analysis: "peaks", output: "peaks", kind: .table,
      axes: [
        axis("Y", "Å", 1), axis("X", "Å", 2), axis("rank", "", 2, step: 1), axis("column", "", 2, step: 1),
      ],
      values: [1, 2, .nan, .nan, 3, 4, 5, .nan],
      columns: [TableColumn("y", unit: "px"), TableColumn("value", unit: "")])
    try withFolder { folder in
      try array.export(to: folder + "/a.csv")
      let text = try String(contentsOfFile: folder + "/a.csv", encoding: .utf8)
      #expect(text == "Y [Å],X [Å],rank,y [px],value\n0.0,0.0,0,1.0,2.0\n0.0,0.5,0,3.0,4.0\n0.0,0.5,1,5.0,nan\n")
      for suffix in ["png", "tif"] {
        let problem = #expect(throws: Problem.self) { try array.export(to: "\(folder)/a.\(suffix)") }
        #expect(problem?.code == .usage && problem?.message.contains("table") == true)
      }
    }
  }

  @Test("More than three dimensions are no image")
  func fourDimensions() throws {
    let array = ResultArray(
      analysis: "a", output: "frames", kind: .volume, axes: ["Y", "X", "Qy", "Qx"].map { axis($0, "", 2) },
      values: (0..<16).map(Double.init))
    let problem = #expect(throws: Problem.self) { try array.export(to: "/tmp/never.png") }
    #expect(problem?.message.contains("has 4 dimensions") == true)
  }
}
