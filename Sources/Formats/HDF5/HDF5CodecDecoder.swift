import CCodecs
import CDeflate
import CLZ4
import CZstd

/// Undoes the filters of chunks, one after the other. One per reader; not for several threads.
///
/// Stored bytes are hostile: every size is checked against what is there and against the size that is due before a
/// codec sees it.
final class HDF5CodecDecoder {
  private let stages: [HDF5Codec.Stage]
  /// The intermediate result between two filters.
  private var even = ScratchBuffer()
  private var odd = ScratchBuffer()
  /// A decompressed block whose bits are still apart.
  private var block = ScratchBuffer()
  private var deflate: OpaquePointer?
  private var zstd: OpaquePointer?

  init(_ codec: HDF5Codec) { stages = codec.stages.reversed() }

  deinit {
    if let deflate { libdeflate_free_decompressor(deflate) }
    if let zstd { ZSTD_freeDCtx(zstd) }
  }

  /// Decodes a chunk of exactly `target.count` bytes. What `target` holds after a failure is not specified.
  func decode(_ stored: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) throws(CodecFailure) {
    var source = stored
    for (index, stage) in stages.enumerated() {
      let last = index == stages.count - 1
      try undo(stage, source, into: last ? target : between(index, target.count))
      if !last { source = UnsafeRawBufferPointer(between(index, target.count)) }
    }
    guard stages.isEmpty else { return }
    guard stored.count == target.count else { throw wrongSize(stored.count, target.count) }
    target.copyMemory(from: stored)
  }

  private func between(_ index: Int, _ count: Int) -> UnsafeMutableRawBufferPointer {
    if index % 2 == 0 { even.grow(to: count) } else { odd.grow(to: count) }
    return UnsafeMutableRawBufferPointer(start: index % 2 == 0 ? even.start : odd.start, count: count)
  }

  private func undo(
    _ stage: HDF5Codec.Stage, _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecFailure) {
    switch stage {
    case .gzip: try inflate(source, into: target)
    case .zstd: try unzstd(source, into: target)
    case .lz4: try unLZ4Blocks(source, into: target)
    case .shuffle(let size): try unshuffle(source, into: target, size)
    case .bitshuffle(let size, let block):
      try unbitshuffle(source, into: target, size, block: block == 0 ? Self.usualBlock(size) : block)
    case .bitshuffleLZ4(let size):
      try unbitshuffleBlocks(source, into: target, size) { (source, target) throws(CodecFailure) in
        try unLZ4(source, into: target)
      }
    case .bitshuffleZstd(let size):
      try unbitshuffleBlocks(source, into: target, size) { (source, target) throws(CodecFailure) in
        try unzstd(source, into: target)
      }
    }
  }

  private func wrongSize(_ found: Int, _ due: Int) -> CodecFailure {
    CodecFailure("the chunk holds \(found) bytes where \(due) are due")
  }
}

// MARK: - compressions

extension HDF5CodecDecoder {
  private func inflate(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecFailure) {
    if deflate == nil { deflate = libdeflate_alloc_decompressor() }
    guard let deflate else { throw CodecFailure("no memory for libdeflate") }
    // Without a place for the size, fewer bytes than are due are an error too.
    let result = libdeflate_zlib_decompress(
      deflate, source.baseAddress, source.count, target.baseAddress, target.count, nil)
    guard result == LIBDEFLATE_SUCCESS else { throw CodecFailure("its gzip data are damaged") }
  }

  private func unzstd(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecFailure) {
    if zstd == nil { zstd = ZSTD_createDCtx() }
    guard let zstd else { throw CodecFailure("no memory for zstd") }
    let count = ZSTD_decompressDCtx(zstd, target.baseAddress, target.count, source.baseAddress, source.count)
    guard ZSTD_isError(count) == 0 else {
      throw CodecFailure("its zstd data are damaged: \(String(cString: ZSTD_getErrorName(count)))")
    }
    guard count == target.count else { throw wrongSize(count, target.count) }
  }

  private func unLZ4(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecFailure) {
    guard let sourceCount = Int32(exactly: source.count), let targetCount = Int32(exactly: target.count),
      let from = source.baseAddress, let to = target.baseAddress
    else { throw CodecFailure("its LZ4 blocks have no valid size") }
    let count = LZ4_decompress_safe(
      from.assumingMemoryBound(to: CChar.self), to.assumingMemoryBound(to: CChar.self), sourceCount, targetCount)
    guard count == targetCount else { throw CodecFailure("its LZ4 data are damaged") }
  }

  /// Filter 32004: size of the chunk (8 bytes), of a block (4), then every block's stored size (4) and bytes, a block
  /// that did not become smaller as it is; all numbers big-endian.
  private func unLZ4Blocks(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecFailure) {
    var input = StoredBytes(source)
    let blockBytes = try input.header(due: target.count)
    guard blockBytes > 0 else { throw CodecFailure("its LZ4 blocks have no valid size") }
    var done = 0
    while done < target.count {
      let part = UnsafeMutableRawBufferPointer(rebasing: target[done..<min(target.count, done + blockBytes)])
      let stored = try input.block()
      if stored.count == part.count { part.copyMemory(from: stored) } else { try unLZ4(stored, into: part) }
      done += part.count
    }
  }
}

// MARK: - transpositions

extension HDF5CodecDecoder {
  /// Elements in a block where the writer left the choice to bitshuffle: about 8 KiB.
  private static func usualBlock(_ size: Int) -> Int { 8192 / size }

  private func unshuffle(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, _ size: Int
  ) throws(CodecFailure) {
    guard source.count == target.count else { throw wrongSize(source.count, target.count) }
    let elements = source.count / size
    ronchi_byte_untranspose(bytes(source, 0), bytes(target, 0), elements, Int32(size))
    copyRest(source, into: target, from: elements * size)
  }

  /// Bitshuffle alone: blocks, then a last one of the elements that are left, then up to seven elements as they are.
  private func unbitshuffle(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, _ size: Int, block: Int
  ) throws(CodecFailure) {
    guard source.count == target.count else { throw wrongSize(source.count, target.count) }
    let whole = target.count / size / 8 * 8
    var done = 0
    while done < whole {
      let elements = min(block, whole - done)
      ronchi_bit_untranspose(bytes(source, done * size), bytes(target, done * size), elements, Int32(size))
      done += elements
    }
    copyRest(source, into: target, from: whole * size)
  }

  /// Bitshuffle with a compression: size of the chunk (8 bytes), of a block (4), then every block's stored size (4) and
  /// bytes, then up to seven elements as they are; all numbers big-endian.
  private func unbitshuffleBlocks(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, _ size: Int,
    _ decompress: (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) throws(CodecFailure) -> Void
  ) throws(CodecFailure) {
    var input = StoredBytes(source)
    let blockBytes = try input.header(due: target.count)
    guard blockBytes > 0, blockBytes % (8 * size) == 0 else {
      throw CodecFailure("its bitshuffle blocks have no valid size")
    }
    let whole = target.count / (8 * size) * 8 * size
    block.grow(to: min(blockBytes, whole))
    var done = 0
    while done < whole {
      let count = min(blockBytes, whole - done)
      let apart = UnsafeMutableRawBufferPointer(start: block.start, count: count)
      try decompress(try input.block(), apart)
      ronchi_bit_untranspose(bytes(UnsafeRawBufferPointer(apart), 0), bytes(target, done), count / size, Int32(size))
      done += count
    }
    let rest = UnsafeMutableRawBufferPointer(rebasing: target[whole...])
    rest.copyMemory(from: try input.take(rest.count))
  }

  private func bytes(_ buffer: UnsafeRawBufferPointer, _ offset: Int) -> UnsafePointer<UInt8>? {
    buffer.baseAddress.map { ($0 + offset).assumingMemoryBound(to: UInt8.self) }
  }

  private func bytes(_ buffer: UnsafeMutableRawBufferPointer, _ offset: Int) -> UnsafeMutablePointer<UInt8>? {
    buffer.baseAddress.map { ($0 + offset).assumingMemoryBound(to: UInt8.self) }
  }

  private func copyRest(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, from start: Int
  ) {
    UnsafeMutableRawBufferPointer(rebasing: target[start...]).copyMemory(
      from: UnsafeRawBufferPointer(rebasing: source[start...]))
  }
}

/// Stored bytes, taken from front to back.
private struct StoredBytes {
  private var rest: Slice<UnsafeRawBufferPointer>

  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes[...] }

  mutating func take(_ count: Int) throws(CodecFailure) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= rest.count else { throw CodecFailure("it ends in the middle of its data") }
    defer { rest = rest.dropFirst(count) }
    return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
  }

  private mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(
    _: Number.Type
  ) throws(CodecFailure) -> Number {
    Number(bigEndian: try take(MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
  }

  /// The size of the chunk, which must be the one that is due; gives the size of a block.
  mutating func header(due count: Int) throws(CodecFailure) -> Int {
    let found = try number(UInt64.self)
    guard found == UInt64(count) else { throw CodecFailure("it claims \(found) bytes where \(count) are due") }
    return Int(try number(UInt32.self))
  }

  /// A block with its stored size before it.
  mutating func block() throws(CodecFailure) -> UnsafeRawBufferPointer { try take(Int(try number(UInt32.self))) }
}
