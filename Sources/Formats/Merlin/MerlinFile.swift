import Foundation
import STEM

/// A `.mib` whose first header was read.
struct MerlinFile {
  let probe: FileProbe
  let first: MerlinHeader
  let acquisition: MerlinAcquisition?
  let depth: Int?
  /// nil: pixels are plain big-endian integers.
  let raw: MerlinRaw?
  let layout: FlatLayout

  /// Checks the first and the last header and the file's size. Throws `Problem`.
  init(probe: FileProbe, first: MerlinHeader, acquisition: MerlinAcquisition?) throws {
    self.probe = probe
    self.first = first
    self.acquisition = acquisition
    depth = first.depth ?? acquisition?.number("Counter Depth").flatMap { [1, 6, 12, 24].contains($0) ? $0 : nil }
    raw = try Self.raw(first, depth: depth, path: probe.path)
    let stored = raw?.storedBytes ?? first.width * first.height * Self.plain(first.pixels).size
    layout = try Self.layout(probe, header: first, stored: stored)
    try refuseSeveralFramesPerPosition()
    try compareHeaders()
  }

  var shape: Shape { raw?.shape ?? Shape(first.height, first.width) }
  var pixelType: PixelType { raw?.pixelType ?? Self.plain(first.pixels) }

  private static func plain(_ pixels: MerlinHeader.Pixels) -> PixelType {
    switch pixels {
    case .u08, .raw: .u8
    case .u16: .u16
    case .u32: .u32
    }
  }

  private static func raw(_ header: MerlinHeader, depth: Int?, path: String) throws -> MerlinRaw? {
    guard header.pixels == .raw else { return nil }
    guard let depth else {
      throw Problem(
        .badData, at: path, "a RAW (R64) file whose headers do not say the counter depth; put the .hdr file beside it")
    }
    switch (header.width, header.chips) {
    case (MerlinRaw.chipWidth, 1): return MerlinRaw(chipHeight: header.height, chips: 1, depth: depth)
    case (4 * MerlinRaw.chipWidth, 4) where header.layout == "2x2" && header.height == MerlinRaw.chipWidth:
      return MerlinRaw(chipHeight: header.height, chips: 4, depth: depth)
    default:
      throw Problem(
        .badData, at: path,
        "RAW (R64) frames of \(header.chips) chips, \(header.layout), \(header.width) × \(header.height); readable are "
          + "one chip (256 wide) and 2x2 chips (1024 × 256); export the file as non-RAW")
    }
  }

  private static func layout(_ probe: FileProbe, header: MerlinHeader, stored: Int) throws -> FlatLayout {
    let record = header.bytes + stored
    let (frames, rest) = probe.size.quotientAndRemainder(dividingBy: record)
    guard rest == 0 else {
      throw Problem(
        .badData, at: probe.path,
        "the file is incomplete: frames of \(header.bytes) + \(stored) bytes, \((frames + 1) * record) bytes expected "
          + "for \(frames + 1), \(probe.size) found; frame \(frames) (counted from 0) is the first incomplete one; "
          + "copy the file again"
          + (frames == 0 ? "" : ", or cut it to \(frames * record) bytes to keep \(frames) frames"))
    }
    return FlatLayout(offset: 0, lead: header.bytes, stored: stored, stride: record, frames: frames)
  }

  private func refuseSeveralFramesPerPosition() throws {
    let color = first.colorMode.flatMap { Int($0) }.map { $0 != 0 } ?? false
    var reason = color ? "color mode \(first.colorMode ?? "")" : acquisition?.severalFramesPerPosition
    if reason == nil, layout.frames > 1 {
      let second = try header(ofFrame: 1)
      if second.counter != first.counter, second.time == first.time { reason = "two counters per exposure" }
    }
    guard let reason else { return }
    throw Problem(
      .badData, at: probe.path,
      "\(reason) stores several frames for one position, which cannot be read; export one counter or threshold")
  }

  private func compareHeaders() throws {
    for frame in Set([0, layout.frames - 1]).sorted() {
      let header = try header(ofFrame: frame)
      guard header.matches(first) else {
        throw Problem(
          .badData, at: probe.path,
          "frame \(frame) (counted from 0) has \(header.text), frame 0 has \(first.text); all must be alike; "
            + "split the file")
      }
    }
  }

  private func header(ofFrame frame: Int) throws -> MerlinHeader {
    let start = layout.offset + frame * layout.stride
    let bytes = try openBytes(probe.path, size: layout.end)
    let pointer = try bytes.bytes(start..<start + first.bytes, what: "the header of frame \(frame)", path: probe.path)
    return try withExtendedLifetime(bytes) {
      try MerlinFormat.header(
        UnsafeRawBufferPointer(start: pointer, count: first.bytes), path: probe.path, frame: frame)
    }
  }

  /// From the first frame's header, then the `.hdr`.
  var metadata: [(key: String, value: String)] {
    var entries: [(key: String, value: String)] = []
    if let time = first.time { entries.append(("First frame", time)) }
    if let exposure = first.exposure { entries.append(("Exposure (s)", exposure)) }
    entries.append(("Chips", "\(first.chips) (\(first.layout))"))
    if let depth { entries.append(("Counter depth (bit)", String(depth))) }
    return entries + (acquisition?.metadata ?? [])
  }
}
