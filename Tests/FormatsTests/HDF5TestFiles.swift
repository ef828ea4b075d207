import Foundation
import HDF5
import STEM
import Testing

@testable import Formats

/// A made-up scan whose pixels are all known: (scan y, scan x, detector y, detector x).
struct KnownScan {
  var scan = Shape(5, 7)
  var detector = Shape(6, 4)
  var type = PixelType.u16

  var shape: [Int] { [scan.y, scan.x, detector.y, detector.x] }
  var frames: Int { scan.count }

  /// Different for nearly all pixels, over the range of the type.
  func value(_ y: Int, _ x: Int, _ v: Int, _ u: Int) -> Double {
    let n = ((y * 31 + x) * 37 + v) * 41 + u
    return switch type {
    case .u8: Double(n % 251)
    case .i8: Double(n % 251 - 125)
    case .u16, .u16Swapped: Double(n * 7 % 65_521)
    case .i16: Double(n * 7 % 65_521 - 32_760)
    case .u32: Double(n * 65_537 % 4_294_967_291)
    case .i32: Double(n * 65_537 % 4_294_967_291 - 2_147_483_645)
    case .f32, .f64: Double(n) * 0.5 - 7.25
    }
  }

  /// All pixels with the axes in another order: `order[k]` is the axis (0 scan y … 3 detector x) stored as the k-th.
  func values(order: [Int] = [0, 1, 2, 3]) -> [Double] {
    let sizes = order.map { shape[$0] }
    return (0..<shape.reduce(1, *)).map { flat in
      var (rest, index) = (flat, [0, 0, 0, 0])
      for k in [3, 2, 1, 0] {
        index[order[k]] = rest % sizes[k]
        rest /= sizes[k]
      }
      return value(index[0], index[1], index[2], index[3])
    }
  }

  /// Reads the positions and says where the first wrong pixel is; nil when all are right.
  func firstError(in reader: any FrameReader, _ positions: Range<Int>) throws -> String? {
    var wrong: String?
    var next = positions.lowerBound
    try reader.forEachFrame(in: positions) { position, frame in
      if position != next, wrong == nil { wrong = "position \(position) came, \(next) was due" }
      next = position + 1
      let pixels = frame.doubles()
      for v in 0..<detector.y where wrong == nil {
        for u in 0..<detector.x where wrong == nil {
          let pixel = pixels[v * detector.x + u]
          let due = value(position / scan.x, position % scan.x, v, u)
          if pixel != due { wrong = "position \(position), pixel (\(v), \(u)): \(pixel), not \(due)" }
        }
      }
    }
    return wrong ?? (next == positions.upperBound ? nil : "only \(next - positions.lowerBound) frames came")
  }

  /// Everything forwards, in blocks, one by one backwards, and in ranges that cut chunks.
  func check(_ source: any FrameSource) throws {
    let about = source.description
    #expect(about.frameCount == frames)
    #expect(about.detectorShape == detector)
    #expect(about.pixelType == type)
    let reader = try source.makeReader()
    var ranges = [0..<frames]
    let block = max(1, about.chunkPositions)
    ranges += stride(from: 0, to: frames, by: block).map { $0..<min($0 + block, frames) }
    ranges += (0..<frames).reversed().map { $0..<$0 + 1 }
    ranges += [3..<frames - 4, 1..<2, frames - 9..<frames - 1, 2..<scan.x + 3, 4..<4]
    for range in ranges {
      let wrong = try firstError(in: reader, range)
      #expect(wrong == nil, "\(wrong ?? "") in \(range), \(about.storage)")
    }
  }
}

/// A folder that goes away with its owner.
final class ScratchFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/ronchi-hdf5-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String = "scan.h5") -> String { "\(path)/\(name)" }
}

/// Opens with the registry's recognition, as a job does.
func opened(_ path: String, _ change: (inout InputRequest) -> Void = { _ in }) throws -> any FrameSource {
  var request = InputRequest(path: path)
  change(&request)
  return try openInput(request)
}

/// The problem of an action that must have one.
func problem(_ body: () throws -> Void) -> Problem? {
  do {
    try body()
    return nil
  } catch let problem as Problem { return problem } catch let all as Problems { return all.list.first } catch {
    Issue.record("\(error) is no Problem")
    return nil
  }
}

extension HDF5.File {
  /// Writes the scan as one dataset.
  borrowing func add(
    _ scan: KnownScan, _ path: String = "/data", order: [Int] = [0, 1, 2, 3], shape: [Int]? = nil,
    layout: DatasetLayout = .contiguous, endianness: Endianness = .little
  ) throws {
    let type = HDF5.ElementType.number(NumberType(rawValue: scan.type.rawValue)!, endianness)
    let dataset = try createDataset(
      path, shape: shape ?? order.map { scan.shape[$0] }, type: type, layout: layout)
    try dataset.write(scan.values(order: order))
  }
}
