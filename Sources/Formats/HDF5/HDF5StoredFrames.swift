import HDF5
import STEM

/// Frames stored whole and unfiltered in chunks of a dataset, in a file that is in the page cache: handed out from
/// there as those of a flat file are, without HDF5 copying them first. What is not so simple, a chunk that is not stored
/// or has another size, is left to another reader.
final class HDF5StoredFrames: FrameReader {
  private let source: HDF5FrameSource
  private let others: HDF5FrameReader
  private let places: ChunkPlaces
  private let file: FileDescriptor
  private let bytes: any ByteSource
  /// Frames of a chunk, which follow each other in a row of the scan.
  private let chunkFrames: Int
  /// The chunk that was asked for last, by its first position; no place where it is one for the other reader.
  private var last: (position: Int, place: Int?)?

  /// nil where frames are not stored like this, or the job or the file requires another way of reading.
  /// - Parameters:
  ///   - others: reads the rest
  ///   - mode: nil: by the file
  init?(_ source: HDF5FrameSource, beside others: HDF5FrameReader, mode: ReadMode?) throws {
    let about = source.description
    guard case .chunked(let chunk, let filters)? = source.entry.layout, filters.isEmpty, source.layout.isStandard,
      case .native = FrameCoding.plain(about.byteOrder, about.pixelType),
      let frames = source.layout.wholeFrames(in: chunk), let direct = others.direct
    else { return nil }
    file = direct.file
    switch mode {
    case .mmap: bytes = try MappedFile(file)
    case .pread, .direct: return nil
    case nil:
      guard !DirectFile.isFor(size: file.size), let cached = CachedFile(file) else { return nil }
      bytes = cached
    }
    self.source = source
    self.others = others
    places = direct.places
    chunkFrames = frames
  }

  var isMapped: Bool { true }

  func forEachGroup(in positions: Range<Int>, _ body: (FrameGroup) throws -> Void) throws {
    try source.description.check(positions)
    var next = positions.lowerBound
    while next < positions.upperBound {
      let most = FrameGroup.frames(of: source.description.frameBytes, within: bytes.usualStretch)
      let end = min(next + most, positions.upperBound)
      guard let (run, place, stride) = run(in: next..<end) else {
        try others.forEachGroup(in: next..<next + 1, body)
        next += 1
        continue
      }
      let length = (run.count - 1) * stride + source.description.frameBytes
      let first = try stretch(place..<place + length, of: run)
      try body(FrameGroup(source.description.frameLayout, run, first: first, strideBytes: stride))
      next = run.upperBound
    }
  }

  /// The first frames of a window that are equally spaced with small gaps.
  private func run(in window: Range<Int>) -> (positions: Range<Int>, place: Int, stride: Int)? {
    guard let place = place(of: window.lowerBound) else { return nil }
    let frame = source.description.frameBytes
    var (end, stride) = (window.lowerBound + 1, frame)
    while end < window.upperBound, let next = self.place(of: end) {
      let isSecond = end == window.lowerBound + 1
      if isSecond, (frame...frame + frame / 2).contains(next - place) { stride = next - place }
      guard next == place + (end - window.lowerBound) * stride else { break }
      end += 1
    }
    return (window.lowerBound..<end, place, stride)
  }

  /// Of a frame's first byte in the file.
  private func place(of position: Int) -> Int? {
    let (y, x) = (position / source.layout.grid.x, position % source.layout.grid.x)
    let inside = x % chunkFrames
    if last?.position != position - inside {
      last = (position - inside, placeOfChunk(y, x - inside))
    }
    return last?.place.map { $0 + inside * source.description.frameBytes }
  }

  private func placeOfChunk(_ y: Int, _ x: Int) -> Int? {
    let (frame, pixel) = (source.description.frameBytes, source.description.pixelType.size)
    let start = source.layout.hyperslab(HDF5Window(rows: y..<y + 1, columns: x..<x + 1)).start
    // The other reader says what is wrong.
    guard let found = try? places.place(ofChunk: start, of: others.dataset), found.filterMask == 0,
      found.bytes.count == chunkFrames * frame, found.bytes.upperBound <= file.size,
      found.bytes.lowerBound.isMultiple(of: pixel)
    else { return nil }
    return found.bytes.lowerBound
  }

  private func stretch(_ range: Range<Int>, of run: Range<Int>) throws -> UnsafeRawPointer {
    do { return try bytes.bytes(range) } catch {
      let frame = run.lowerBound + (error.offset - range.lowerBound) / source.description.frameBytes
      throw source.description.unreadable(error, frame: min(max(frame, run.lowerBound), run.upperBound - 1))
    }
  }
}

extension HDF5FrameLayout {
  /// How many frames, one after the other in a row of the scan, make a chunk; nil where chunks cut frames or hold several
  /// rows. For the standard order of axes.
  fileprivate func wholeFrames(in chunk: [Int]) -> Int? {
    guard chunk.count == shape.count, let fastest = positions.axes.last, !chunk.contains(0) else { return nil }
    let isWhole = chunk.indices.allSatisfy { axis in
      axis == fastest || chunk[axis] == (pixels.axes.contains(axis) ? shape[axis] : 1)
    }
    return isWhole ? chunk[fastest] : nil
  }
}
