import STEM

/// An array of frames whose pixels do not lie together: steps in elements for every axis.
struct StridedLayout: Sendable, Equatable {
  /// The scan as stored; positions count through it row by row.
  var scan: Shape
  var scanSteps: Pair<Int>
  var detectorSteps: Pair<Int>

  static let tileBytes = 256 << 20

  /// Whole scan rows that fit 256 MiB, at least one: neighbouring positions share cache lines and pages of the file and
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

extension FrameCoding {
  var isSwapped: Bool { if case .swapped = self { true } else { false } }
}

/// A file whose frames must be gathered: NumPy's Fortran order.
struct StridedSource: FrameSource {
  let description: SourceDescription
  let offset: Int
  let strides: StridedLayout
  let swapped: Bool

  /// The caller has compared the layout with the file's size.
  init(_ description: SourceDescription, offset: Int, strides: StridedLayout, swapped: Bool) {
    self.description = description
    self.offset = offset
    self.strides = strides
    self.swapped = swapped
  }

  func makeReader() throws -> any FrameReader {
    let size = offset + description.frameCount * description.frameBytes
    return StridedReader(self, bytes: try openBytes(description.path, size: size))
  }
}
