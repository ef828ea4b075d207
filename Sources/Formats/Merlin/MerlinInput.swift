import Foundation
import STEM

/// Frames with headers of their own, as far as the first header and the `.hdr` tell.
struct MerlinInput: InputLayout {
  let description: SourceDescription
  let layout: FlatLayout
  let first: MerlinHeader
  /// nil: pixels are plain big-endian integers.
  let raw: MerlinRaw?
  /// What all headers have in common where they are alike: size, dimensions, type; behind the number of the frame.
  let fixed: [UInt8]
  private static let fixedOffset = 10

  /// Throws `Problem` when the file does not hold the frames.
  init(_ file: MerlinFile, _ description: SourceDescription) throws {
    try file.layout.check(path: description.path, size: file.probe.size)
    self.description = description
    (layout, first, raw) = (file.layout, file.first, file.raw)
    fixed = Array(file.probe.head.dropFirst(Self.fixedOffset).prefix(26))
  }

  var source: any FrameSource {
    FlatFileSource(description, layout: layout, coding: coding, check: { check($0) })
  }

  private var coding: FrameCoding {
    guard let raw else { return .plain(.big, description.pixelType) }
    return .decoded { raw.decode($0, $1) }
  }

  /// Looks at a frame's header: bytes alike where the first one's are, otherwise parsed. What is wrong, or nil.
  private func check(_ record: UnsafeRawPointer) -> String? {
    let alike = fixed.withUnsafeBytes { memcmp($0.baseAddress!, record + Self.fixedOffset, fixed.count) } == 0
    if alike && memcmp(record, "MQ1,", 4) == 0 { return nil }
    do throws(MerlinHeaderError) {
      let header = try MerlinHeader(UnsafeRawBufferPointer(start: record, count: first.bytes))
      return header.matches(first) ? nil : "it has \(header.text), frame 0 has \(first.text)"
    } catch {
      return "its header \(error.text)"
    }
  }
}
