import Foundation
import STEM

/// Gathers frames tile by tile: as many positions as share the pages of the file, transposed in small squares so that
/// neither side jumps through memory element by element.
final class StridedReader: FrameReader {
  private let source: StridedSource
  private let bytes: any ByteSource
  private var tile = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 64)
  private var held = 0..<0

  init(_ source: StridedSource, bytes: any ByteSource) {
    self.source = source
    self.bytes = bytes
  }

  deinit { tile.deallocate() }

  func forEachGroup(in positions: Range<Int>, _ body: (FrameGroup) throws -> Void) throws {
    let description = source.description
    try description.check(positions)
    var next = positions.lowerBound
    while next < positions.upperBound {
      if !held.contains(next) { try load(tileOf: next) }
      let group = next..<min(held.upperBound, positions.upperBound)
      let first = tile.baseAddress! + (next - held.lowerBound) * description.frameBytes
      try body(FrameGroup(description.frameLayout, group, first: first, strideBytes: description.frameBytes))
      next = group.upperBound
    }
  }

  private func load(tileOf position: Int) throws {
    let description = source.description
    // Within what a pass takes as stored together.
    let chunk = description.chunkPositions
    let start = position / chunk * chunk
    let first = start + (position - start) / source.tile.positions * source.tile.positions
    let wanted = first..<min(first + source.tile.positions, start + chunk, description.frameCount)
    held = 0..<0
    prepare(byteCount: wanted.count * description.frameBytes)
    do {
      switch description.pixelType.size {
      case 1: try gather(wanted, UInt8.self)
      case 2: try gather(wanted, UInt16.self)
      case 4: try gather(wanted, UInt32.self)
      default: try gather(wanted, UInt64.self)
      }
    } catch {
      throw description.unreadable(error, frame: first)
    }
    held = wanted
  }

  private func prepare(byteCount: Int) {
    guard tile.count < byteCount else { return }
    tile.deallocate()
    // A square touches one page per position: with small pages most of the time would go to address translation.
    tile = .allocateLarge(byteCount: byteCount)
  }

  private func gather<Word: FixedWidthInteger & BitwiseCopyable>(
    _ positions: Range<Int>, _ type: Word.Type
  ) throws(ReadFailure) {
    let detector = source.description.detectorShape
    // In the order of the file, so that adjacent positions are read together.
    let order = positions.map { (element: source.strides.element(ofPosition: $0), row: $0 - positions.lowerBound) }
      .sorted { $0.element < $1.element }
    let span = order.first!.element..<order.last!.element + 1
    let planes = Planes<Word>(source, span: span, columns: source.tile.columns)
    let pixels = tile.bindMemory(to: Word.self).baseAddress!
    for y in 0..<detector.y {
      for x in stride(from: 0, to: detector.x, by: source.tile.columns) {
        let columns = min(source.tile.columns, detector.x - x)
        try planes.load(y: y, x: x, columns: columns, from: bytes)
        order.withUnsafeBufferPointer { order in
          for group in stride(from: 0, to: order.count, by: StridedTile.side) {
            let some = UnsafeBufferPointer(rebasing: order[group..<min(group + StridedTile.side, order.count)])
            planes.transpose(some, to: pixels + y * detector.x + x, columns: columns, swapped: source.swapped)
          }
        }
      }
    }
  }
}

/// The file's elements of some positions for a few neighboring detector pixels: one stretch of the file per pixel.
private final class Planes<Word: FixedWidthInteger & BitwiseCopyable> {
  private let source: StridedSource
  /// The elements of the positions, from the file's start for the first pixel.
  private let span: Range<Int>
  /// From one stretch to the next: not a power of two, whose stretches would compete for the same cache lines.
  private let pitch: Int
  private let stretches: UnsafeMutablePointer<Word>
  private let square: UnsafeMutablePointer<Word>
  private let side: Int
  private let frame: Int

  init(_ source: StridedSource, span: Range<Int>, columns: Int) {
    self.source = source
    self.span = span
    side = columns
    frame = source.description.detectorShape.count
    let line = 64 / MemoryLayout<Word>.size
    pitch = (span.count + line - 1) / line * line + line
    stretches = .allocate(capacity: pitch * columns)
    square = .allocate(capacity: columns * StridedTile.side)
  }

  deinit {
    stretches.deallocate()
    square.deallocate()
  }

  func load(y: Int, x: Int, columns: Int, from bytes: any ByteSource) throws(ReadFailure) {
    let size = MemoryLayout<Word>.size
    let steps = source.strides.detectorSteps
    for column in 0..<columns {
      let start = source.offset + (y * steps.y + (x + column) * steps.x + span.lowerBound) * size
      try bytes.copy(start..<start + span.count * size, to: stretches + column * pitch)
    }
  }

  /// `target`: the first of the columns in the tile's first frame.
  func transpose(
    _ order: UnsafeBufferPointer<(element: Int, row: Int)>, to target: UnsafeMutablePointer<Word>, columns: Int,
    swapped: Bool
  ) {
    for column in 0..<columns {
      let stretch = stretches + (column &* pitch &- span.lowerBound)
      let line = square + column
      for i in 0..<order.count {
        let value = stretch[order[i].element]
        line[i &* side] = swapped ? value.byteSwapped : value
      }
    }
    for i in 0..<order.count {
      (target + order[i].row &* frame).update(from: square + i &* side, count: columns)
    }
  }
}
