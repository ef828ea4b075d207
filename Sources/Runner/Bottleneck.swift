import Foundation

/// What limits a run, in a sentence.
struct Bottleneck {
  let text: String

  /// - Parameters:
  ///   - wall: seconds of the whole run
  ///   - limit: bytes a second that one process reads from the page cache; nil where it was not measured
  init?(_ ranks: [PassStatistics], wall: Double, limit: Double?) {
    let count = Double(ranks.count)
    func share(_ part: (PassStatistics) -> Double) -> Double {
      ranks.reduce(0) { $0 + part($1) } / count / max(wall, 1e-9)
    }
    let reading = share(\.reading)
    let parts = [
      ("read-bound", "reading", reading), ("compute-bound", "kernels", share(\.computing)),
      ("decode-bound", "undoing compression", share(\.decoding)),
      ("write-bound", "writing results", share(\.writing)),
      ("wait-bound", "waiting for other ranks", share(\.waiting)),
    ]
    let inside = parts.reduce(0) { $0 + $1.2 }
    guard
      let most = (parts + [("overhead-bound", "start, layout and end", max(0, 1 - inside))]).max(by: { $0.2 < $1.2 }),
      !ranks.isEmpty
    else { return nil }
    var text = String(format: "%@: %@ %.0f %% of the time", most.0, most.1, 100 * most.2)
    if most.0 == "read-bound", let limit, reading > 0 {
      let rate = Double(ranks.reduce(0) { $0 + $1.bytes }) / count / (reading * wall)
      text += String(
        format: ", at %.1f GB/s a rank, %.0f %% of the page cache's %.1f GB/s", rate / 1e9, 100 * rate / limit,
        limit / 1e9)
    }
    self.text = text
  }
}

/// What one process reads from the page cache.
enum PageCache {
  private static let piece = 512 << 10

  /// Bytes a second of reading pieces spread over a file, which a run has just read; nil for small files and where
  /// reading fails.
  static func rate(_ path: String) -> Double? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let pieces = Int(lseek(descriptor, 0, SEEK_END)) / piece
    let sample = min(16, pieces)
    guard sample >= 4 else { return nil }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 4096)
    defer { buffer.deallocate() }
    buffer.initializeMemory(as: UInt8.self, repeating: 0)
    let began = ContinuousClock.now
    for index in 0..<sample {
      let place = index * pieces / sample * piece
      guard pread(descriptor, buffer.baseAddress, piece, off_t(place)) == piece else { return nil }
    }
    return Double(sample * piece) / (ContinuousClock.now - began).seconds
  }
}
