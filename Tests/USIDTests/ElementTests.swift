import Foundation
import HDF5
import STEM
import Testing
import USID

extension USIDTests {
  @Suite struct Elements {
    let folder: Folder
    private static let scan = Pair(3, 5)
    private static let detector = Pair(4, 6)

    init() throws { folder = try Folder() }

    /// Every grid that an output can lie on, with the N-dimensional form it must have.
    private static let grids:
      [(name: String, rows: OutputRows, columns: OutputColumns, shape: [Int], kind: OutputKind)] =
        [
          ("map", .scan, .single, [3, 5], .map), ("pattern", .single, .detector, [4, 6], .pattern),
          ("iterations", .single, .axes([.counted("iteration", 7)]), [7], .profile),
          ("scores", .scan, .axes([.components(4)]), [3, 5, 4], .perPositionProfile),
          ("value", .single, .single, [1], .value),
          ("object", .axes([objectAxes.y, objectAxes.x]), .single, [8, 9], .image),
          ("components", .axes([.components(2)]), .detector, [2, 4, 6], .volume),
          ("modes", .axes([.counted("mode", 2)]), .axes([objectAxes.y, objectAxes.x]), [2, 8, 9], .volume),
          ("four", .scan, .detector, [3, 5, 4, 6], .volume),
          ("matrix", .axes([.counted("i", 3)]), .axes([.counted("j", 4)]), [3, 4], .image),
        ]

    private static let objectAxes = (
      y: OutputAxis("object_y", unit: "Å", count: 8, step: 0.25, origin: -1),
      x: OutputAxis("object_x", unit: "Å", count: 9, step: 0.5, origin: 2)
    )

    private static func layout(_ element: STEM.ElementType) -> ResultFileLayout {
      let outputs = grids.map {
        OutputDescription(
          $0.name, rows: $0.rows, columns: $0.columns, quantity: "Amount", unit: "rad", element: element, "Of a grid.")
      }
      return Example.layout(
        scan: scan, detector: detector,
        groups: [ResultGroupLayout(analysis: "everything", algorithm: "None.", outputs: outputs)])
    }

    /// Whole numbers from 1, small enough for every element; pairs for complex ones.
    private func values(_ place: ResultPlaces.Output) -> [Double] {
      (0..<place.rows * place.columns * place.element.parts).map { Double($0 % 250 + 1) }
    }

    @Test("every element on every grid comes back as it was written", arguments: STEM.ElementType.allCases)
    func roundTrip(element: STEM.ElementType) throws {
      let path = folder("out.h5")
      let places = try ResultFile.create(path, Self.layout(element))
      let writer = try ResultWriter(path, places: places)
      for (index, place) in places.groups[0].outputs.enumerated() {
        #expect(try writer.readWhole(group: 0, output: index).allSatisfy(\.isNaN), "\(place.name) before")
        try writer.writeWhole(group: 0, output: index, values(place))
        #expect(try writer.readWhole(group: 0, output: index) == values(place), "\(place.name)")
      }
      try writer.close()
      let catalog = try ResultCatalog(path)
      for (grid, place) in zip(Self.grids, places.groups[0].outputs) {
        let result = try #require(catalog.result(analysis: "everything", output: grid.name))
        #expect(result.entry.shape == grid.shape && result.entry.kind == grid.kind && place.kind == grid.kind)
        #expect(result.outputElement == element && result.entry.element == element.rawValue)
        #expect(result.attributes.contains { $0.key == "missing_value" } == (element.missingValue != nil))
        let expected = values(place)
        let components: [String?] = element.isComplex ? ["r", "i"] : [nil]
        for (part, component) in components.enumerated() {
          let array = try catalog.read(result, component: component)
          #expect(array.shape == grid.shape)
          #expect(array.values == stride(from: part, to: expected.count, by: element.parts).map { expected[$0] })
        }
      }
    }

    @Test("the dimensions of an object have its names, units and origin")
    func objectDimensions() throws {
      let path = folder("out.h5")
      _ = try ResultFile.create(path, Self.layout(.complex64))
      let entry = try #require(try ResultCatalog(path).result(analysis: "everything", output: "object")).entry
      #expect(entry.dimensions.map(\.name) == ["object_y", "object_x"])
      #expect(entry.dimensions.allSatisfy { $0.unit == "Å" })
      #expect(entry.dimensions[0].values.prefix(2) == [-1, -0.75] && entry.dimensions[1].values.last == 6)
      #expect(entry.components == ["r", "i"])
    }

    @Test("parts of an object are written in any order; the rest is missing", arguments: STEM.ElementType.allCases)
    func tiles(element: STEM.ElementType) throws {
      let path = folder("out.h5")
      let places = try ResultFile.create(path, Self.layout(element))
      let writer = try ResultWriter(path, places: places)
      let object = 5
      for line in [6, 1] {
        // Four samples of a line of the object, all bytes 1.
        let bytes = [UInt8](repeating: 1, count: 4 * element.size)
        let first = 9 * line + 3
        try bytes.withUnsafeBytes { try writer.writeRows(group: 0, output: object, positions: first..<first + 4, $0) }
      }
      let stored = try writer.readWhole(group: 0, output: object)
      for index in 0..<72 {
        let isWritten = [1, 6].contains(index / 9) && (3..<7).contains(index % 9)
        #expect(stored[index * element.parts].isNaN != isWritten)
      }
      let tooMany = [UInt8](repeating: 0, count: 73 * element.size)
      #expect(throws: Problem.self) {
        try tooMany.withUnsafeBytes { try writer.writeRows(group: 0, output: object, positions: 0..<73, $0) }
      }
    }

    @Test("integers are rounded, missing ones are NaN, what does not fit is refused with its place")
    func integers() throws {
      let path = folder("out.h5")
      let places = try ResultFile.create(path, Self.layout(.uint8))
      let writer = try ResultWriter(path, places: places)
      try writer.writeWhole(group: 0, output: 2, [0, 1.4, 1.6, .nan, 254, 254.4, 7])
      let stored = try writer.readWhole(group: 0, output: 2)
      #expect(stored[3].isNaN)
      #expect(stored.filter { !$0.isNaN } == [0, 1, 2, 254, 254, 7])
      for bad in [255, -1, 1e300, Double.infinity] {
        let problem = #expect(throws: Problem.self) {
          try writer.writeWhole(group: 0, output: 2, [0, 0, bad, 0, 0, 0, 0])
        }
        #expect(problem?.message.contains("value 2 is \(bad)") == true, "\(String(describing: problem))")
      }
    }

    @Test("a table has named columns and a count; behind the end of a list it is NaN")
    func table() throws {
      let columns = [TableColumn("y", unit: "px"), TableColumn("x", unit: "px"), TableColumn("intensity", unit: "")]
      for (rows, used) in [(4, 3), (1, 3), (1, 2), (1, 1), (2, 1)] {
        let path = folder("table_\(rows)_\(used).h5")
        let table = OutputTable("peaks", rows: rows, columns: Array(columns[..<used]), quantity: "Bragg peak", "Found.")
        let group = ResultGroupLayout(analysis: "peaks", algorithm: "Maxima.", outputs: table.outputs)
        let places = try ResultFile.create(path, Example.layout(groups: [group]))
        let writer = try ResultWriter(path, places: places)
        let row = (0..<rows * used).map { $0 < used ? Double($0) : .nan }
        try row.withUnsafeBytes { try writer.writeRows(group: 0, output: 0, positions: 7..<8, $0) }
        try [Int32(1)].withUnsafeBytes { try writer.writeRows(group: 0, output: 1, positions: 7..<8, $0) }
        try writer.close()
        let catalog = try ResultCatalog(path)
        let entry = try #require(catalog.result(analysis: "peaks", output: "peaks")).entry
        #expect(entry.kind == .table && entry.shape == [3, 5, rows, used], "\(rows) × \(used): \(entry.shape)")
        #expect(
          entry.columns == Array(columns[..<used]) && entry.dimensions.map(\.name).suffix(2) == ["rank", "column"])
        let count = try #require(catalog.result(analysis: "peaks", output: "peaks_count"))
        let counts = try catalog.read(count).values
        #expect(count.entry.kind == .map && count.entry.element == "int32")
        #expect(counts[7] == 1 && counts.count(where: \.isNaN) == 14)
      }
    }

    @Test("a second run adds to such a file and shares its axes")
    func append() throws {
      let path = folder("out.h5")
      _ = try ResultFile.create(path, Self.layout(.complex128))
      let places = try ResultFile.append(path, Self.layout(.int32))
      #expect(places.groups[0].index == 1)
      #expect(try JSONDecoder().decode(ResultPlaces.self, from: JSONEncoder().encode(places)) == places)
      let file = try File(path)
      for side in ["Position_Indices", "Spectroscopic_Values"] {
        let first = try file.openDataset("\(Example.channel)/frames-Everything_000/modes").attribute(side)
        #expect(try file.openDataset("\(places.groups[0].path)/modes").attribute(side) == first)
      }
      #expect(try ResultCatalog(path).entries.map(\.element).count { $0 == "int32" } == Self.grids.count)
    }

    @Test("dimensions without a name of their own, or without values, are refused")
    func badDimensions() {
      let (x, q) = (OutputAxis.counted("X", 2), OutputAxis.counted("Qx", 2))
      let mode = OutputAxis.counted("mode", 2)
      let bad: [(OutputRows, OutputColumns)] = [
        (.scan, .axes([x])), (.axes([q]), .detector), (.axes([mode]), .axes([mode])), (.axes([mode, mode]), .single),
        (.scan, .axes([.counted("", 2)])), (.axes([]), .single), (.axes([.counted("mode", 0)]), .single),
        (.single, .axes([OutputAxis("t", unit: "s", values: [0, .nan])])), (.scan, .axes([.counted("arb", 2)])),
      ]
      let outputs = bad.enumerated().map {
        OutputDescription("bad_\($0)", rows: $1.0, columns: $1.1, quantity: "Q", unit: "", "")
      }
      let group = ResultGroupLayout(analysis: "bad", algorithm: "None.", outputs: outputs)
      let problems = #expect(throws: Problems.self) { try Example.layout(groups: [group]).check() }
      #expect(problems?.list.count == bad.count)
    }

    @Test("the disk is asked for the room that each element takes")
    func diskSpace() throws {
      let huge = OutputAxis.counted("mode", 1 << 12)
      let group = ResultGroupLayout(
        analysis: "huge", algorithm: "None.",
        outputs: [
          OutputDescription(
            "wave", rows: .scan, columns: .axes([huge]), quantity: "Wave", unit: "", element: .complex128, "Huge.")
        ])
      let problem = #expect(throws: Problem.self) {
        try ResultFile.create(folder("huge.h5"), Example.layout(scan: Pair(1 << 20, 1 << 20), groups: [group]))
      }
      #expect(problem?.message.contains("72057594039.0 MB are needed") == true, "\(String(describing: problem))")
    }

    @Test("a profile as long as a detector of one line stays a profile")
    func profileLikeDetector() throws {
      let axis = OutputAxis.counted("bin", 6)
      let group = ResultGroupLayout(
        analysis: "rings", algorithm: "None.",
        outputs: [OutputDescription("profile", .profile, quantity: "Q", unit: "", axis: axis, "")])
      let path = folder("out.h5")
      _ = try ResultFile.create(path, Example.layout(detector: Pair(1, 6), groups: [group]))
      #expect(try ResultCatalog(path).results[0].entry.dimensions.map(\.name) == ["bin"])
    }
  }
}
