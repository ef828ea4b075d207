import Foundation
import STEM
import Testing

@testable import Formats

@Suite("array files") struct ArrayFileTests {
  @Test("masks of every type, order and dimension have their values", arguments: PixelType.allCases)
  func values(type: PixelType) throws {
    let folder = ByteFolder()
    let scene = Scene(scan: Shape(2, 3), detector: Shape(4, 5), type: type)
    let expected = (0..<6).flatMap { p in (0..<20).map { scene.value(p, $0 / 5, $0 % 5) } }
    for order in ByteOrder.allCases {
      let code = (order == .big ? ">" : "<") + NpyTests.codes[type]!
      for (fortran, data) in [(false, scene.rowMajor(order)), (true, scene.columnMajor(order, flat: false))] {
        let array = try loadArray(folder.write("a.npy", npy([2, 3, 4, 5], code, fortran: fortran, data)))
        #expect(array.shape == [2, 3, 4, 5])
        #expect(array.values == expected)
      }
      let line = try loadArray(folder.write("b.npy", npy([20], code, scene.frame(0, order))))
      #expect(line.shape == [20] && line.values == Array(expected.prefix(20)))
    }
  }

  @Test("a boolean mask is 0 and 1")
  func booleans() throws {
    let folder = ByteFolder()
    let array = try loadArray(folder.write("a.npy", npy([2, 2], "|b1", [1, 0, 0, 1])))
    #expect(array.shape == [2, 2] && array.values == [1, 0, 0, 1])
  }

  @Test("64-bit integers, which NumPy makes of labels, are numbers")
  func wideIntegers() throws {
    let folder = ByteFolder()
    let numbers = [0xfe] + [UInt8](repeating: 0xff, count: 7) + [3] + [UInt8](repeating: 0, count: 7)
    let signed = try loadArray(folder.write("a.npy", npy([1, 2], "<i8", numbers)))
    #expect(signed.values == [-2, 3])
    let unsigned = try loadArray(folder.write("b.npy", npy([1], ">u8", [UInt8](repeating: 0, count: 6) + [1, 2])))
    #expect(unsigned.values == [258])
  }

  @Test("what is no array is refused with the right code")
  func refused() throws {
    let folder = ByteFolder()
    let hdf5 = try folder.write("a.h5", [0x89] + Array("HDF\r\n".utf8) + [0x1a, 0x0a, 0, 0])
    let cases: [(String, ExitCode, String)] = [
      (folder.path + "/none.npy", .noInput, "no such file"), (folder.path, .badData, "directory"),
      (try folder.write("text.npy", Array("text".utf8)), .badData, "is no array"),
      (try folder.write("cut.npy", npy([2, 2], "<f8", [1, 2, 3])), .badData, "160 bytes expected, 131 found"),
      (try folder.write("one.npy", npy([], "<f8", [UInt8](repeating: 0, count: 8))), .badData, "single number"),
      (try folder.write("big.npy", npy([1 << 40, 1 << 40], "<f8", [])), .badData, "too short"),
      (try folder.write("zero.npy", npy([0, 1 << 40, 1 << 40], "<c8", [])), .badData, "allowed are"),
      (hdf5, .badConfiguration, ":/path/of/dataset"),
    ]
    for (path, code, words) in cases {
      let problem = try #require(problems { _ = try loadArray(path) }.first)
      #expect(problem.code == code && problem.message.contains(words), "\(problem)")
    }
  }

  @Test("file and dataset are taken apart at the first colon before a slash, unless a file has that name")
  func datasetPaths() throws {
    #expect(splitDatasetPath("a/b.h5:/x/y")?.file == "a/b.h5")
    #expect(splitDatasetPath("a/b.h5:/x/y")?.dataset == "/x/y")
    #expect(splitDatasetPath("a/b.npy") == nil)
    let folder = ByteFolder()
    try FileManager.default.createDirectory(atPath: folder.path + "/odd:", withIntermediateDirectories: true)
    #expect(splitDatasetPath(try folder.write("odd:/a.npy", [1])) == nil)
  }
}
