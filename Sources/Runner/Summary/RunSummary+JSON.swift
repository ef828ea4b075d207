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
    var spreads: [String: [Double]] = [:]
    for (name, seconds) in Self.parts {
      let spread = Spread(ranks.map(seconds))
      spreads[name] = [spread.smallest, spread.median, spread.largest]
    }
    let summary = Stored(
      wallSeconds: wall, positions: positions, selectedPositions: selected, bytes: bytes, maskedFrames: masked,
      badFrames: ranks.reduce(0) { $0 + $1.badFrames }, rankCount: ranks.count,
      phaseSeconds: phases.map { Stored.Phase(name: $0.name, seconds: $0.seconds) }, rankSecondsMinMedianMax: spreads)
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(summary)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  private struct Stored: Encodable {
    struct Phase: Encodable {
      let name: String
      let seconds: Double
    }

    let wallSeconds: Double
    let positions: Int
    let selectedPositions: Int
    let bytes: Int
    let maskedFrames: Int
    let badFrames: Int
    let rankCount: Int
    let phaseSeconds: [Phase]
    let rankSecondsMinMedianMax: [String: [Double]]
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
