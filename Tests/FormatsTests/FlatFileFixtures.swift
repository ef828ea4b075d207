import Foundation
@_spi(StoredPixels) import STEM
import TestSupport
import Testing

@testable import Formats

/// A folder that lives as long as the test.
final class ByteFolder {
  let path: String

  init() {
    path = NSTemporaryDirectory() + "/ronchi-formats-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file and gives its path.
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = "\(path)/\(name)"
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }
}

/// A scan whose pixels follow from their place, encoded byte by byte: the reference knows nothing of the readers.
struct Scene {
  var scan: Shape
  var detector: Shape
  var type: PixelType

  /// Fills the type's range, sign and fractions included.
  func value(_ position: Int, _ y: Int, _ x: Int) -> Double {
    var mix = Random(UInt64(position * 1_000_003 + y * 1009 + x))
    let bits = mix.next()
    switch type {
    case .u8: return Double(UInt8(truncatingIfNeeded: bits))
    case .u16, .u16Swapped: return Double(UInt16(truncatingIfNeeded: bits))
    case .u32: return Double(UInt32(truncatingIfNeeded: bits))
    case .i8: return Double(Int8(truncatingIfNeeded: bits))
    case .i16: return Double(Int16(truncatingIfNeeded: bits))
    case .i32: return Double(Int32(truncatingIfNeeded: bits))
    case .f32: return Double(Int16(truncatingIfNeeded: bits)) + 0.125
    case .f64: return Double(Int32(truncatingIfNeeded: bits)) + 1.0 / 1024
    }
  }

  func encoded(_ value: Double, _ order: ByteOrder) -> [UInt8] {
    let bits: UInt64 =
      switch type {
      case .f32: UInt64(Float(value).bitPattern)
      case .f64: value.bitPattern
      default: UInt64(bitPattern: Int64(value))
      }
    let little = (0..<type.size).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt64($0))) }
    return order == .little ? little : little.reversed()
  }

  func frame(_ position: Int, _ order: ByteOrder) -> [UInt8] {
    var bytes: [UInt8] = []
    for y in 0..<detector.y { for x in 0..<detector.x { bytes += encoded(value(position, y, x), order) } }
    return bytes
  }

  /// (scan y, scan x, detector y, detector x), last axis fastest.
  func rowMajor(_ order: ByteOrder) -> [UInt8] { (0..<scan.count).flatMap { frame($0, order) } }

  /// First axis fastest; `flat`: the scan is one axis.
  func columnMajor(_ order: ByteOrder, flat: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    for x in 0..<detector.x {
      for y in 0..<detector.y {
        for k in 0..<scan.count {
          let position = flat ? k : k % scan.y * scan.x + k / scan.y
          bytes += encoded(value(position, y, x), order)
        }
      }
    }
    return bytes
  }

  /// Whether a frame that a reader delivered has the right pixels.
  func matches(_ position: Int, _ frame: Frame) -> Bool {
    guard frame.layout == FrameLayout(detector, type) else { return false }
    let pixels = frame.doubles()
    for y in 0..<detector.y {
      for x in 0..<detector.x where pixels[y * detector.x + x] != value(position, y, x) { return false }
    }
    return true
  }

  /// Reads ranges in any order and compares every frame.
  func check(_ reader: any FrameReader, _ ranges: [Range<Int>], sourceLocation: SourceLocation = #_sourceLocation)
    throws
  {
    for range in ranges {
      var seen: [Int] = []
      var wrong: [Int] = []
      try reader.forEachFrame(in: range) { position, frame in
        seen.append(position)
        if !matches(position, frame) || Int(bitPattern: frame.memory) % type.size != 0 { wrong.append(position) }
      }
      #expect(seen == Array(range), sourceLocation: sourceLocation)
      #expect(wrong == [], sourceLocation: sourceLocation)
    }
  }
}

/// A `.npy` file as NumPy lays it out.
func npy(_ shape: [Int], _ descr: String, fortran: Bool = false, _ data: [UInt8], version: UInt8 = 1) -> [UInt8] {
  let sizes = shape.map { "\($0), " }.joined()
  let text = "{'descr': '\(descr)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': (\(sizes)), }"
  return npy(header: text, data, version: version)
}

func npy(header text: String, _ data: [UInt8], version: UInt8 = 1, padding: Int = 64) -> [UInt8] {
  let prefix = version == 1 ? 10 : 12
  var header = Array(text.utf8)
  while (prefix + header.count + 1) % padding != 0 { header.append(0x20) }
  header.append(0x0a)
  let length = (0..<prefix - 8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
  return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + header + data
}

/// The problems of a failing call; fails the test when it succeeds or throws anything else.
func problems(sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) -> [Problem] {
  do {
    try body()
    Issue.record("no problem was reported", sourceLocation: sourceLocation)
  } catch let problem as Problem {
    return [problem]
  } catch let problems as Problems {
    return problems.list
  } catch {
    Issue.record("\(error) is no problem", sourceLocation: sourceLocation)
  }
  return []
}

/// Opens and reads mutants of a file: any outcome but a crash or a foreign error is right.
func survive(mutants: Int, of original: [UInt8], headerBytes: Int, name: String, seed: UInt64) throws -> (
  opened: Int, refused: Int
) {
  let folder = ByteFolder()
  var random = Random(seed)
  var counts = (opened: 0, refused: 0)
  for _ in 0..<mutants {
    var bytes = original
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let place = Int.random(in: 0..<max(1, min(headerBytes, bytes.count)), using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0 where place < bytes.count:
        let digit = (0x30...0x39).contains(bytes[place]) || Bool.random(using: &random)
        bytes[place] = digit ? UInt8.random(in: 0x30...0x39, using: &random) : UInt8.random(in: 0...255, using: &random)
      case 1 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2:
        bytes.insert(contentsOf: Array("99999999999".utf8.prefix(Int.random(in: 1...11, using: &random))), at: place)
      case 3 where place < bytes.count: bytes.remove(at: place)
      case 4: bytes = Array(bytes.prefix(Int.random(in: 1...max(1, bytes.count), using: &random)))
      default:
        let from = Int.random(in: 0..<max(1, min(headerBytes, bytes.count)), using: &random)
        bytes.insert(
          contentsOf: bytes[min(from, bytes.count)..<min(from + 8, bytes.count)], at: min(place, bytes.count))
      }
      if bytes.isEmpty { bytes = [0] }
    }
    let path = try folder.write(name, bytes)
    do {
      let source = try openInput(InputRequest(path: path))
      var sum = 0
      try source.makeReader().forEachFrame(in: 0..<source.description.frameCount) { _, frame in
        sum &+= Int(frame.memory.load(fromByteOffset: source.description.frameBytes - 1, as: UInt8.self))
      }
      counts.opened += 1
    } catch is Problem {
      counts.refused += 1
    } catch is Problems {
      counts.refused += 1
    }
  }
  return counts
}
