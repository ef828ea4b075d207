/// What is in an input: everything a plan needs before the first frame is read.
public struct SourceDescription: Sendable, Codable {
  /// Registry name of the format: `h5usid`, `emd`, `hspy`, `hdf5`, `npy`, `raw`, `mib`.
  public var format: String
  /// The file that holds the frames, as the user named it where that is the one.
  public var path: String
  /// Every file that is read: the one that the user named, those that its links lead to, header files beside it.
  public var files: [String]
  /// Dataset inside the file, for formats that have them.
  public var dataset: String?
  /// nil where neither the file nor the request gives the scan shape.
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
  @CodedPairs public var metadata: [(key: String, value: String)] = []
  /// What a pixel is: `Electron counts`, `counts`.
  public var quantity: String = "Intensity"
  public var unit: String = "counts"

  public init(
    format: String, path: String, dataset: String? = nil, scanShape: Shape?, frameCount: Int, detectorShape: Shape,
    pixelType: PixelType, byteOrder: ByteOrder = .little
  ) {
    self.format = format
    self.path = path
    files = [path]
    self.dataset = dataset
    self.scanShape = scanShape
    self.frameCount = frameCount
    self.detectorShape = detectorShape
    self.pixelType = pixelType
    self.byteOrder = byteOrder
  }

  /// Bytes that are read for a position, where frames are not what is stored: cropped, or sums of several.
  public var storedBytes: Int?

  /// Of the frames in memory.
  public var frameLayout: FrameLayout { FrameLayout(detectorShape, pixelType) }
  public var frameBytes: Int { frameLayout.bytes }
}

/// Pairs of texts in an order that counts, which can be coded.
@propertyWrapper public struct CodedPairs: Sendable, Codable {
  public var wrappedValue: [(key: String, value: String)]

  public init(wrappedValue: [(key: String, value: String)]) { self.wrappedValue = wrappedValue }

  public init(from decoder: any Decoder) throws {
    wrappedValue = try [[String]](from: decoder).compactMap { $0.count == 2 ? ($0[0], $0[1]) : nil }
  }

  public func encode(to encoder: any Encoder) throws {
    try wrappedValue.map { [$0.key, $0.value] }.encode(to: encoder)
  }
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
