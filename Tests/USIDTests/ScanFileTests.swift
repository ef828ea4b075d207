import Foundation
import HDF5
import STEM
import Testing
import USID

extension USIDTests {
  @Suite struct ScanFiles {
    let folder: Folder
    let path: String
    let places: ResultPlaces

    init() throws {
      folder = try Folder()
      path = folder("scan.h5")
      let layout = ScanFileLayout(
        scan: Pair(3, 2), detector: Pair(4, 5), pixelType: .u16, calibration: Example.calibration,
        quantity: "Electron counts", unit: "counts", groups: [Example.groups[0]], provenance: [("seed", .integer(7))],
        bookkeeping: Example.bookkeeping)
      places = try ScanFile.create(path, layout)
    }

    @Test("frames go to Raw_Data in their own type, blocks in any order")
    func frames() throws {
      let writer = try ResultWriter(path, places: places)
      for positions in [4..<6, 0..<1, 1..<4] {
        let pixels = positions.flatMap { p in (0..<20).map { UInt16(100 * p + $0) } }
        try pixels.withUnsafeBytes { try writer.writeFrames(positions, $0) }
      }
      try writer.close()
      let raw = try File(path).openDataset("\(Example.channel)/Raw_Data")
      #expect(raw.shape == [6, 20] && raw.elementType == .number(.u16))
      #expect(try raw.values(as: UInt16.self) == (0..<6).flatMap { p in (0..<20).map { UInt16(100 * p + $0) } })
      #expect(try raw.attribute("quantity") == .string("Electron counts") && raw.attribute("seed") == .int(7))
    }

    @Test("the frames are a Main dataset of four dimensions, and no result")
    func catalog() throws {
      let catalog = try ResultCatalog(path)
      #expect(catalog.others.map(\.entry.shape) == [[3, 2, 4, 5]])
      #expect(catalog.others[0].entry.dimensions.map(\.name) == ["Y", "X", "Qy", "Qx"])
      #expect(catalog.results.map(\.entry.output) == ["deflection_x", "deflection_y"])
      #expect(!ResultCatalog.isResultFile(path))
    }

    @Test("results that came with it, and later ones, refer to the frames in the same file")
    func source() throws {
      let inside = SourceReference(filePath: nil, datasetPath: "\(Example.channel)/Raw_Data")
      let more = try ResultFile.append(path, Example.layout(scan: Pair(3, 2), detector: Pair(4, 5), source: inside))
      #expect(more.groups[0].path == "\(Example.channel)/Raw_Data-Center_Of_Mass_001")
      let file = try File(path)
      for group in [places.groups[0], more.groups[0]] {
        let stored = try file.openGroup(group.path)
        #expect(try stored.attribute("source_000") == .reference("\(Example.channel)/Raw_Data"))
        #expect(try !stored.hasAttribute("source_file_path"))
        #expect(try stored.attribute("num_source_dsets") == .int(1))
      }
    }
  }
}
