import Foundation
@_spi(StoredPixels) import STEM
import Testing

@testable import Formats

@Suite("npy") struct NpyTests {
  static let codes: [PixelType: String] = [
    .u8: "u1", .u16: "u2", .u32: "u4", .i8: "i1", .i16: "i2", .i32: "i4", .f32: "f4", .f64: "f8",
  ]

  @Test("every type, byte order and memory order gives the pixels that were written", arguments: PixelType.allCases)
  func roundTrip(type: PixelType) throws {
    let folder = ByteFolder()
    // Odd sizes: no square of the gathering is full; 37 columns and 35 positions cross one each.
    let scene = Scene(scan: Shape(5, 7), detector: Shape(3, 37), type: type)
    let (scan, detector) = (scene.scan, scene.detector)
    for order in ByteOrder.allCases {
      for fortran in [false, true] {
        for flat in [false, true] {
          let data = fortran ? scene.columnMajor(order, flat: flat) : scene.rowMajor(order)
          let shape = (flat ? [scan.count] : [scan.y, scan.x]) + [detector.y, detector.x]
          let code = (order == .big ? ">" : "<") + Self.codes[type]!
          let path = try folder.write("scan.npy", npy(shape, code, fortran: fortran, data))
          var request = InputRequest(path: path)
          request.scanShape = flat ? scan : nil
          let source = try openInput(request)
          #expect(source.description.scanShape == scan)
          #expect(source.description.pixelType == type)
          #expect(source.description.detectorShape == detector)
          try scene.check(source.makeReader(), [0..<35, 30..<35, 3..<4, 8..<20, 0..<0, 34..<35])
        }
      }
    }
  }

  @Test("Fortran order gathered in many tiles gives the same frames as in one")
  func tiles() throws {
    let folder = ByteFolder()
    let scene = Scene(scan: Shape(9, 5), detector: Shape(4, 33), type: .u16)
    let path = try folder.write(
      "scan.npy", npy([9, 5, 4, 33], ">u2", fortran: true, scene.columnMajor(.big, flat: false)))
    let opened = try #require(try openInput(InputRequest(path: path)) as? StridedSource)
    for tile in [1, 3, 5, 10, 45] {
      var description = opened.description
      description.chunkPositions = tile
      let source = StridedSource(description, offset: opened.offset, strides: opened.strides, swapped: true)
      let file = try FileDescriptor(path, size: opened.offset + 45 * description.frameBytes)
      for bytes in [BufferedFile(file), try MappedFile(file)] as [any ByteSource] {
        try scene.check(StridedReader(source, bytes: bytes), [0..<45, 44..<45, 7..<31])
      }
    }
  }

  @Test("header dialects: versions 2 and 3, Python 2 integers, long padding, data at an odd offset")
  func dialects() throws {
    let folder = ByteFolder()
    let scene = Scene(scan: Shape(2, 3), detector: Shape(4, 5), type: .f64)
    let text = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3, 4, 5), }"
    let python2 = "{\"shape\": ( 2L,3L , 4L,5L),'fortran_order':False,'descr':'<f8'}"
    let data = scene.rowMajor(.little)
    let files = [
      npy(header: text, data, version: 2), npy(header: text, data, version: 3), npy(header: python2, data),
      npy(header: text, data, version: 2, padding: 8192), npy(header: text, data, padding: 83),
    ]
    for (index, file) in files.enumerated() {
      let source = try openInput(InputRequest(path: try folder.write("\(index).npy", file)))
      #expect(source.description.scanShape == scene.scan)
      try scene.check(source.makeReader(), [0..<6, 5..<6])
    }
  }

  @Test("booleans are read as 0 and 1")
  func booleans() throws {
    let folder = ByteFolder()
    let path = try folder.write("mask.npy", npy([1, 1, 2, 3], "|b1", [0, 1, 1, 0, 0, 1]))
    let source = try openInput(InputRequest(path: path))
    #expect(source.description.pixelType == .u8)
    try source.makeReader().forEachFrame(in: 0..<1) { _, frame in
      #expect((0..<6).map { frame.memory.load(fromByteOffset: $0, as: UInt8.self) } == [0, 1, 1, 0, 0, 1])
    }
  }

  @Test("a file that is cut off names its bytes and the first missing frame")
  func truncated() throws {
    let folder = ByteFolder()
    let whole = npy([2, 3, 4, 5], "<u2", [UInt8](repeating: 1, count: 240))
    for (keep, frame) in [(128 + 239, 5), (128 + 200, 5), (128 + 199, 4), (128 + 40, 1), (128 + 39, 0), (128, 0)] {
      let path = try folder.write("cut.npy", Array(whole.prefix(keep)))
      let problem = try #require(problems { _ = try openInput(InputRequest(path: path)) }.first)
      #expect(problem.code == .badData)
      #expect(problem.place == path)
      #expect(problem.message.contains("368 bytes expected, \(keep) found; frame \(frame) "))
    }
  }

  @Test(
    "elements that are no detector pixels are refused with the list of those that are",
    arguments: ["<i8", "<u8", "<c8", "|O", "<U4", "<f2", "|V16", "<m8[ns]", "", "<"])
  func otherTypes(code: String) throws {
    let path = try ByteFolder().keeping {
      try $0.write("a.npy", npy([1, 1, 1, 1], code, [UInt8](repeating: 0, count: 64)))
    }
    let problem = try #require(path.problems { _ = try openInput(InputRequest(path: $0)) }.first)
    #expect(problem.code == .badData)
    #expect(problem.message.contains("u1 u2 u4 i1 i2 i4 f4 f8"))
  }

  @Test(
    "structured types, wrong dimensions, empty and impossible shapes are refused",
    arguments: [
      ("{'descr': [('a', '<u2'), ('b', '<u2')], 'fortran_order': False, 'shape': (1, 1, 2, 2), }", "fields"),
      ("{'descr': '<u2', 'fortran_order': False, 'shape': (4, 4), }", "2-D, (4, 4)"),
      ("{'descr': '<u2', 'fortran_order': False, 'shape': (), }", "0-D"),
      ("{'descr': '<u2', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1), }", "5-D"),
      ("{'descr': '<u2', 'fortran_order': False, 'shape': (0, 4, 2, 2), }", "empty"),
      ("{'descr': '<u2', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296, 2), }", "more elements"),
      ("{'descr': '<u2', 'fortran_order': True, 'shape': (4294967296, 4294967296, 1, 1), }", "more elements"),
      ("{'descr': '<u2', 'fortran_order': False, 'shape': (99999999999999999999, 1, 1, 1), }", "too large"),
      ("{'descr': '<u2', 'fortran_order': False, 'shape': (-1, 1, 1, 1), }", "expected a number"),
      ("{'descr': '<u2', 'fortran_order': False, }", "'shape' is missing"),
      ("{'descr': '<u2', 'shape': (1, 1, 1, 1), }", "'fortran_order'"),
      ("{'descr': '<u2', 'descr': '<u2', 'fortran_order': False, 'shape': (1, 1, 1, 1), }", "twice"),
      ("{'descr': '<u2', 'fortran_order': False, 'shape': (1, 1, 1, 1", "ends after"),
      ("__import__('os')", "expected '{'"),
    ])
  func badHeaders(header: String, words: String) throws {
    let folder = ByteFolder()
    let path = try folder.write("a.npy", npy(header: header, [UInt8](repeating: 0, count: 64)))
    let problem = try #require(problems { _ = try openInput(InputRequest(path: path)) }.first)
    #expect(problem.code == .badData)
    #expect(problem.message.contains(words), "\(problem)")
  }

  @Test("a scan shape must multiply out; one that does overrides the file and says so")
  func scanShape() throws {
    let folder = ByteFolder()
    let path = try folder.write("a.npy", npy([2, 6, 1, 1], "|u1", Array(0..<12)))
    var request = InputRequest(path: path)
    request.scanShape = Shape(3, 4)
    let description = try openInput(request).description
    #expect(description.scanShape == Shape(3, 4))
    #expect(description.notes.contains("scan read as 3 × 4, the file says 2 × 6"))
    for impossible in [Shape(3, 5), Shape(-3, -4), Shape(.max, .max), Shape(0, 0)] {
      request.scanShape = impossible
      let problem = try #require(problems { _ = try openInput(request) }.first)
      #expect(problem.code == .badData)
      #expect(problem.place == "input.scan_shape")
      #expect(problem.message.contains("12 frames"))
    }
    let stack = try folder.write("b.npy", npy([12, 1, 1], "|u1", Array(0..<12)))
    #expect(try openInput(InputRequest(path: stack)).description.scanShape == nil)
  }

  @Test("keys that npy cannot use are refused by name, all at once")
  func unusedKeys() throws {
    let folder = ByteFolder()
    var request = InputRequest(path: try folder.write("a.npy", npy([1, 1, 1, 1], "|u1", [0])))
    request.dataset = "/a"
    request.options["offset"] = .integer(4)
    let found = problems { _ = try openInput(request) }
    #expect(found.map(\.place) == ["input.dataset", "input.offset"])
    #expect(found.allSatisfy { $0.code == .badConfiguration })
  }

  @Test("mutated files give frames or a problem, never a crash", arguments: [false, true])
  func hostile(fortran: Bool) throws {
    let file = npy([2, 3, 4, 5], "<u2", fortran: fortran, [UInt8](repeating: 7, count: 240))
    let counts = try survive(mutants: 3000, of: file, headerBytes: 128, name: "m.npy", seed: fortran ? 1 : 2)
    #expect(counts.opened > 30 && counts.refused > 1000, "\(counts)")
  }

  @Test(
    "vendor files equal the arrays given to NumPy", .enabled(if: VendorData.isPresent, "\(VendorData.absent)"),
    arguments: ["mos2_4d_u2", "mos2_4d_bigendian_f4", "mos2_4d_fortran_u2"])
  func vendor(name: String) throws {
    let entry = try VendorFile.named("vendor/npy/\(name).npy")
    let truth = try entry.truth("array given")
    let source = try openInput(InputRequest(path: VendorData.path(entry.file)))
    let description = source.description
    let scan = try #require(description.scanShape)
    #expect([scan.y, scan.x, description.detectorShape.y, description.detectorShape.x] == truth.shape)
    #expect(try digest(of: source, byteOrder: truth.byteOrder) == truth.sha256)
  }
}

/// A file that lives as long as its folder.
struct ByteFile {
  let folder: ByteFolder
  let path: String

  func problems(_ body: (String) throws -> Void) -> [Problem] { FormatsTests.problems { try body(path) } }
}

extension ByteFolder {
  func keeping(_ make: (ByteFolder) throws -> String) throws -> ByteFile {
    ByteFile(folder: self, path: try make(self))
  }
}
