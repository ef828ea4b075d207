import STEM

/// Where the frames of a flat file lie: records at equal distances, a frame's bytes inside each.
///
///     |<- offset ->|<- lead ->|<- stored ->| … |<- lead ->|<- stored ->| …
///                  |<------- stride ---------->|
struct FlatLayout: Sendable, Equatable, Codable {
  /// First byte of the first record.
  var offset: Int
  /// Bytes of a record before its frame: a frame header.
  var lead = 0
  /// Bytes of a frame in the file.
  var stored: Int
  /// From one record to the next.
  var stride: Int
  var frames: Int

  /// The byte behind the last frame. Overflow is excluded by `checkedEnd`.
  var end: Int { frames == 0 ? offset : offset + (frames - 1) * stride + lead + stored }

  /// `end`, or nil where the numbers do not fit 64 bits.
  var checkedEnd: Int? {
    let (body, overflow1) = max(0, frames - 1).multipliedReportingOverflow(by: stride)
    let (start, overflow2) = body.addingReportingOverflow(offset)
    let (record, overflow3) = lead.addingReportingOverflow(stored)
    let (end, overflow4) = start.addingReportingOverflow(record)
    return overflow1 || overflow2 || overflow3 || overflow4 ? nil : end
  }

  /// The bytes of the records of a range of frames, without what follows the last frame.
  func bytes(of frames: Range<Int>) -> Range<Int> {
    let start = offset + frames.lowerBound * stride
    return start..<start + (frames.count - 1) * stride + lead + stored
  }

  /// The frame whose record contains an offset.
  func frame(at byte: Int) -> Int { min(max(0, (byte - offset) / stride), max(0, frames - 1)) }

  /// Throws `Problem` (`.badData`) when a file of `size` bytes does not hold all frames: names the first missing one.
  func check(path: String, size: Int) throws {
    guard let end = checkedEnd, end <= size else {
      let complete = size < offset + lead + stored ? 0 : (size - offset - lead - stored) / stride + 1
      throw Problem(
        .badData, at: path,
        "the file is too short: \(frames) frames of \(stored) bytes announced, "
          + (checkedEnd.map { "\($0) bytes expected" } ?? "more bytes than any file has")
          + ", \(size) found; frame \(complete) (counted from 0) is the first that is missing or incomplete; "
          + "copy the file again, or give the shape that it has")
    }
  }
}

/// How stored bytes become pixels in the native byte order.
enum FrameCoding: Sendable {
  /// As they are.
  case native
  case swapped
  /// By a function from a frame's stored bytes to its pixels.
  case decoded(@Sendable (_ stored: UnsafeRawPointer, _ pixels: UnsafeMutableRawPointer) -> Void)

  /// For plain pixels in the given order.
  static func plain(_ order: ByteOrder, _ pixel: PixelType) -> FrameCoding {
    let native: ByteOrder = 1.littleEndian == 1 ? .little : .big
    return order == native || pixel.size == 1 ? .native : .swapped
  }
}

/// Plain pixels at equal distances in a file, as far as headers and options tell.
struct FlatInput: InputLayout {
  var description: SourceDescription
  var layout: FlatLayout

  /// Throws `Problem` when a file of `size` bytes does not hold the frames.
  init(_ description: SourceDescription, _ layout: FlatLayout, size: Int) throws {
    try layout.check(path: description.path, size: size)
    (self.description, self.layout) = (description, layout)
  }

  var source: any FrameSource {
    FlatFileSource(description, layout: layout, coding: .plain(description.byteOrder, description.pixelType))
  }
}

/// A file whose frames are equally spaced.
struct FlatFileSource: FrameSource {
  private(set) var description: SourceDescription
  let layout: FlatLayout
  private(set) var coding: FrameCoding
  /// Looks at a record before its frame is delivered; what is wrong with it, or nil.
  var check: (@Sendable (_ record: UnsafeRawPointer) -> String?)?

  /// The caller has compared the layout with the file's size.
  init(
    _ description: SourceDescription, layout: FlatLayout, coding: FrameCoding,
    check: (@Sendable (UnsafeRawPointer) -> String?)? = nil
  ) {
    self.description = description
    self.layout = layout
    self.coding = coding
    self.check = check
  }

  var asStored: any FrameSource {
    guard coding.isSwapped, description.pixelType == .u16 else { return self }
    var stored = self
    stored.description.pixelType = .u16Swapped
    stored.coding = .native
    return stored
  }

  /// Of a frame, as stored or as handed out.
  var windowFrameBytes: Int { max(layout.stride, description.frameBytes) }

  var readerBytes: Int {
    let window = ReadWindow.bytes(of: windowFrameBytes)
    // A window as stored, and converted.
    return max(8 << 20, DirectFile.isFor(size: layout.end) ? DirectFile.bytes(window: window) + window : 2 * window)
  }

  func makeReader() throws -> any FrameReader {
    FlatFileReader(self, bytes: try openBytes(description.path, size: layout.end))
  }
}
