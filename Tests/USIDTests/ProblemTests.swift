import Foundation
import HDF5
import STEM
import Testing
import USID

extension USIDTests {
  @Suite struct Refusals {
    let folder: Folder

    init() throws { folder = try Folder() }

    @Test("an existing file is not touched, a missing folder is named: exit code 73")
    func cannotCreate() throws {
      let path = folder("there.h5")
      try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
      let exists = #expect(throws: Problem.self) { try ResultFile.create(path, Example.layout()) }
      #expect(exists?.code == .cannotCreate)
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
      let missing = folder("nowhere/out.h5")
      let nowhere = #expect(throws: Problem.self) { try ResultFile.create(missing, Example.layout()) }
      #expect(nowhere?.code == .cannotCreate && nowhere?.place == missing)
    }

    @Test("an output that no disk can hold is refused before anything is written: exit code 74")
    func tooLarge() throws {
      let path = folder("huge.h5")
      let axis = OutputAxis("radius", unit: "px", values: (0..<1000).map { Double($0) })
      let group = ResultGroupLayout(
        analysis: "radial_profile", algorithm: "rings",
        outputs: [
          OutputDescription("profile", .perPositionProfile, quantity: "Intensity", unit: "", axis: axis, "Huge.")
        ])
      let layout = Example.layout(scan: Pair(1 << 20, 1 << 20), groups: [group])
      let problem = #expect(throws: Problem.self) { try ResultFile.create(path, layout) }
      #expect(problem?.code == .inputOutput)
      #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("all that is wrong with a layout is said at once")
    func layoutProblems() {
      let axis = OutputAxis("X", unit: "px", values: [0, 1])
      func map(_ name: String) -> OutputDescription { OutputDescription(name, .map, quantity: "Q", unit: "", "") }
      let groups = [
        ResultGroupLayout(
          analysis: "virtual_detectors", algorithm: "sums",
          outputs: [map("a-b"), map("c/d"), map(""), map("completed_positions"), map("twice"), map("twice")]),
        ResultGroupLayout(
          analysis: "radial_profile", algorithm: "rings",
          outputs: [
            OutputDescription("no_axis", .profile, quantity: "Q", unit: "", ""),
            OutputDescription("taken", .perPositionProfile, quantity: "Q", unit: "", axis: axis, ""),
          ]),
        ResultGroupLayout(analysis: "empty", algorithm: "none", outputs: []),
      ]
      let problems = #expect(throws: Problems.self) { try Example.layout(groups: groups).check() }
      #expect(problems?.list.count == 8)
      #expect(problems?.list.first?.place == "virtual_detectors.a-b")
      #expect(problems?.exitCode == .badConfiguration)
    }

    @Test("no such file 66, no HDF5 file 65")
    func unreadable() throws {
      let missing = #expect(throws: Problem.self) { try ResultCatalog(folder("missing.h5")) }
      #expect(missing?.code == .noInput)
      let text = folder("text.h5")
      try Data("not HDF5".utf8).write(to: URL(fileURLWithPath: text))
      let wrong = #expect(throws: Problem.self) { try ResultCatalog(text) }
      #expect(wrong?.code == .badData)
      #expect(!ResultCatalog.isResultFile(text) && !ResultCatalog.isResultFile(folder("missing.h5")))
    }
  }
}
