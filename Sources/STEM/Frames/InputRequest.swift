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
