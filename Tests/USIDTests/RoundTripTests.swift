import Foundation
import HDF5
import STEM
import Testing
import USID

extension USIDTests {
  @Suite struct RoundTrip {
    let folder: Folder

    init() throws { folder = try Folder() }

    @Test(
      "what is written comes back in its N-dimensional form, whatever the shape of scan and detector",
      arguments: [
        (Pair(3, 5), Pair(4, 6)), (Pair(4, 4), Pair(3, 3)), (Pair(1, 7), Pair(2, 5)), (Pair(7, 1), Pair(1, 8)),
        (Pair(1, 1), Pair(4, 4)), (Pair(1, 2), Pair(2, 1)), (Pair(2, 1), Pair(1, 2)), (Pair(1, 1), Pair(1, 1)),
      ])
    func everyKind(scan: Shape, detector: Shape) throws {
      let path = folder("out.h5")
      try Example.fill(path, ResultFile.create(path, Example.layout(scan: scan, detector: detector)))
      let catalog = try ResultCatalog(path)
      let position = ["Y", "X"], pixel = ["Qy", "Qx"]
      let expected: [(Int, Int, String, String, OutputKind, [Int], [String])] = [
        (0, 0, "center_of_mass", "deflection_y", .map, [scan.y, scan.x], position),
        (0, 1, "center_of_mass", "deflection_x", .map, [scan.y, scan.x], position),
        (1, 0, "frame_statistics", "sum", .pattern, [detector.y, detector.x], pixel),
        (2, 0, "radial_profile", "profile", .perPositionProfile, [scan.y, scan.x, 3], position + ["radius"]),
        (2, 1, "radial_profile", "mean_profile", .profile, [3], ["radius"]),
      ]
      #expect(catalog.results.count == expected.count && catalog.others.isEmpty)
      for (group, output, analysis, name, kind, shape, names) in expected {
        let result = try #require(catalog.result(analysis: analysis, output: name))
        #expect(result.entry.kind == kind && result.entry.shape == shape && result.entry.index == 0)
        #expect(result.entry.dimensions.map(\.name) == names && result.entry.dimensions.map(\.size) == shape)
        let array = try catalog.read(result)
        #expect(array.shape == shape)
        #expect(array.values == (0..<shape.reduce(1, *)).map { Example.value(group, output, $0) })
      }
    }

    @Test("dimensions come back with unit and values")
    func dimensionValues() throws {
      let path = folder("out.h5")
      _ = try ResultFile.create(path, Example.layout())
      let entry = try #require(try ResultCatalog(path).result(analysis: "radial_profile", output: "profile")).entry
      #expect(entry.dimensions.map(\.unit) == ["Å", "Å", "px"])
      #expect(entry.dimensions[1].values == [0, 0.5, 1, 1.5, 2])
      #expect(entry.dimensions[2].values == [0.5, 1.5, 2.5])
      #expect(entry.quantity == "Intensity" && entry.unit == "counts" && entry.components.isEmpty)
    }

    @Test("blocks of rows in any order; the status says which are there")
    func rowsInAnyOrder() throws {
      let path = folder("out.h5")
      let places = try ResultFile.create(path, Example.layout())
      let writer = try ResultWriter(path, places: places)
      for positions in [10..<14, 0..<4, 7..<8] {
        let rows = positions.flatMap { p in (0..<3).map { Double(3 * p + $0) } }
        try rows.withUnsafeBytes { try writer.writeRows(group: 2, output: 0, positions: positions, $0) }
        let row = positions.map { Float($0) }
        try row.withUnsafeBytes { try writer.writeRows(group: 0, output: 1, positions: positions, $0) }
        try writer.markCompleted(positions)
      }
      try writer.flush()
      try writer.close()

      let done = Set([10, 11, 12, 13, 0, 1, 2, 3, 7])
      let catalog = try ResultCatalog(path)
      let map = try catalog.read(#require(catalog.result(analysis: "center_of_mass", output: "deflection_x")))
      let profile = try catalog.read(#require(catalog.result(analysis: "radial_profile", output: "profile")))
      for position in 0..<15 {
        #expect(done.contains(position) ? map.values[position] == Double(position) : map.values[position].isNaN)
        let value = profile.values[3 * position + 2]
        #expect(done.contains(position) ? value == Double(3 * position + 2) : value.isNaN)
      }
      let status = try File(path).openDataset("\(Example.channel)/frames-Radial_Profile_000/completed_positions")
        .values(as: UInt8.self)
      #expect(status == (0..<15).map { done.contains($0) ? 1 : 0 })
    }

    @Test("bad positions count once, whichever run marked them")
    func badPositions() throws {
      let path = folder("out.h5")
      let places = try ResultFile.create(path, Example.layout())
      for marked in [[3..<5], [4..<6, 9..<10]] {
        let writer = try ResultWriter(path, places: places)
        for positions in marked { try writer.markBad(positions) }
        try writer.close()
      }
      #expect(try ResultWriter(path, places: places).badCount() == 4)
    }

    @Test("rows that do not fit their positions are refused")
    func wrongRows() throws {
      let path = folder("out.h5")
      let writer = try ResultWriter(path, places: ResultFile.create(path, Example.layout()))
      let rows = [Double](repeating: 0, count: 4)
      for positions in [0..<3, 12..<16] {
        #expect(throws: Problem.self) {
          try rows.withUnsafeBytes { try writer.writeRows(group: 0, output: 0, positions: positions, $0) }
        }
      }
      #expect(throws: Problem.self) { try writer.writeWhole(group: 1, output: 0, rows) }
    }

    @Test("places survive the trip to the other ranks")
    func placesAreCodable() throws {
      let places = try ResultFile.create(folder("out.h5"), Example.layout())
      #expect(try JSONDecoder().decode(ResultPlaces.self, from: JSONEncoder().encode(places)) == places)
    }

    @Test("the end of a run is told in place: not a byte of the data moves")
    func finish() throws {
      let path = folder("out.h5")
      let places = try ResultFile.create(path, Example.layout())
      try Example.fill(path, places)
      let before = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
      let offset = try File(path).openDataset(places.groups[2].outputs[0].path).layout()
      let long = String(repeating: "ä", count: 100)
      try ResultFile.finish(path, places, [("status", .text(long)), ("wall_time_s", .integer(7))])
      try ResultFile.finish(path, places, [("status", .text("complete"))])
      #expect(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int == before)
      #expect(try File(path).openDataset(places.groups[2].outputs[0].path).layout() == offset)
      for group in places.groups {
        let stored = try File(path).openGroup(group.path)
        #expect(try stored.attribute("status") == .string("complete"))
        #expect(try stored.attribute("wall_time_s") == .double(7))
      }
    }

    @Test("a text too long for its room is cut between characters")
    func longText() throws {
      let path = folder("out.h5")
      let places = try ResultFile.create(path, Example.layout())
      try ResultFile.finish(path, places, [("status", .text("x" + String(repeating: "ä", count: 100)))])
      let text = try File(path).openGroup(places.groups[0].path).attribute("status")
      #expect(text == .string("x" + String(repeating: "ä", count: 31)))
    }

    @Test("the entry of info --json has the keys that scripts rely on")
    func json() throws {
      let path = folder("out.h5")
      _ = try ResultFile.create(path, Example.layout())
      let data = try JSONEncoder().encode(try ResultCatalog(path).entries[0])
      let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      let keys: Set = [
        "analysis", "index", "output", "path", "kind", "element", "shape", "dimensions", "components", "quantity",
        "unit",
      ]
      #expect(Set(object.keys) == keys)
      let dimension = try #require((object["dimensions"] as? [[String: Any]])?.first)
      #expect(Set(dimension.keys) == ["name", "unit", "size"])
    }
  }
}
