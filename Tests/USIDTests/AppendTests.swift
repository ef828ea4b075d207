import Foundation
import HDF5
import STEM
import Testing
import USID

extension USIDTests {
  @Suite struct Append {
    let folder: Folder
    let path: String

    init() throws {
      folder = try Folder()
      path = folder("out.h5")
      try Example.fill(path, ResultFile.create(path, Example.layout()))
    }

    @Test("a second run gets the next numbers and shares the ancillary datasets; the first stays as it was")
    func nextNumber() throws {
      let places = try ResultFile.append(path, Example.layout())
      #expect(places.groups.map(\.index) == [1, 1, 1])
      #expect(places.groups[0].path == "\(Example.channel)/frames-Center_Of_Mass_001")
      let file = try File(path)
      for side in ["Position_Indices", "Position_Values", "Spectroscopic_Indices", "Spectroscopic_Values"] {
        let first = try file.openDataset("\(Example.channel)/frames-Radial_Profile_000/profile").attribute(side)
        let second = try file.openDataset("\(Example.channel)/frames-Radial_Profile_001/profile").attribute(side)
        #expect(first == second)
      }
      let first = try file.identity(of: "\(Example.channel)/frames-Center_Of_Mass_000/completed_positions")
      #expect(try file.identity(of: "\(places.groups[0].path)/completed_positions") != first)
      let catalog = try ResultCatalog(path)
      let old = try #require(catalog.result(analysis: "center_of_mass", output: "deflection_y", index: 0))
      #expect(try catalog.read(old).values == (0..<15).map { Example.value(0, 0, $0) })
      let newest = try #require(catalog.result(analysis: "center_of_mass", output: "deflection_y"))
      #expect(newest.entry.index == 1)
    }

    @Test("another calibration gets its own axes in the same measurement")
    func otherCalibration() throws {
      var calibration = Example.calibration
      calibration.scanStep = Sourced(Pair(1, 1), .commandLine)
      let places = try ResultFile.append(path, Example.layout(calibration: calibration))
      #expect(places.measurement == "/Measurement_000")
      let catalog = try ResultCatalog(path)
      let steps = try [0, 1].map { index in
        try #require(catalog.result(analysis: "center_of_mass", output: "deflection_y", index: index)).entry
          .dimensions[0].values[1]
      }
      #expect(steps.elementsEqual([0.4, 1]) { abs($0 - $1) < 1e-6 })
    }

    @Test("another source or shape is another measurement")
    func otherSource() throws {
      let other = SourceReference(filePath: "/data/other.h5", datasetPath: "/entry/frames")
      #expect(try ResultFile.append(path, Example.layout(source: other)).measurement == "/Measurement_001")
      let third = try ResultFile.append(path, Example.layout(scan: Pair(5, 3)))
      #expect(third.measurement == "/Measurement_002" && third.groups[0].index == 0)
      // Back to the second one.
      let again = try ResultFile.append(path, Example.layout(source: other))
      #expect(again.measurement == "/Measurement_001" && again.groups[0].index == 1)
    }

    @Test("the same data under another path is recognized by its digest")
    func movedSource() throws {
      let path = folder("digest.h5")
      let here = SourceReference(filePath: "/a.h5", datasetPath: "/frames", digest: "abc")
      let moved = SourceReference(filePath: "/b.h5", datasetPath: "/frames", digest: "abc")
      let changed = SourceReference(filePath: "/a.h5", datasetPath: "/frames", digest: "def")
      _ = try ResultFile.create(path, Example.layout(source: here))
      #expect(try ResultFile.append(path, Example.layout(source: moved)).measurement == "/Measurement_000")
      #expect(try ResultFile.append(path, Example.layout(source: changed)).measurement == "/Measurement_001")
    }

    @Test("two groups of one analysis in one run are numbered one after the other")
    func twiceInOneRun() throws {
      let path = folder("twice.h5")
      let groups = [Example.groups[1], Example.groups[1]]
      #expect(try ResultFile.create(path, Example.layout(groups: groups)).groups.map(\.index) == [0, 1])
    }

    @Test("a file of another program is left alone")
    func foreign() throws {
      let foreign = folder("foreign.h5")
      try File(foreign, .create).close()
      let problem = #expect(throws: Problem.self) { try ResultFile.append(foreign, Example.layout()) }
      #expect(problem?.code == .cannotCreate)
      #expect(FileManager.default.fileExists(atPath: foreign))
      #expect(!ResultCatalog.isResultFile(foreign) && ResultCatalog.isResultFile(path))
    }
  }
}
