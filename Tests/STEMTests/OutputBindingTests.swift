import Testing

@testable import STEM

@Suite("outputs are bound once, and a mistake ends the run") struct OutputBindingTests {
  private static let axis = OutputAxis("Radius", unit: "px", values: [0.5, 1.5, 2.5])
  private static let declared = [
    OutputDescription("total", .map, quantity: "", unit: "", ""),
    OutputDescription("profile", .perPositionProfile, quantity: "", unit: "", element: .float32, axis: axis, ""),
    OutputDescription("mean", .pattern, quantity: "", unit: "", ""),
    OutputDescription("curve", .profile, quantity: "", unit: "", axis: axis, ""),
  ]

  private func binding(solves: Bool = false) -> OutputBinding {
    OutputBinding("wrong", Self.declared, detector: Shape(4, 6), solves: solves)
  }

  /// What is said of the one mistake in `body`.
  private func problem(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no problem"
    } catch let problem as Problem {
      #expect(problem.code == .internalError)
      return problem.description
    } catch { return "another error: \(error)" }
  }

  @Test("width, element type and count are those of the description; places are those of the list")
  func shapes() throws {
    let outputs = binding()
    let curve = try outputs.whole("curve"), profile = try outputs.rows("profile")
    let mean = try outputs.whole("mean"), total = try outputs.rows("total")
    #expect(total.width == 1 && total.element == .float64 && profile.width == 3 && profile.element == .float32)
    #expect(mean.count == 24 && curve.count == 3)
    #expect(outputs.rows.map(\.place) == [1, 0] && outputs.rowBytes == 8 + 12)
    try outputs.checkAllBound()
    curve.set([1, 2, 3])
    mean.set(Array(repeating: 7, count: 24))
    let found = try outputs.finished()
    #expect(found.map(\.place) == [3, 2] && found.map(\.values) == [[1, 2, 3], Array(repeating: 7, count: 24)])
  }

  @Test("a misspelled name")
  func misspelled() {
    let text = problem { _ = try binding().rows("totl") }
    #expect(text.hasPrefix("totl: bound by the kernel, but not declared; did you mean 'total'? (analysis wrong)"))
    #expect(text.hasSuffix("declared: total (rows), profile (rows), mean (whole), curve (whole)"))
    #expect(problem { _ = try binding().whole("average") }.hasPrefix("average: bound by the kernel, but not declared"))
  }

  @Test("rows as whole, whole as rows")
  func otherForm() {
    #expect(
      problem { _ = try binding().whole("total") }.hasPrefix("total: bound as whole, but it is a map; bind it as"))
    #expect(problem { _ = try binding().rows("curve") }.hasPrefix("curve: bound as rows, but it is a profile"))
  }

  @Test("an output bound twice")
  func twice() {
    #expect(
      problem {
        let outputs = binding()
        _ = try outputs.rows("total")
        _ = try outputs.rows("total")
      }.hasPrefix("total: bound twice"))
  }

  @Test("an output that nobody binds; with a solver it is the solver's")
  func unbound() throws {
    for (solves, start) in [(false, "profile: declared, but not bound by the kernel"), (true, "no problem")] {
      let outputs = binding(solves: solves)
      _ = try outputs.rows("total")
      #expect(problem { try outputs.checkAllBound() }.hasPrefix(start))
    }
  }

  @Test("a whole output that finish() does not set, or sets to another number of values")
  func notSet() throws {
    let outputs = binding()
    let curve = try outputs.whole("curve")
    #expect(problem { _ = try outputs.finished() }.hasPrefix("curve: not set by the kernel's finish()"))
    curve.set([1, 2])
    #expect(problem { _ = try outputs.finished() }.hasPrefix("curve: set to 2 values by the kernel; 3 are needed"))
  }

  @Test("outputs of which nobody can say how large they are")
  func unknownSize() {
    let outputs = OutputBinding(
      "wrong", [OutputDescription("curve", .profile, quantity: "", unit: "", "")], detector: Shape(4, 6))
    #expect(problem { _ = try outputs.whole("curve") }.hasPrefix("curve: a profile without an axis"))
  }

  @Test("buffers are as large as the dimensions of their outputs, and missing until they are set")
  func dimensions() throws {
    let table = OutputTable("peaks", rows: 5, columns: [TableColumn("y", unit: "px")], quantity: "Peak", "")
    let outputs = OutputBinding(
      "large",
      [
        OutputDescription("frames", .volume, quantity: "", unit: "", element: .uint8, ""),
        OutputDescription(
          "modes", rows: .axes([.counted("mode", 3)]), columns: .detector, quantity: "", unit: "", element: .complex64,
          ""),
        OutputDescription("wave", .map, quantity: "", unit: "", element: .complex128, ""),
      ] + table.outputs, detector: Shape(4, 6))
    #expect(try outputs.whole("modes").count == 2 * 3 * 24)
    let (frames, wave) = (try outputs.rows("frames"), try outputs.rows("wave"))
    let (peaks, count) = (try outputs.rows("peaks"), try outputs.rows("peaks_count"))
    #expect([frames, wave, peaks, count].map(\.rowBytes) == [24, 16, 40, 4])
    outputs.prepare(rows: 2)
    #expect(frames.bytes(ofRow: 1)[23] == 255 && count.integers(1)[0] == .min)
    #expect(wave.doubles(1)[1].isNaN && peaks.doubles(1)[4].isNaN)
    count.integers(1)[0] = 3
    #expect(count.bytes(rows: 2).load(fromByteOffset: 4, as: Int32.self) == 3)
  }

  @Test("a solver gives what the kernel did not take, and nothing else")
  func solver() throws {
    let outputs = binding(solves: true)
    _ = try outputs.rows("total")
    var values = ["profile": [1.0], "mean": [2], "curve": [3]]
    #expect(try outputs.solved(values).map(\.values) == [[1], [2], [3]])
    values["total"] = [4]
    #expect(problem { _ = try outputs.solved(values) }.hasPrefix("total: given by the solver, but not declared, or"))
    (values["total"], values["curve"]) = (nil, nil)
    #expect(
      problem { _ = try outputs.solved(values) }.hasPrefix("curve: given neither by the kernel nor by the solver"))
  }

  @Test("sums for a solver need one, and a name of their own")
  func sums() throws {
    #expect(problem { _ = try binding().sum("edge", count: 1) }.hasPrefix("edge: bound as a sum for the solver, but"))
    let outputs = binding(solves: true)
    let edge = try outputs.sum("edge", count: 1)
    for name in ["edge", "total"] {
      #expect(problem { _ = try outputs.sum(name, count: 1) }.hasPrefix("\(name): bound as a sum, but taken before"))
    }
    #expect(problem { _ = try outputs.finishedSums() }.hasPrefix("edge: not set by the kernel's finish()"))
    edge.set([5])
    #expect(try outputs.finishedSums() == ["edge": [5]])
  }
}
