import Foundation
import STEM
import TestSupport
import Testing

@testable import Formats

/// Writes `.mib` files from images in file order: bit by bit, after the description of the format.
struct MerlinWriter {
  var width = 256
  var height = 8
  var type = "U08"
  var layout = "   1x1"
  var chips = 1
  var headerBytes = 384
  var depth: Int? = 6
  var color = 0
  var sequenceDigits = 6

  func header(_ index: Int, counter: Int = 0, time: String? = nil) -> [UInt8] {
    func pad(_ number: Int, _ digits: Int) -> String {
      String(repeating: "0", count: max(0, digits - String(number).count)) + String(number)
    }
    var text = "MQ1,\(pad(index + 1, sequenceDigits)),\(pad(headerBytes, 5)),\(pad(chips, 2)),\(pad(width, 4)),"
    text += "\(pad(height, 4)),\(type),\(layout),0F,\(time ?? "2024-02-29 12:00:0\(index % 10).000000"),0.001000,"
    text += "\(counter),\(color),0,2.000000E+0,5.110000E+2,"
    if let depth { text += "MQ1A,2024-02-29T12:00:00.000000000Z,1000000ns,\(depth)," }
    return Array(text.utf8) + [UInt8](repeating: 0, count: headerBytes - text.utf8.count)
  }

  /// Pixels in big-endian words of `width` bits.
  static func raw(_ image: [[Int]], depth: Int, chips: Int) -> [UInt8] {
    if depth == 24 {
      return raw(image.map { $0.map { $0 >> 12 } }, depth: 12, chips: chips)
        + raw(image.map { $0.map { $0 & 0xfff } }, depth: 12, chips: chips)
    }
    let lane = depth == 1 ? 1 : depth == 6 ? 8 : 16
    let rowBytes = 256 * lane / 8
    var bytes = [UInt8](repeating: 0, count: image.count * image[0].count * lane / 8)
    for (y, line) in image.enumerated() {
      for (x, value) in line.enumerated() {
        var (chip, row, column) = (0, y, x)
        if chips == 4 {
          let below = y >= 256
          chip = below ? (x < 256 ? 1 : 0) : (x < 256 ? 3 : 2)
          row = below ? 511 - y : y
          column = below ? 255 - x % 256 : x % 256
        }
        for bit in 0..<lane where value >> bit & 1 == 1 {
          let place = column * lane + bit
          let byte = (row * chips + chip) * rowBytes + place / 64 * 8 + 7 - place % 64 / 8
          bytes[byte] |= 1 << UInt8(place % 8)
        }
      }
    }
    return bytes
  }
}

@Suite("mib") struct MerlinTests {
  @Test(
    "plain frames: type, size, saturation; one frame is a scan of one position",
    arguments: [("U08", PixelType.u8, 6), ("U16", .u16, 12), ("U32", .u32, 24)])
  func plain(type: String, pixel: PixelType, depth: Int) throws {
    let folder = ByteFolder()
    let scene = Scene(scan: Shape(2, 3), detector: Shape(5, 16), type: pixel)
    let writer = MerlinWriter(width: 16, height: 5, type: type, depth: depth)
    let frames = (0..<6).map { writer.header($0) + scene.frame($0, .big) }
    var request = InputRequest(path: try folder.write("a.mib", Array(frames.joined())))
    #expect(try openInput(request).description.scanShape == nil)
    request.scanShape = scene.scan
    let source = try openInput(request)
    #expect(source.description.pixelType == pixel)
    #expect(source.description.detectorShape == scene.detector)
    #expect(source.description.saturation == (depth == 1 ? .infinity : Double(1 << depth - 1)))
    try scene.check(source.makeReader(), [0..<6, 4..<5])
    let single = try openInput(InputRequest(path: try folder.write("b.mib", frames[0])))
    #expect(single.description.scanShape == Shape(1, 1))
  }

  @Test("RAW frames of every depth come out in the orientation of the image", arguments: [1, 6, 12, 24], [1, 4])
  func raw(depth: Int, chips: Int) throws {
    let folder = ByteFolder()
    let side = chips == 4 ? 512 : 256
    var random = Random(UInt64(depth * chips))
    let images = (0..<2).map { _ in
      (0..<side).map { _ in (0..<side).map { _ in Int.random(in: 0..<1 << depth, using: &random) } }
    }
    let writer = MerlinWriter(
      width: 256 * chips, height: 256, type: "R64", layout: chips == 4 ? "   2x2" : "   1x1", chips: chips,
      headerBytes: chips == 4 ? 768 : 384, depth: depth)
    let file = images.indices.flatMap { writer.header($0) + MerlinWriter.raw(images[$0], depth: depth, chips: chips) }
    let source = try openInput(InputRequest(path: try folder.write("a.mib", file)))
    #expect(source.description.detectorShape == Shape(side, side))
    let type = source.description.pixelType
    #expect(type == (depth == 24 ? .u32 : depth == 12 ? .u16 : .u8))
    try source.makeReader().forEachFrame(in: 0..<2) { position, frame in
      let pixels = frame.doubles().map { Int($0) }
      #expect(pixels == Array(images[position].joined()))
    }
  }

  @Test(
    "the scan shape comes from the .hdr: a trigger per line, or ScanX and ScanY",
    arguments: [
      ("Frames per Trigger (Number):\t3\n", Shape(4, 3)), ("Frames per Trigger (Number):\t5\n", nil),
      ("Frames per Trigger (Number):\t12\n", nil), ("ScanX:\t2\nScanY:\t6\n", Shape(6, 2)),
      ("ScanX:\t2\nScanY:\t5\n", nil),
      ("ScanX:\t9223372036854775807\nScanY:\t9223372036854775807\n", nil), ("\n\n:\nCounter Depth (number):\n", nil),
    ])
  func header(text: String, expected: Shape?) throws {
    let folder = ByteFolder()
    let writer = MerlinWriter(width: 4, height: 2)
    let path = try folder.write("a.mib", (0..<12).flatMap { writer.header($0) + [UInt8](repeating: 1, count: 8) })
    let hdr = try folder.write("a.hdr", Array("HDR,\t\n\(text)End\t   ".utf8))
    for name in [path, hdr] {
      let description = try openInput(InputRequest(path: name)).description
      #expect(description.scanShape == expected)
      #expect(description.path == path)
    }
  }

  @Test("a .hdr without its .mib says which file is missing")
  func lonelyHeader() throws {
    let folder = ByteFolder()
    let path = try folder.write("a.hdr", Array("HDR,\t\nGain:\tSLGM\n".utf8))
    let problem = try #require(problems { _ = try openInput(InputRequest(path: path)) }.first)
    #expect(problem.code == .noInput && problem.place == folder.path + "/a.mib")
  }

  @Test("an incomplete frame at the end is named, with the bytes")
  func truncated() throws {
    let folder = ByteFolder()
    let writer = MerlinWriter(width: 4, height: 2)
    let file = (0..<3).flatMap { writer.header($0) + [UInt8](repeating: 1, count: 8) }
    for keep in [392 * 2 + 391, 392 * 2 + 1] {
      let path = try folder.write("a.mib", Array(file.prefix(keep)))
      let problem = try #require(problems { _ = try openInput(InputRequest(path: path)) }.first)
      #expect(problem.code == .badData)
      #expect(problem.message.contains("1176 bytes expected for 3, \(keep) found; frame 2 "), "\(problem)")
    }
  }

  @Test("frames that differ from the first are named: the last when opening, others when read")
  func mixedFrames() throws {
    let folder = ByteFolder()
    let writer = MerlinWriter(width: 4, height: 2)
    var other = writer
    (other.width, other.height) = (2, 4)
    for odd in 1..<4 {
      for spoiled in [other.header(odd), [UInt8](repeating: 0x20, count: 384)] {
        let file = (0..<4).flatMap { ($0 == odd ? spoiled : writer.header($0)) + [UInt8](repeating: 1, count: 8) }
        let path = try folder.write("a.mib", file)
        let problem = try #require(
          problems {
            let source = try openInput(InputRequest(path: path))
            #expect(odd != 3)
            try source.makeReader().forEachFrame(in: 0..<4) { _, _ in }
          }.first)
        #expect(problem.code == .badData && problem.message.contains("frame \(odd) "), "\(problem)")
      }
    }
  }

  @Test("the sequence number may grow a digit within a file")
  func longSequence() throws {
    let folder = ByteFolder()
    let writer = MerlinWriter(width: 4, height: 2)
    let file = (999_998..<1_000_001).flatMap { writer.header($0) + [UInt8](repeating: 1, count: 8) }
    let reader = try openInput(InputRequest(path: try folder.write("a.mib", file))).makeReader()
    var count = 0
    try reader.forEachFrame(in: 0..<3) { _, _ in count += 1 }
    #expect(count == 3)
  }

  @Test("colour modes and two counters per exposure are refused")
  func severalFramesPerPosition() throws {
    let folder = ByteFolder()
    let pixels = [UInt8](repeating: 1, count: 8)
    let writer = MerlinWriter(width: 4, height: 2)
    var color = writer
    color.color = 1
    let files: [([UInt8], String)] = [
      (color.header(0) + pixels, ""),
      (writer.header(0, counter: 0, time: "t") + pixels + writer.header(1, counter: 1, time: "t") + pixels, ""),
      (writer.header(0) + pixels, "Chip Mode  (SPM, CSM, CM, CSCM):\tCSCM\n"),
      (writer.header(0) + pixels, "Active Counters:\tBoth\n"),
    ]
    for (file, text) in files {
      let path = try folder.write("a.mib", file)
      _ = try folder.write("a.hdr", Array("HDR,\t\n\(text)".utf8))
      let problem = try #require(problems { _ = try openInput(InputRequest(path: path)) }.first)
      #expect(problem.code == .badData && problem.message.contains("several frames for one position"))
    }
  }

  @Test("RAW layouts that are not understood are refused, and RAW without a depth")
  func unknownRaw() throws {
    let folder = ByteFolder()
    for (width, height, layout, chips, depth) in [
      (512, 512, "   2x2", 4, 1), (1024, 256, "  2x2G", 4, 1), (1024, 256, "   4x1", 4, 1), (512, 256, "   2x1", 2, 1),
      (256, 256, "   1x1", 1, nil),
    ] as [(Int, Int, String, Int, Int?)] {
      let writer = MerlinWriter(width: width, height: height, type: "R64", layout: layout, chips: chips, depth: depth)
      let path = try folder.write("a.mib", writer.header(0) + [UInt8](repeating: 0, count: width * height / 8))
      let problem = try #require(problems { _ = try openInput(InputRequest(path: path)) }.first)
      #expect(problem.code == .badData && problem.message.contains("RAW"), "\(problem)")
    }
  }

  @Test("mutated files give frames or a problem, never a crash", arguments: ["U08", "U16", "R64"])
  func hostile(type: String) throws {
    var writer = MerlinWriter(width: 16, height: 4, type: type)
    if type == "R64" { (writer.width, writer.height) = (256, 1) }
    let pixels = type == "U08" ? 64 : type == "U16" ? 128 : 256
    let file = (0..<2).flatMap { writer.header($0) + [UInt8](repeating: 1, count: pixels) }
    let counts = try survive(mutants: 1500, of: file, headerBytes: 170, name: "m.mib", seed: UInt64(pixels))
    #expect(counts.opened > 50 && counts.refused > 500, "\(counts)")
  }

  @Test(
    "vendor files equal what LiberTEM reads", .enabled(if: VendorData.isPresent, "\(VendorData.absent)"),
    arguments: [
      "001_4x2_6bit", "002_4x2_6bit_roi128", "Single_9_Frame_CounterDepth_1_Rows_256",
      "Single_9_Frame_CounterDepth_12_Rows_256", "Single_1_Frame_CounterDepth_24_Rows_256",
      "Quad_1_Frame_CounterDepth_6_Rows_256", "test_12bit_RAW_1frame",
    ])
  func vendor(name: String) throws {
    let entry = try VendorFile.named("vendor/mib/\(name).mib")
    let truth = try entry.truth("libertem mib")
    let source = try openInput(InputRequest(path: VendorData.path(entry.file)))
    #expect(source.description.frameCount * source.description.detectorShape.count == truth.shape.reduce(1, *))
    #expect(try digest(of: source, byteOrder: truth.byteOrder) == truth.sha256)
    // A second reader agrees, its rows flipped.
    if let other = try? entry.truth("rosettasciio") {
      #expect(try digest(of: source, byteOrder: other.byteOrder, flip: .rows) == other.sha256)
    }
  }

  @Test(
    "vendor RAW files equal what pyxem reads, both detector axes flipped",
    .enabled(if: VendorData.isPresent, "\(VendorData.absent)"),
    arguments: ["Quad_1_Frame_CounterDepth_1_Rows_256RAW", "test_12bit_RAW_1frame", "test_1bit_RAW_1frame"])
  func vendorRaw(name: String) throws {
    let entry = try VendorFile.named("vendor/mib/\(name).mib")
    let source = try openInput(InputRequest(path: VendorData.path(entry.file)))
    #expect(source.description.detectorShape == Shape(512, 512))
    #expect(source.description.notes.contains { $0.contains("reassembled") })
    #expect(try digest(of: source, flip: .both) == entry.truth("pyxem").sha256)
  }
}
