import Foundation
import STEM

/// The `.hdr` file that Merlin software writes beside a `.mib`: `Counter Depth (number):	6`, one line each. Helpful,
/// never required.
struct MerlinAcquisition: Sendable {
  /// nil where the text did not come from a file.
  var path: String?
  /// Keys without what stands in brackets, values without surrounding space.
  var entries: [(key: String, value: String)] = []

  static let magic = Array("HDR,".utf8)

  init(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let key = line[..<colon].prefix { $0 != "(" }.trimmingCharacters(in: .whitespaces)
      let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      if !key.isEmpty, !value.isEmpty, value.utf8.count < 4096 { entries.append((key, value)) }
    }
  }

  /// nil where there is no such file or it is no Merlin header.
  init?(path: String) {
    guard let file = FileHandle(forReadingAtPath: path), let data = try? file.read(upToCount: 1 << 16),
      data.starts(with: Self.magic)
    else { return nil }
    self.init(String(decoding: data, as: UTF8.self))
    self.path = path
  }

  subscript(key: String) -> String? { entries.first { $0.key.lowercased() == key.lowercased() }?.value }

  func number(_ key: String) -> Int? { self[key].flatMap { Int($0) } }

  /// The scan, where the software wrote it: `ScanX`, `ScanY`, or a trigger per line.
  func scanShape(frames: Int) -> Shape? {
    if let y = number("ScanY"), let x = number("ScanX"), y > 0, x > 0 {
      return y.multipliedReportingOverflow(by: x) == (frames, false) ? Shape(y, x) : nil
    }
    guard let line = number("Frames per Trigger"), line > 1, line < frames, frames % line == 0 else { return nil }
    return Shape(frames / line, line)
  }

  /// Why the frames cannot be taken as one per position: color modes and two counters give several.
  var severalFramesPerPosition: String? {
    if let mode = self["Chip Mode"], ["CM", "CSCM"].contains(mode.uppercased()) { return "Chip Mode \(mode) (color)" }
    if let counters = self["Active Counters"]?.lowercased(), counters.contains("both") || counters.contains("&") {
      return "Active Counters \(counters)"
    }
    return nil
  }

  /// What is worth keeping with results: no paths, no DAC tables.
  var metadata: [(key: String, value: String)] {
    entries.filter { !["DACs", "bpc File", "DAC File", "Flat Field File", "Dead Time File"].contains($0.key) }
  }
}
