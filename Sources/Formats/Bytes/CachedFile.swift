import CCodecs
import STEM

/// A file that the page cache holds: each stretch is mapped or copied, whichever is faster.
///
/// Large folios are mapped in one step, so that kernels run while bytes come; single pages take longer to map than to
/// copy. Files often have both: large ones where they were written, small ones where they came back from the disk.
final class CachedFile: ByteSource {
  private let mapped: MappedFile
  private let copied: BufferedFile
  private let limit: Double
  /// How many stretches are copied before mapping is tried again, and how often in a row it was slow.
  private var copies = 0
  private var failures = 0

  /// - Parameter limit: seconds a byte that mapping may take
  init(_ file: FileDescriptor, mapped: MappedFile, limit: Double) {
    self.mapped = mapped
    copied = BufferedFile(file)
    self.limit = limit
  }

  /// nil for small files, and where the page cache lacks some of the file: `pread` reads further ahead.
  convenience init?(_ file: FileDescriptor) {
    let pieces = file.size / PageCache.piece
    let places = stride(from: 0, through: 6, by: 2).map { pieces / 8 * $0 * PageCache.piece }
    // Of every run's time: no more than says enough.
    let sample = PageCache.piece / 4
    guard pieces >= 64, places.allSatisfy({ ronchi_is_cached(file.number, Int64($0)) == 1 }),
      let copying = PageCache.copying(file.number, places, piece: sample)?.min(), let mapped = try? MappedFile(file)
    else { return nil }
    // What is mapped must still be brought from memory by kernels, what was copied is in the cache.
    self.init(file, mapped: mapped, limit: copying.seconds / Double(2 * sample))
  }

  var copiesCheaply: Bool { true }
  var usualStretch: Int { copies > 0 ? copied.usualStretch : mapped.usualStretch }

  func bytes(_ range: Range<Int>) throws(ReadFailure) -> UnsafeRawPointer {
    if copies > 0 {
      copies -= 1
      return try copied.bytes(range)
    }
    let began = ContinuousClock.now
    let start = try mapped.bytes(range)
    let isSlow = (ContinuousClock.now - began).seconds > limit * Double(range.count)
    failures = isSlow ? min(failures + 1, 5) : 0
    copies = 1 << failures - 1
    return start
  }

  func copy(_ range: Range<Int>, to target: UnsafeMutableRawPointer) throws(ReadFailure) {
    try copied.copy(range, to: target)
  }
}
