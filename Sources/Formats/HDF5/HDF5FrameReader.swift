import HDF5
import STEM

/// Frames of a dataset of an HDF5 file: a window of whole frames is read and decoded at once and kept, so that ranges
/// that follow each other find the rest of their chunks there. `HDF5ReadPlan` states how large windows are. Chunks are
/// decoded by `HDF5CodecReader` where it supports their filters, otherwise by HDF5.
final class HDF5FrameReader: FrameReader {
  private let source: HDF5FrameSource
  let dataset: Dataset
  private let type: HDF5.ElementType
  /// nil where HDF5 reads everything.
  let direct: HDF5CodecReader?
  private var window = HDF5Window.empty
  private var strides = HDF5Strides(y: 0, x: 0, pixelY: 0, pixelX: 0)
  /// What HDF5 read, and the same in frame order where the file has another.
  private var slab = ScratchBuffer()
  private var frames = ScratchBuffer()
  /// The one of the two in which whole frames lie.
  private var start: UnsafeRawPointer?

  init(_ source: HDF5FrameSource) throws {
    self.source = source
    let about = source.description
    type = source.entry.type == .boolean ? .boolean : .number(NumberType(rawValue: about.pixelType.rawValue)!)
    var options = HDF5.File.Options()
    options.tellsPlaces = try HDF5ChunkMode.chosen() == .direct
    let file = try openHDF5(source.entry.place.file, options: options)
    do throws(HDF5Error) { dataset = try file.openDataset(source.entry.place.path) } catch {
      throw Problem(error, in: about.path)
    }
    guard dataset.shape == source.layout.shape, dataset.elementType == source.entry.type else {
      throw Problem(.inputOutput, at: about.path, "the file has changed since it was opened; wait until it is complete")
    }
    direct = options.tellsPlaces ? try HDF5CodecReader(source, from: dataset, reading: type) : nil
  }

  var decodeSeconds: Double { direct?.decodeSeconds ?? 0 }

  func forEachGroup(in positions: Range<Int>, _ body: (FrameGroup) throws -> Void) throws {
    try source.description.check(positions)
    let (width, size) = (source.layout.grid.x, source.description.pixelType.size)
    var next = positions.lowerBound
    while next < positions.upperBound {
      let (y, x) = (next / width, next % width)
      if !window.contains(y, x) { try load(next, wantedEnd: positions.upperBound) }
      // To the end of the window's line.
      let end = min(positions.upperBound, y * width + window.columns.upperBound)
      let offset = (y - window.rows.lowerBound) * strides.y + (x - window.columns.lowerBound) * strides.x
      try body(
        FrameGroup(
          source.description.frameLayout, next..<end, first: start! + offset * size, strideBytes: strides.x * size))
      next = end
    }
  }

  private func load(_ position: Int, wantedEnd end: Int) throws {
    let batch = direct == nil ? source.plan.limits.batchBytes : ReadWindow.bytes(of: source.description.frameBytes)
    let next = source.plan.window(at: position, wantedEnd: end, batchBytes: batch)
    window = .empty
    do { try read(next) } catch { throw problem(error, in: next) }
    window = next
  }

  private func read(_ window: HDF5Window) throws(HDF5Error) {
    let (layout, about) = (source.layout, source.description)
    let bytes = window.count * about.frameBytes
    slab.grow(to: bytes)
    let part = layout.hyperslab(window)
    if let direct, part.block == nil {
      try direct.read(part, of: dataset, into: slab.start)
    } else {
      try dataset.read(part, into: slab.bytes, as: type)
    }
    let stored = layout.strides(in: window)
    guard stored.pixelX != 1 || stored.pixelY != layout.detector.x else {
      (start, strides) = (UnsafeRawPointer(slab.start), stored)
      return
    }
    frames.grow(to: bytes)
    let counts = (window.rows.count, window.columns.count, layout.detector.y, layout.detector.x)
    reorderFrames(slab.start, stored, counts: counts, size: about.pixelType.size, into: frames.start)
    let frame = layout.detector.count
    start = UnsafeRawPointer(frames.start)
    strides = HDF5Strides(y: window.columns.count * frame, x: frame, pixelY: layout.detector.x, pixelX: 1)
  }

  /// Names the first frame of the window that cannot be read.
  private func problem(_ error: HDF5Error, in window: HDF5Window) -> Problem {
    var (frame, reason) = (window.rows.lowerBound * source.layout.grid.x + window.columns.lowerBound, error)
    search: for y in window.rows {
      for x in window.columns {
        do throws(HDF5Error) { try read(HDF5Window(rows: y..<y + 1, columns: x..<x + 1)) } catch {
          (frame, reason) = (y * source.layout.grid.x + x, error)
          break search
        }
      }
    }
    let about = source.description
    let place = about.scanShape.map { " (scan row \(frame / $0.x), column \(frame % $0.x))" } ?? ""
    let isReadError = reason.why.contains("errno") || reason.why.contains("file read failed")
    return Problem(
      isReadError ? .inputOutput : .badData, at: "\(about.path):\(source.entry.path)",
      "frame \(frame)\(place), counted from 0, cannot be read: "
        + (reason.kind == .missingFilter
          ? missingFilterText(reason.why)
          : "\(reason.why); the file is damaged there: copy it again, or exclude the frame"))
  }
}

/// Memory that grows and is given back with its owner.
struct ScratchBuffer: ~Copyable {
  private(set) var bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 64)

  var start: UnsafeMutableRawPointer { bytes.baseAddress! }

  /// Resizes the buffer to `count` bytes; its content is lost.
  mutating func grow(to count: Int) {
    guard bytes.count < count else { return }
    bytes.deallocate()
    bytes = .allocateLarge(byteCount: count)
  }

  deinit { bytes.deallocate() }
}
