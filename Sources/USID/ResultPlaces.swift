import STEM

/// Where the objects of a run lie in its file: what the writers on all ranks need. Made on one rank and broadcast.
public struct ResultPlaces: Sendable, Codable, Equatable {
  public struct Output: Sendable, Codable, Equatable {
    public var name: String
    /// Of the dataset in the file.
    public var path: String
    public var kind: OutputKind
    public var element: STEM.ElementType
    /// Positions (or 1) and values of each (or 1).
    public var rows: Int
    public var columns: Int
  }

  public struct Group: Sendable, Codable, Equatable {
    public var analysis: String
    /// The number behind the group's name.
    public var index: Int
    public var path: String
    public var pass: Int
    public var outputs: [Output]
  }

  /// The frames of a scan that is written.
  public struct Frames: Sendable, Codable, Equatable {
    public var path: String
    public var pixelType: PixelType
    public var positions: Int
    public var pixels: Int
  }

  /// An attribute that `ResultFile.finish` overwrites in place; `room` in bytes for a text, 0 for anything else.
  struct Pending: Sendable, Codable, Equatable {
    var key: String
    var room: Int
  }

  /// `/Measurement_000`.
  public var measurement: String
  public var groups: [Group] = []
  /// The `completed_positions` of each pass, by `ResultGroupLayout.pass`.
  public var completed: [Int: String] = [:]
  /// The `bad_frames` of each pass.
  public var badFrames: [Int: String] = [:]
  public var frames: Frames?
  var pending: [Pending] = []
}
