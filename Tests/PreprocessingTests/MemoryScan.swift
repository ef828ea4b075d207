import STEM
import TestSupport

@testable import Preprocessing

typealias Random = TestSupport.Random

/// A scan in memory.
struct MemoryScan: FrameSource {
  var description: SourceDescription
  let scan: Shape
  /// By position, row-major.
  let frames: [[Double]]
  /// A position that cannot be read.
  var broken: Int?

  init(_ scan: Shape, _ detector: Shape, _ type: PixelType, _ frames: [[Double]]) {
    self.scan = scan
    self.frames = frames
    description = SourceDescription(
      format: "memory", path: "memory", scanShape: scan, frameCount: scan.count, detectorShape: detector,
      pixelType: type)
  }

  static func random(_ scan: Shape, _ detector: Shape, _ type: PixelType, _ random: inout Random) -> MemoryScan {
    let isUnsigned = [.u8, .u16, .u32].contains(type)
    let high = type.largest ?? 1000, low = isUnsigned ? 0 : type.isInteger ? -high - 1 : -1000
    let frames = (0..<scan.count).map { _ in
      (0..<detector.count).map { _ in
        let value = Double.random(in: low...high, using: &random)
        return type.isInteger ? value.rounded(.down) : type == .f32 ? Double(Float(value)) : value
      }
    }
    return MemoryScan(scan, detector, type, frames)
  }

  func makeReader() -> any FrameReader { Reader(self) }

  private final class Reader: FrameReader {
    let source: MemoryScan
    init(_ source: MemoryScan) { self.source = source }

    func forEachGroup(in positions: Range<Int>, _ body: (FrameGroup) throws -> Void) throws {
      for position in positions {
        if position == source.broken { throw Problem(.badData, "frame \(position)") }
        let type = source.description.pixelType
        let bytes = UnsafeMutableRawBufferPointer.allocate(
          byteCount: source.frames[position].count * type.size, alignment: 8)
        defer { bytes.deallocate() }
        func store<Pixel: FramePixel>(_: Pixel.Type) {
          for (index, value) in source.frames[position].enumerated() {
            bytes.storeBytes(of: Pixel(truncating: value), toByteOffset: index * type.size, as: Pixel.self)
          }
        }
        store(type.number)
        try body(FrameGroup(position, Frame(source.description.frameLayout, bytes.baseAddress!)))
      }
    }
  }
}

extension FrameSource {
  /// Frames as doubles, by position.
  func read(_ positions: Range<Int>? = nil) throws -> [[Double]] {
    var frames: [[Double]] = []
    let wanted = positions ?? 0..<description.frameCount
    var next = wanted.lowerBound
    try makeReader().forEachFrame(in: wanted) { position, frame in
      precondition(position == next, "positions ascend")
      next += 1
      precondition(frame.layout == description.frameLayout, "frames are what the description says")
      frames.append(frame.doubles())
    }
    return frames
  }
}
