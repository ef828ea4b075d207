import Foundation
import Report
import STEM
import Testing

@Suite("Exports")
struct ExportTests {
  @Test("A .npy file holds header and values as NumPy's format 1.0 says", arguments: [false, true])
  func npy(single: Bool) throws {
    let array = map(3, 4, single: single) { Double($0) + 0.125 * Double($1) - ($0 == 2 && $1 == 3 ? .nan : 0) }
    try withFolder { folder in
      try array.export(to: folder + "/a.npy")
      let file = try bytes(folder + "/a.npy")
      #expect(Array(file[..<8]) == [0x93] + Array("NUMPY".utf8) + [1, 0])
      let size = Int(little(file, 8, as: UInt16.self))
      #expect((10 + size) % 64 == 0 && file[9 + size] == 10)
      let header = String(decoding: file[10..<10 + size], as: UTF8.self)
      #expect(header.hasPrefix("{'descr': '\(single ? "<f4" : "<f8")', 'fortran_order': False, 'shape': (3, 4), }"))
      #expect(file.count == 10 + size + 12 * (single ? 4 : 8))
      for index in 0..<12 {
        let value =
          single
          ? Double(Float(bitPattern: little(file, 10 + size + 4 * index, as: UInt32.self)))
          : Double(bitPattern: little(file, 10 + size + 8 * index, as: UInt64.self))
        #expect(value == array.values[index] || (value.isNaN && index == 11))
      }
    }
  }

  @Test("A 1-D .npy has the shape of a tuple of one")
  func profile() throws {
    let array = ResultArray(
      analysis: "radial_profile", output: "mean_profile", kind: .profile, axes: [axis("Radius", "mrad", 5)],
      values: [5, 4, 3, 2, 1])
    try withFolder { folder in
      try array.export(to: folder + "/p.NPY")
      #expect(String(decoding: try bytes(folder + "/p.NPY")[10..<80], as: UTF8.self).contains("'shape': (5,), }"))
    }
  }

  @Test("A .tif has the tags and pixels of a 32-bit float image", arguments: [1, 2, 7])
  func tiff(columns: Int) throws {
    let array = map(5, columns) { Double($0 * 10 + $1) + 0.5 }
    try withFolder { folder in
      try array.export(to: folder + "/a.tif")
      let file = try bytes(folder + "/a.tif")
      #expect(Array(file[..<4]) == [0x49, 0x49, 42, 0])
      let directory = Int(little(file, 4, as: UInt32.self))
      var tags: [Int: Int] = [:]
      for entry in 0..<Int(little(file, directory, as: UInt16.self)) {
        let place = directory + 2 + 12 * entry
        tags[Int(little(file, place, as: UInt16.self))] = Int(little(file, place + 8, as: UInt32.self))
      }
      #expect(Array(tags.keys).count == 13)
      #expect(tags[256] == columns && tags[257] == 5 && tags[258] == 32 && tags[259] == 1)
      #expect(tags[339] == 3 && tags[277] == 1 && tags[278] == 5 && tags[279] == 20 * columns)
      let pixels = try #require(tags[273])
      #expect(file.count == pixels + 20 * columns)
      for index in 0..<5 * columns {
        #expect(Double(Float(bitPattern: little(file, pixels + 4 * index, as: UInt32.self))) == array.values[index])
      }
      let text = try #require(tags[270])
      let scale = columns > 1 ? "nm" : "pixel"
      #expect(String(decoding: file[text...], as: UTF8.self).hasPrefix("ImageJ=1.54f\nunit=\(scale)\n\0"))
      let ratio = try #require(tags[283])
      let perY = Double(little(file, ratio, as: UInt32.self)) / Double(little(file, ratio + 4, as: UInt32.self))
      #expect(abs(perY - 2) < 1e-6)
    }
  }

  @Test("A .csv begins with axis names, units and values, and gives every value back")
  func csv() throws {
    let array = map(2, 3) { 1.0 / Double($0 + $1 + 1) }
    try withFolder { folder in
      try array.export(to: folder + "/a.csv")
      let lines = try String(contentsOfFile: folder + "/a.csv", encoding: .utf8).split(separator: "\n")
      #expect(lines.count == 3)
      #expect(lines[0] == "Y [nm] \\ X [nm],0.0,0.25,0.5")
      for (row, line) in lines.dropFirst().enumerated() {
        let fields = line.split(separator: ",").map { Double($0)! }
        #expect(fields == [Double(row) * 0.5] + array.values[row * 3..<row * 3 + 3])
      }
    }
  }

  @Test("Profiles of positions become lines with both coordinates")
  func deepCSV() throws {
    let array = ResultArray(
      analysis: "radial_profile", output: "profile", kind: .perPositionProfile,
      axes: [axis("Y", "nm", 2), axis("X", "nm", 2), axis("Radius", "px", 3, step: 1)],
      values: (0..<12).map(Double.init),
      element: .float32)
    try withFolder { folder in
      try array.export(to: folder + "/a.csv")
      let lines = try String(contentsOfFile: folder + "/a.csv", encoding: .utf8).split(separator: "\n")
      #expect(lines[0] == "Y [nm],X [nm] \\ Radius [px],0.0,1.0,2.0")
      #expect(lines[3] == "0.5,0.0,6.0,7.0,8.0" && lines.count == 5)
    }
  }

  @Test("An unknown suffix is refused with the allowed ones, exit code 64")
  func suffix() throws {
    for name in ["a.jpg", "a", "a.npy.bak"] {
      let problem = try #require(throws: Problem.self) { try map(2, 2) { _, _ in 0 }.export(to: name) }
      #expect(problem.code == .usage && problem.place == name)
      #expect(problem.message.contains(".npy, .tif, .png, .csv"))
    }
  }

  @Test("A folder that does not exist is a problem of creating, exit code 73", arguments: ["npy", "tif", "png", "csv"])
  func missingFolder(suffix: String) throws {
    let path = "/no such folder/a.\(suffix)"
    let problem = try #require(throws: Problem.self) { try map(2, 2) { _, _ in 0 }.export(to: path) }
    #expect(problem.code == .cannotCreate && problem.place == path)
  }

  @Test("A full disk is exit code 74", .enabled(if: access("/dev/full", W_OK) == 0, "no /dev/full here"))
  func fullDisk() throws {
    try withFolder { folder in
      // The temporary name leads to a device that is always full.
      try FileManager.default.createSymbolicLink(atPath: folder + "/a.npy.partial", withDestinationPath: "/dev/full")
      let problem = try #require(throws: Problem.self) { try map(300, 300) { _, _ in 0 }.export(to: folder + "/a.npy") }
      #expect(problem.code == .inputOutput)
      #expect(!FileManager.default.fileExists(atPath: folder + "/a.npy"))
    }
  }

  @Test("An export leaves nothing but its file, and replaces an older one")
  func replaced() throws {
    try withFolder { folder in
      for suffix in ["npy", "tif", "png", "csv"] {
        try Data("old".utf8).write(to: URL(fileURLWithPath: "\(folder)/a.\(suffix)"))
        try map(2, 2) { _, _ in 1 }.export(to: "\(folder)/a.\(suffix)")
        #expect(try bytes("\(folder)/a.\(suffix)").count > 3)
      }
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a.csv", "a.npy", "a.png", "a.tif"])
    }
  }
}
