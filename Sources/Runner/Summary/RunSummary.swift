import Engine
import Foundation
import STEM

/// What a run did, for the last lines on standard output.
public struct RunSummary: Sendable {
  public let outputPath: String
  /// Seconds from before the input is opened to the closed output, MPI's own start not counted.
  public internal(set) var wall: Double
  /// What the wall time of rank 0 consists of, in order.
  public internal(set) var phases: [Phase]
  /// One entry a rank, on rank 0.
  public let ranks: [PassStatistics]
  public let positions: Int
  public let selected: Int
  public let scanWidth: Int
  /// Paths of the results groups that this run wrote.
  public let groups: Set<String>
  /// What limited the run, in a sentence.
  public var bottleneck: String?
  public var images: [String] = []
  /// Frames of the output that could not be read, also by the runs that this one continues.
  public var masked = 0
  /// What the user was warned of.
  public var warnings: [String] = []
  /// Where the counts of an electron are known.
  public var dose: Dose?

  public var bytes: Int { ranks.reduce(0) { $0 + $1.bytes } }

  public var text: String {
    guard !ranks.isEmpty else { return "nothing to compute" }
    var lines =
      [
        String(
          format: "%d positions, %.3f GB in %.3f s: %.2f GB/s, %.0f frames/s", selected, Double(bytes) / 1e9, wall,
          Double(bytes) / 1e9 / max(wall, 1e-9), Double(selected) / max(wall, 1e-9)), spreadLine,
      ]
    lines.append(
      "time: "
        + phases.filter { $0.seconds >= 0.0005 }.map { String(format: "%@ %.3f s", $0.name, $0.seconds) }
        .joined(separator: ", "))
    if let dose { lines.append("dose: \(dose.text) (\(dose.source))") }
    if let bottleneck { lines.append(bottleneck) }
    if selected < positions { lines.append("\(positions - selected) positions left out by the scan section") }
    let bad = ranks.reduce(0) { $0 + $1.badFrames }
    if masked > 0 {
      lines.append("\(masked) \(masked == 1 ? "frame" : "frames") could not be read and were masked (bad_frames)")
    }
    let places = ranks.flatMap(\.badPositions).sorted().prefix(5).map { "(\($0 / scanWidth), \($0 % scanWidth))" }
    let seen = ranks.reduce(0) { $0 + $1.frames }
    let among = seen < selected ? " among the \(seen) that were left to this run" : ""
    lines.append(
      bad == 0
        ? "no bad frames" + among
        : "\(bad) bad \(bad == 1 ? "frame" : "frames")\(among) (empty, or NaN where used) at (y, x) "
          + places.joined(separator: ", ") + (bad > places.count ? ", …" : ""))
    return lines.joined(separator: "\n")
  }
}

extension RunSummary {
  /// What a rank spent its time on, in the order in which it is told.
  static let parts: [(name: String, seconds: @Sendable (PassStatistics) -> Double)] = [
    ("read", { $0.reading }), ("decode", { $0.decoding }), ("kernels", { $0.computing }), ("write", { $0.writing }),
    ("wait", { $0.waiting }), ("reduce", { $0.reducing }),
  ]

  /// Minimum, median and maximum over the ranks of each part of their time; one rank has just its times.
  private var spreadLine: String {
    let parts = Self.parts.map { name, seconds in
      let spread = Spread(ranks.map(seconds))
      return ranks.count == 1
        ? String(format: "%@ %.3f s", name, spread.median)
        : String(format: "%@ %.3f / %.3f / %.3f s", name, spread.smallest, spread.median, spread.largest)
    }
    let title = ranks.count == 1 ? "rank" : "\(ranks.count) ranks (min / median / max)"
    return "\(title): \(parts.joined(separator: ", "))"
  }

  /// Where each rank's time in the pass went.
  public var rankLines: [String] {
    ranks.enumerated().map { rank, time in
      let parts = Self.parts.map { String(format: "%@ %.3f s", $0, $1(time)) }.joined(separator: ", ")
      return "rank \(rank): \(parts); \(time.frames) frames"
    }
  }
}

/// Smallest, median and largest of some values.
struct Spread {
  let smallest: Double
  let median: Double
  let largest: Double

  /// - Parameter values: at least one
  init(_ values: [Double]) {
    let sorted = values.sorted()
    smallest = sorted[0]
    median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    largest = sorted[sorted.count - 1]
  }
}

public struct Phase: Sendable {
  public let name: String
  public let seconds: Double
}

/// Cuts the wall time into named pieces.
struct PhaseClock {
  private(set) var list: [Phase] = []
  private var last: ContinuousClock.Instant

  init(since began: ContinuousClock.Instant) { last = began }

  mutating func end(_ name: String) {
    let now = ContinuousClock.now
    list.append(Phase(name: name, seconds: (now - last).seconds))
    last = now
  }
}
