import Engine
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
    let isMapped = ranks.contains(where: \.isMapped)
    let (reading, computing) = (share(\.reading), share(\.computing))
    let bytes = Double(ranks.reduce(0) { $0 + $1.bytes }) / count
    func rate(_ part: Double) -> Double { bytes / max(part * wall, 1e-9) }
    // Kernels on a mapped file wait for its bytes: they are what limits when they come about as fast as they can.
    let touching = reading + computing
    let comesSlowly = limit.map { rate(touching) > 0.7 * $0 } ?? false
    let frames =
      isMapped
      ? [(comesSlowly ? "read-bound" : "compute-bound", "kernels on the mapped file", touching)]
      : [("read-bound", "reading", reading), ("compute-bound", "kernels", computing)]
    let parts =
      frames + [
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
    if most.1 == frames[0].1, let limit, most.2 > 0 {
      text += String(
        format: ", at %.1f GB/s a rank, %.0f %% of the page cache's %.1f GB/s", rate(most.2) / 1e9,
        100 * rate(most.2) / limit, limit / 1e9)
    }
    self.text = text
  }
}
