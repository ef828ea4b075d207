import Foundation
import HDF5
import STEM
import Testing
import USID

private let dataFolder =
  ProcessInfo.processInfo.environment["RONCHI_TEST_DATA"]
  ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../../shared/data")
  .standardizedFileURL.path
private let hasData = FileManager.default.fileExists(atPath: dataFolder + "/h5usid")

extension USIDTests {
  @Suite struct ForeignFiles {
    let folder: Folder

    init() throws { folder = try Folder() }

    /// A map of `count` points whose value is 10·y + x, with the given columns of indices.
    private func write(_ path: String, labels: [String], _ columns: [[Int]]) throws {
      let count = columns[0].count
      let file = try File(path, .create)
      let table = (0..<count).flatMap { point in columns.map { $0[point] } }
      for name in ["Position_Indices", "Position_Values"] {
        let dataset = try file.createDataset("/\(name)", shape: [count, columns.count], of: .f32)
        try dataset.write(table.map { Float($0) })
        try dataset.setAttribute("labels", labels)
        try dataset.setAttribute("units", labels.map { _ in "nm" })
      }
      for name in ["Spectroscopic_Indices", "Spectroscopic_Values"] {
        let dataset = try file.createDataset("/\(name)", shape: [1, 1], of: .u32)
        try dataset.setAttribute("labels", ["arb"])
        try dataset.setAttribute("units", [""])
      }
      let main = try file.createDataset("/Raw_Data", shape: [count, 1], of: .i32)
      let (y, x) = (labels.firstIndex(of: "Y")!, labels.firstIndex(of: "X")!)
      try main.write((0..<count).map { Int32(10 * columns[y][$0] + columns[x][$0]) })
      for name in ["Position_Indices", "Position_Values", "Spectroscopic_Indices", "Spectroscopic_Values"] {
        try main.setAttribute(name, referenceTo: "/\(name)")
      }
      try main.setAttribute("quantity", "Height")
      try main.setAttribute("units", "m")
    }

    @Test("slowest or fastest first: the indices tell which dimension is which")
    func dimensionOrder() throws {
      let y = [0, 0, 0, 1, 1, 1], x = [0, 1, 2, 0, 1, 2]
      for (name, labels, columns) in [("slow", ["Y", "X"], [y, x]), ("fast", ["X", "Y"], [x, y])] {
        try write(folder(name), labels: labels, columns)
        let catalog = try ResultCatalog(folder(name))
        let result = try #require(catalog.others.first)
        #expect(result.entry.dimensions.map(\.name) == ["Y", "X"] && result.entry.shape == [2, 3])
        #expect(result.entry.kind == .map && result.entry.analysis.isEmpty)
        #expect(try catalog.read(result).values == [0, 1, 2, 10, 11, 12])
      }
    }

    @Test("points that are not in raster order are put where their indices say")
    func shuffled() throws {
      try write(folder("s"), labels: ["X", "Y"], [[2, 0, 1, 1, 0, 2], [0, 0, 0, 1, 1, 1]])
      let catalog = try ResultCatalog(folder("s"))
      #expect(try catalog.read(catalog.others[0]).values == [0, 1, 2, 10, 11, 12])
    }

    @Test("positions that are no grid stay a list")
    func sparse() throws {
      try write(folder("s"), labels: ["X", "Y"], [[0, 2, 1, 0], [0, 0, 1, 1]])
      let catalog = try ResultCatalog(folder("s"))
      #expect(catalog.others[0].entry.shape == [4])
      #expect(try catalog.read(catalog.others[0]).values == [0, 2, 11, 10])
    }

    @Test("files of other programs are listed", .enabled(if: hasData, "no test data: set RONCHI_TEST_DATA"))
    func realFiles() throws {
      let scan = try ResultCatalog(dataFolder + "/h5usid/SingFreqPFM_0003.h5")
      #expect(scan.others.count == 4)
      let names = scan.others.map { $0.entry.dimensions.map(\.name) }
      #expect(scan.others.allSatisfy { $0.entry.shape == [128, 128] } && names.allSatisfy { $0 == ["Y", "X"] })
      let written = try ResultCatalog(dataFolder + "/h5usid/broken/ok.h5")
      #expect(written.results.map(\.entry.analysis) == ["Virtual_Detector"])
      #expect(written.results.map(\.entry.shape) == [[3, 4]])
      #expect(written.others.map(\.entry.shape) == [[3, 4, 6, 5]])
    }

    @Test("no broken file stops the catalog", .enabled(if: hasData, "no test data: set RONCHI_TEST_DATA"))
    func brokenFiles() throws {
      let names = try FileManager.default.contentsOfDirectory(atPath: dataFolder + "/h5usid/broken")
      for name in names where name.hasSuffix(".h5") {
        let catalog = try ResultCatalog(dataFolder + "/h5usid/broken/" + name)
        for result in catalog.results + catalog.others { _ = try catalog.read(result) }
      }
    }
  }
}
