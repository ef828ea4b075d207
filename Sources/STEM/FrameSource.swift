/// What is in an input: everything a plan needs before the first frame is read.
public struct SourceDescription: Sendable {
  /// Registry name of the format: `h5usid`, `emd`, `hspy`, `hdf5`, `npy`, `raw`, `mib`.
  public var format: String
  /// The file as the user named it.
  public var path: String
  /// Dataset inside the file, for formats that have them.
  public var dataset: String?
  /// nil where neither the file nor the request says how the frames lie on a scan.
  public var scanShape: Shape?
  public var frameCount: Int
  public var detectorShape: Shape
  public var pixelType: PixelType
  public var byteOrder: ByteOrder
  /// Consecutive positions that are stored together (a chunk); 1 where every frame can be read alone.
  public var chunkPositions: Int = 1
  /// One phrase for people: `contiguous`, `chunked [1, 16, 128, 128], gzip`.
  public var storage: String = "contiguous"
  public var calibration = Calibration()
  /// Pixel value at which the detector saturates, when it is below the type's largest.
  public var saturation: Double?
  /// What the reader did that a user must know: `detector rows in file order`, `axes reordered from X, Y, Qx, Qy`.
  public var notes: [String] = []
  /// Further metadata worth keeping, in file order.
  public var metadata: [(key: String, value: String)] = []
  /// What a pixel is: `Electron counts`, `counts`.
  public var quantity: String = "Intensity"
  public var unit: String = "counts"

  public init(
    format: String, path: String, dataset: String? = nil, scanShape: Shape?, frameCount: Int, detectorShape: Shape,
    pixelType: PixelType, byteOrder: ByteOrder = .little
  ) {
    self.format = format
    self.path = path
    self.dataset = dataset
    self.scanShape = scanShape
    self.frameCount = frameCount
    self.detectorShape = detectorShape
    self.pixelType = pixelType
    self.byteOrder = byteOrder
  }

  /// Bytes that are read for a position, where frames are not what is stored: cropped, or sums of several.
  public var storedBytes: Int?

  public var frameBytes: Int { detectorShape.count * pixelType.size }
}

/// An opened input. Immutable; readers made from it hold the file handles.
public protocol FrameSource: Sendable {
  var description: SourceDescription { get }
  /// Every rank makes its own. Throws `Problem`.
  func makeReader() throws -> any FrameReader
  /// The most private memory that a reader takes.
  var readerBytes: Int { get }
  /// The same frames, brought by readers that take at most `bytes`, or as little as the way they are stored allows. The
  /// description stays: it decides on blocks, and so on the bits of a result, which must not depend on memory.
  func limited(to bytes: Int) -> any FrameSource
  /// The same frames for kernels, which swap bytes themselves: pixels in the file's byte order, where their type has a
  /// name for that.
  var asStored: any FrameSource { get }
}

extension FrameSource {
  /// A few MiB, or twice what is stored together.
  public var readerBytes: Int { max(8 << 20, 2 * description.chunkPositions * description.frameBytes) }
  public func limited(to bytes: Int) -> any FrameSource { self }
  public var asStored: any FrameSource { self }
}

/// Frames of consecutive positions, at equal distances in memory: `detectorShape.count` pixels of the described type each,
/// row-major (y, x).
public struct FrameGroup {
  public let positions: Range<Int>
  public let first: UnsafeRawPointer
  /// From one frame to the next; a multiple of the pixel's size.
  public let strideBytes: Int

  public init(_ positions: Range<Int>, first: UnsafeRawPointer, strideBytes: Int) {
    self.positions = positions
    self.first = first
    self.strideBytes = strideBytes
  }

  public init(_ position: Int, _ frame: UnsafeRawPointer) {
    self.init(position..<position + 1, first: frame, strideBytes: 0)
  }

  /// How many frames are best taken together within `bytes`, or a little more: as many as kernels take at a time, which
  /// is eight or four, where four are at most 2 MiB.
  public static func frames(of frameBytes: Int, within bytes: Int) -> Int {
    let most = max(1, min(4, (2 << 20) / frameBytes), bytes / 8 * 9 / frameBytes)
    return most >= 8 ? most / 8 * 8 : min(most, 4)
  }

  public subscript(position: Int) -> UnsafeRawPointer { first + (position - positions.lowerBound) * strideBytes }

  public subscript(some: Range<Int>) -> FrameGroup {
    FrameGroup(some, first: self[some.lowerBound], strideBytes: strideBytes)
  }
}

/// Brings frames to the caller.
public protocol FrameReader: AnyObject {
  /// What `forEachGroup` will be asked for next: non-empty runs of positions, in ascending order. Readers may ignore it.
  func expect(_ runs: [Range<Int>])
  /// Hands out the frames of `positions` in ascending order, in groups as large as the way they are stored gives them
  /// without effort: what is copied, within what a core's cache holds. A group is valid during the call only; it may lie
  /// in mapped memory. Throws `Problem` naming file and frame.
  func forEachGroup(in positions: Range<Int>, _ body: (FrameGroup) throws -> Void) throws
  /// Seconds spent so far in undoing compression, which are part of the time of `forEachGroup`.
  var decodeSeconds: Double { get }
  /// Whether frames lie in a mapped file: their bytes come when a kernel touches them.
  var isMapped: Bool { get }
}

extension FrameReader {
  public var decodeSeconds: Double { 0 }
  public var isMapped: Bool { false }
  public func expect(_ runs: [Range<Int>]) {}

  /// Calls `body(position, frame)` for every position of `positions` in ascending order.
  public func forEachFrame(in positions: Range<Int>, _ body: (Int, UnsafeRawPointer) throws -> Void) throws {
    try forEachGroup(in: positions) { group in
      for position in group.positions { try body(position, group[position]) }
    }
  }
}

/// What the user said about the input; formats take what concerns them and refuse the rest with a `Problem`.
public struct InputRequest: Sendable {
  public var path: String
  public var dataset: String?
  public var scanShape: Shape?
  /// Forces a format by its registry name.
  public var format: String?
  /// Raw binary only.
  public var detectorShape: Shape?
  public var pixelType: PixelType?
  public var byteOrder: ByteOrder?
  /// Raw binary: bytes before the first frame.
  public var offset: Int?
  /// Raw binary: bytes between two frames (a footer or header that is dropped).
  public var gap: Int?

  public init(path: String) { self.path = path }
}
