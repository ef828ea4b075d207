import HDF5
import STEM

/// Reads parts of a chunked dataset chunk by chunk, as stored, and undoes the filters itself: directly into the
/// destination where a chunk is contiguous there, otherwise through a buffer. HDF5 gives the addresses of chunks; what it
/// must do (chunks that are not stored, or without one of the filters) is left to it, chunk by chunk.
final class HDF5CodecReader {
  private static let largestChunk = 256 << 20

  private let chunk: [Int]
  private let shape: [Int]
  private let type: HDF5.ElementType
  private let pixelBytes: Int
  private let isSwapped: Bool
  private let isFiltered: Bool
  private let decoder: HDF5CodecDecoder
  let places: ChunkPlaces
  let file: FileDescriptor
  private let contents: BufferedFile
  /// The chunk that was decoded last, when it went through the buffer, and where it begins.
  private var decoded = ScratchBuffer()
  private var held: [Int]?
  /// Asked of the first chunk that reaches over the edge.
  private var filtersEdges: Bool?
  private var decodeTime = Duration.zero
  var decodeSeconds: Double { decodeTime.seconds }

  /// nil where HDF5 reads the dataset: other filters, no chunks, chunks that are too large.
  /// - Parameter dataset: of a file that is open with `HDF5.File.Options.tellsPlaces`
  init?(_ source: HDF5FrameSource, from dataset: borrowing Dataset, reading type: HDF5.ElementType) throws {
    guard case .chunked(let chunk, let filters)? = source.entry.layout, let codec = HDF5Codec(filters) else {
      return nil
    }
    let about = source.description
    self.chunk = chunk
    self.type = type
    shape = source.layout.shape
    pixelBytes = about.pixelType.size
    let native: ByteOrder = 1.littleEndian == 1 ? .little : .big
    isSwapped = pixelBytes > 1 && about.byteOrder != native
    isFiltered = !codec.stages.isEmpty
    decoder = HDF5CodecDecoder(codec)
    let (bytes, overflows) = chunk.reduce((pixelBytes, false)) {
      let product = $0.0.multipliedReportingOverflow(by: $1)
      return (product.partialValue, $0.1 || product.overflow)
    }
    guard !overflows, bytes <= Self.largestChunk, chunk.count == shape.count, !chunk.contains(0) else { return nil }
    places = try ChunkPlaces(dataset)
    file = try FileDescriptor(source.entry.place.file)
    contents = BufferedFile(file)
  }

  private var chunkBytes: Int { chunk.reduce(pixelBytes, *) }

  /// Reads a part without strides, row-major and in this machine's byte order, into `target`, which must hold it.
  func read(
    _ slab: Hyperslab, of dataset: borrowing Dataset, into target: UnsafeMutableRawPointer
  ) throws(HDF5Error) {
    let first = slab.start.indices.map { slab.start[$0] / chunk[$0] }
    let last = slab.start.indices.map { (slab.start[$0] + slab.count[$0] - 1) / chunk[$0] }
    let together = liesTogether(in: slab)
    var index = first
    while true {
      try read(ChunkPart(chunk: chunk, at: index, in: slab), of: dataset, into: target, slab, together)
      guard let axis = index.indices.last(where: { index[$0] < last[$0] }) else { return }
      index[axis] += 1
      for later in index.indices.dropFirst(axis + 1) { index[later] = first[later] }
    }
  }

  /// Whether the elements of a whole chunk follow each other in the part.
  private func liesTogether(in slab: Hyperslab) -> Bool {
    guard let first = chunk.firstIndex(where: { $0 > 1 }) else { return true }
    return chunk.indices.dropFirst(first + 1).allSatisfy { chunk[$0] == slab.count[$0] }
  }

  private func read(
    _ part: ChunkPart, of dataset: borrowing Dataset, into target: UnsafeMutableRawPointer, _ slab: Hyperslab,
    _ together: Bool
  ) throws(HDF5Error) {
    let offset = part.start.indices.reduce(0) { $0 * slab.count[$1] + part.start[$1] - slab.start[$1] }
    if together, part.count == chunk {
      let place = UnsafeMutableRawBufferPointer(start: target + offset * pixelBytes, count: chunkBytes)
      if try !decode(part, of: dataset, into: place) { try dataset.read(part.slab, into: place, as: type) }
      return
    }
    if held != part.chunkStart {
      held = nil
      decoded.grow(to: chunkBytes)
      let whole = UnsafeMutableRawBufferPointer(start: decoded.start, count: chunkBytes)
      if try decode(part, of: dataset, into: whole) { held = part.chunkStart }
    }
    if held == nil {
      // Only the part of the chunk that is wanted.
      try dataset.read(part.slab, into: decoded.bytes, as: type)
      copyBox(decoded.start, part.count, 0, to: target, slab.count, offset, part.count, size: pixelBytes)
    } else {
      let inner = part.start.indices.reduce(0) { $0 * chunk[$1] + part.start[$1] - part.chunkStart[$1] }
      copyBox(decoded.start, chunk, inner, to: target, slab.count, offset, part.count, size: pixelBytes)
    }
  }

  /// false: the chunk is one for HDF5.
  private func decode(
    _ part: ChunkPart, of dataset: borrowing Dataset, into target: UnsafeMutableRawBufferPointer
  ) throws(HDF5Error) -> Bool {
    // Not stored, or its address is unknown: HDF5 reads it.
    guard let found = try? places.place(ofChunk: part.chunkStart, of: dataset) else { return false }
    if isFiltered {
      if found.filterMask != 0 { return false }
      if try isLeftAsItIs(part, dataset) { return false }
    }
    // More than any of the codecs makes of data that it cannot compress.
    let room = chunkBytes + chunkBytes / 64 + 65_536
    guard found.bytes.count <= room else {
      throw failure("it claims \(found.bytes.count) bytes, of at most \(room)", part, dataset)
    }
    do throws(CodecFailure) { try decode(found.bytes, into: target) } catch {
      throw failure(error.reason, part, dataset)
    }
    if isSwapped, let start = target.baseAddress {
      swapBytes(UnsafeRawPointer(start), start, pixels: target.count / pixelBytes, size: pixelBytes)
    }
    return true
  }

  /// The chunk whose stored bytes are in a range of the file.
  private func decode(_ range: Range<Int>, into target: UnsafeMutableRawBufferPointer) throws(CodecFailure) {
    guard isFiltered || range.count == target.count else {
      throw CodecFailure("it holds \(range.count) bytes where \(target.count) are due")
    }
    let stored: UnsafeRawPointer
    do throws(ReadFailure) {
      guard isFiltered else { return try contents.copy(range, to: target.baseAddress!) }
      stored = try contents.bytes(range)
    } catch { throw CodecFailure("file read failed at byte \(error.offset): \(error.reason)") }
    let began = ContinuousClock.now
    defer { decodeTime += ContinuousClock.now - began }
    try decoder.decode(UnsafeRawBufferPointer(start: stored, count: range.count), into: target)
  }

  /// Whether it is a chunk at the edge that the writer did not filter.
  private func isLeftAsItIs(_ part: ChunkPart, _ dataset: borrowing Dataset) throws(HDF5Error) -> Bool {
    guard chunk.indices.contains(where: { part.chunkStart[$0] + chunk[$0] > shape[$0] }) else { return false }
    if filtersEdges == nil { filtersEdges = try dataset.filtersEdgeChunks() }
    return filtersEdges == false
  }

  private func failure(_ reason: String, _ part: ChunkPart, _ dataset: borrowing Dataset) -> HDF5Error {
    let place = "\(dataset.location.file):\(dataset.location.path)"
    return HDF5Error("H5Dread_chunk", on: place, why: "the chunk at \(part.chunkStart): \(reason)")
  }
}

/// What a chunk and a part of the dataset have in common.
private struct ChunkPart {
  let chunkStart: [Int]
  let start: [Int]
  let count: [Int]

  /// `index`: of the chunk in the grid of chunks.
  init(chunk: [Int], at index: [Int], in slab: Hyperslab) {
    let begin = index.indices.map { index[$0] * chunk[$0] }
    let from = begin.indices.map { max(begin[$0], slab.start[$0]) }
    chunkStart = begin
    start = from
    count = begin.indices.map { min(begin[$0] + chunk[$0], slab.start[$0] + slab.count[$0]) - from[$0] }
  }

  var slab: Hyperslab { Hyperslab(start: start, count: count) }
}

/// Copies a box of `count` elements of `size` bytes between two row-major arrays; offsets in elements.
private func copyBox(
  _ source: UnsafeRawPointer, _ sourceShape: [Int], _ sourceOffset: Int, to target: UnsafeMutableRawPointer,
  _ targetShape: [Int], _ targetOffset: Int, _ count: [Int], size: Int
) {
  // Axes from `split` on are contiguous in both.
  var split = count.count
  var (run, from, to) = (1, 1, 1)
  while split > 0, run == from, run == to {
    split -= 1
    run *= count[split]
    from *= sourceShape[split]
    to *= targetShape[split]
  }
  func copy(_ axis: Int, _ source: Int, _ target: UnsafeMutableRawPointer, _ offset: Int, _ base: UnsafeRawPointer) {
    guard axis < split else {
      (target + offset * size).copyMemory(from: base + source * size, byteCount: run * size)
      return
    }
    let (from, to) = (sourceShape[(axis + 1)...].reduce(1, *), targetShape[(axis + 1)...].reduce(1, *))
    for i in 0..<count[axis] { copy(axis + 1, source + i * from, target, offset + i * to, base) }
  }
  copy(0, sourceOffset, target, targetOffset, source)
}
