import Engine
import Foundation

extension RunSummary {
  /// One line for machines: seconds, bytes and counts of the run and of every rank.
  public var json: String {
    var object: [String: Any] = [
      "output": outputPath, "wall_seconds": wall, "positions": positions, "selected_positions": selected,
      "bytes": bytes, "groups": groups.sorted(), "images": images,
      "masked_frames": masked, "warnings": warnings,
      "phases": phases.map { ["name": $0.name, "seconds": $0.seconds] as [String: Any] },
      "ranks": ranks.map(Self.object),
    ]
    if let bottleneck { object["bottleneck"] = bottleneck }
    if let dose {
      object["dose_electrons_per_pattern"] = dose.electronsPerPattern
      object["dose_electrons_per_square_angstrom"] = dose.electronsPerSquareAngstrom
      object["dose_source"] = dose.source
    }
    return Self.text(object)
  }

  /// What is stored with the results: as `json`, but of the ranks only the spread, so that it stays small.
  var stored: String {
    var object: [String: Any] = [
      "wall_seconds": wall, "positions": positions, "selected_positions": selected, "bytes": bytes,
      "masked_frames": masked, "bad_frames": ranks.reduce(0) { $0 + $1.badFrames }, "rank_count": ranks.count,
      "phases": phases.map { ["name": $0.name, "seconds": $0.seconds] as [String: Any] },
    ]
    for (name, seconds) in Self.parts {
      let spread = Spread(ranks.map(seconds))
      object["\(name)_seconds_min_median_max"] = [spread.smallest, spread.median, spread.largest]
    }
    if let bottleneck { object["bottleneck"] = bottleneck }
    return Self.text(object)
  }

  private static func text(_ object: [String: Any]) -> String {
    let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  private static func object(_ rank: PassStatistics) -> [String: Any] {
    [
      "read_seconds": rank.reading, "decode_seconds": rank.decoding, "kernel_seconds": rank.computing,
      "write_seconds": rank.writing, "wait_seconds": rank.waiting, "reduce_seconds": rank.reducing,
      "pass_seconds": rank.wall, "frames": rank.frames, "bytes": rank.bytes, "leaves": rank.leaves,
      "bad_frames": rank.badFrames, "masked_frames": rank.masked,
    ]
  }
}
