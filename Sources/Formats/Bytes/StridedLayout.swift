import STEM

/// An array of frames whose pixels are not contiguous: strides in elements for every axis.
struct StridedLayout: Sendable, Equatable, Codable {
  /// The scan as stored; positions count through it row by row.
  var scan: Shape
  var scanSteps: Pair<Int>
  var detectorSteps: Pair<Int>

  static let tileBytes = 256 << 20

  /// Whole scan rows that fit 256 MiB, at least one: neighboring positions share cache lines and pages of the file and
  /// gathering them together reads each of these once.
  static func tilePositions(scan: Shape, frameBytes: Int) -> Int {
    let affordable = max(1, tileBytes / frameBytes)
    guard affordable >= scan.x else { return affordable }
    return min(scan.count, min(65_536, affordable) / scan.x * scan.x)
  }

  /// Elements from the array's start to the first pixel of a frame.
  func element(ofPosition position: Int) -> Int {
    position / scan.x * scanSteps.y + position % scan.x * scanSteps.x
  }
}

/// What is gathered at once.
struct StridedTile: Sendable, Equatable, Codable {
  /// Squares of this many positions × detector columns are transposed at a time.
  static let side = 32

  /// At most those that the description states as stored together.
  let positions: Int
  /// Detector columns for which a stretch of the file each is held.
  let columns: Int
  /// Private memory for both.
  let bytes: Int

  /// A tile that takes at most `bytes`, if one of a single frame does.
  init(_ about: SourceDescription, _ strides: StridedLayout, bytes most: Int) {
    // A stretch spans the positions of a tile, which in a scan of several columns means nearly all; and its padding.
    let stretch = (strides.scan.count + 128) * about.pixelType.size
    // The tile's memory comes in pages of 2 MiB; beside it the order of its positions.
    let page = 2 << 20
    columns = max(1, min(Self.side, most / 4 / stretch))
    let left = max(0, most - columns * stretch - page)
    positions = max(1, min(about.chunkPositions, left / (about.frameBytes + 32)))
    bytes = positions * (about.frameBytes + 32) + page + columns * stretch
  }
}

extension FrameCoding {
  var isSwapped: Bool { if case .swapped = self { true } else { false } }
}

/// A file whose frames must be gathered: NumPy's Fortran order.
struct StridedSource: FrameSource, Codable {
  let description: SourceDescription
  let offset: Int
  let strides: StridedLayout
  let swapped: Bool
  private(set) var tile: StridedTile

  /// The caller has compared the layout with the file's size.
  init(_ description: SourceDescription, offset: Int, strides: StridedLayout, swapped: Bool) {
    self.description = description
    self.offset = offset
    self.strides = strides
    self.swapped = swapped
    tile = StridedTile(description, strides, bytes: .max)
  }

  var readerBytes: Int { tile.bytes }

  func limited(to bytes: Int) -> any FrameSource {
    var copy = self
    copy.tile = StridedTile(description, strides, bytes: bytes)
    return copy
  }

  func makeReader() throws -> any FrameReader {
    let size = offset + description.frameCount * description.frameBytes
    return StridedReader(self, bytes: try openBytes(description.path, size: size))
  }
}
