import Foundation
import STEM
import Testing

@testable import Formats

@Suite("raw") struct RawTests {
  static func request(_ path: String, _ scene: Scene) -> InputRequest {
    var request = InputRequest(path: path)
    request.scanShape = scene.scan
    request.options = ["detector_shape": scene.detector.setting, "pixel_type": scene.type.setting]
    return request
  }

  @Test("every type and byte order, with and without offset and gap", arguments: PixelType.allCases)
  func roundTrip(type: PixelType) throws {
    let folder = ByteFolder()
    let scene = Scene(scan: Shape(3, 4), detector: Shape(5, 6), type: type)
    for order in ByteOrder.allCases {
      for (offset, gap, lastGap) in [(0, 0, false), (7, 0, false), (64, 3, true), (1, 10, false)] {
        var file = [UInt8](repeating: 0xee, count: offset)
        for position in 0..<12 {
          file += scene.frame(position, order)
          if position < 11 || lastGap { file += [UInt8](repeating: 0xdd, count: gap) }
        }
        var request = Self.request(try folder.write("a.bin", file), scene)
        request.options["byte_order"] = order.setting
        request.options["offset"] = .integer(offset)
        request.options["gap"] = .integer(gap)
        let source = try openInput(request)
        try scene.check(source.makeReader(), [0..<12, 11..<12, 5..<9])
        var stored = scene
        stored.type = source.asStored.description.pixelType
        #expect(stored.type == (type == .u16 && order == .big ? .u16Swapped : type))
        try stored.check(source.asStored.makeReader(), [0..<12, 11..<12, 5..<9])
      }
    }
  }

  /// A kernel by the book: it knows numbers only.
  private struct FirstMoment: PixelVisitor {
    func visit<Stored: StoredPixel>(_ pixels: Pixels<Stored>) -> Double {
      pixels.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element.double }
    }
  }

  @Test("a kernel written by the book finds the same numbers in either byte order", arguments: PixelType.allCases)
  func byTheBook(type: PixelType) throws {
    let folder = ByteFolder()
    let scene = Scene(scan: Shape(3, 4), detector: Shape(5, 6), type: type)
    var found: [ByteOrder: [Double]] = [:]
    for order in ByteOrder.allCases {
      var request = Self.request(try folder.write("\(order).bin", (0..<12).flatMap { scene.frame($0, order) }), scene)
      request.options["byte_order"] = order.setting
      try openInput(request).asStored.makeReader().forEachFrame(in: 0..<12) { _, frame in
        found[order, default: []].append(frame.visit(FirstMoment()))
      }
    }
    #expect(found[.little] == found[.big] && Set(found[.little] ?? []).count == 12)
  }

  @Test("all missing keys are named at once")
  func missingKeys() throws {
    let folder = ByteFolder()
    var request = InputRequest(path: try folder.write("a.raw", [1, 2, 3]))
    request.format = "raw"
    let found = problems { _ = try openInput(request) }
    #expect(found.map(\.place) == ["input.detector_shape", "input.pixel_type", "input.scan_shape"])
    #expect(found.allSatisfy { $0.code == .badConfiguration })
  }

  @Test(
    "a size that does not fit says how many frames would",
    arguments: [
      (7200, "300 frames fit exactly"), (2400 + 24, "101 frames fit exactly"),
      (2399, "99 frames fit, 23 bytes are left over"),
      (10, "0 frames fit, 10 bytes are left over"), (2410, "100 frames fit, 10 bytes are left over"),
    ])
  func wrongSize(size: Int, words: String) throws {
    let folder = ByteFolder()
    let scene = Scene(scan: Shape(10, 10), detector: Shape(3, 4), type: .u16)
    let path = try folder.write("a.raw", [UInt8](repeating: 0, count: size))
    let problem = try #require(problems { _ = try openInput(Self.request(path, scene)) }.first)
    #expect(problem.code == .badData)
    #expect(problem.message.contains("make 2400 bytes, the file has \(size)"))
    #expect(problem.message.contains(words), "\(problem)")
  }

  @Test("impossible numbers are refused, not computed with")
  func impossibleNumbers() throws {
    let folder = ByteFolder()
    let scene = Scene(scan: Shape(1, 1), detector: Shape(1, 1), type: .f64)
    let path = try folder.write("a.raw", [UInt8](repeating: 0, count: 8))
    let changes: [(inout InputRequest) -> Void] = [
      { $0.options["detector_shape"] = Shape(.max, .max).setting },
      { $0.options["detector_shape"] = Shape(.max, 1).setting },
      { $0.scanShape = Shape(.max, 2) },
      { $0.scanShape = Shape(0, 1) }, { $0.options["detector_shape"] = Shape(1, -1).setting },
      { $0.options["offset"] = .integer(-1) }, { $0.options["gap"] = .integer(-8) },
      {
        $0.options["gap"] = .integer(1 << 40)
        $0.scanShape = Shape(1 << 20, 1 << 20)
      }, { $0.options["offset"] = .integer(.max) },
    ]
    for change in changes {
      var request = Self.request(path, scene)
      change(&request)
      #expect(!problems { _ = try openInput(request) }.isEmpty)
    }
  }

  @Test("raw is chosen only when asked for, or when shape and type are given and nothing else fits")
  func choice() throws {
    let folder = ByteFolder()
    let scene = Scene(scan: Shape(1, 2), detector: Shape(2, 2), type: .u8)
    let bytes = try folder.write("a.raw", Array(1...8))
    #expect(try openInput(Self.request(bytes, scene)).description.format == "raw")
    let unknown = try #require(problems { _ = try openInput(InputRequest(path: bytes)) }.first)
    #expect(unknown.code == .badData && unknown.message.contains("input.format: raw"))
    let array = try folder.write("b.raw", npy([1, 2, 2, 2], "|u1", Array(1...8)))
    let refused = problems { _ = try openInput(Self.request(array, scene)) }
    #expect(refused.map(\.place) == ["input.detector_shape", "input.pixel_type"])
  }

  @Test("the vendor file equals the array that was written", .enabled(if: VendorData.isPresent, "\(VendorData.absent)"))
  func vendor() throws {
    let entry = try VendorFile.named("vendor/raw/mos2_4d_u2.raw")
    let scene = Scene(scan: Shape(4, 6), detector: Shape(80, 80), type: .u16)
    let source = try openInput(Self.request(VendorData.path(entry.file), scene))
    #expect(try digest(of: source) == entry.truth("array given").sha256)
  }
}
