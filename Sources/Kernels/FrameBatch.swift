import STEM

/// Copies of a few consecutive frames, for kernels whose own state is larger than a frame: they then read and write it
/// once for several frames.
final class FrameBatch {
  let frames: Int
  let frameBytes: Int
  private(set) var count = 0
  private(set) var rows: [Int] = []
  private let storage: UnsafeMutableRawBufferPointer

  /// The largest of `counts` frames that fit `budget` bytes; 1, without copies, when none does.
  init(frameBytes: Int, counts: [Int], budget: Int) {
    self.frameBytes = frameBytes
    frames = counts.filter { frameBytes * $0 <= budget }.max() ?? 1
    storage = .allocate(byteCount: frames > 1 ? frames * frameBytes : 0, alignment: 64)
  }

  deinit { storage.deallocate() }

  var bytes: Int { storage.count }

  /// Calls `full` when no further frame fits.
  @inline(__always) func add(
    _ frame: UnsafeRawPointer, row: Int, full: (UnsafeRawPointer, [Int]) -> Void
  ) {
    guard frames > 1 else { return full(frame, [row]) }
    (storage.baseAddress! + count * frameBytes).copyMemory(from: frame, byteCount: frameBytes)
    rows.append(row)
    count += 1
    if count == frames { flush(full) }
  }

  /// Processes the remaining frames.
  func flush(_ full: (UnsafeRawPointer, [Int]) -> Void) {
    guard count > 0 else { return }
    full(UnsafeRawPointer(storage.baseAddress!), rows)
    count = 0
    rows.removeAll(keepingCapacity: true)
  }
}
