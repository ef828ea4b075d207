/// What the user said about the input: what every format is told, and the options that single formats declare.
public struct InputRequest: Sendable, Hashable, Codable {
  public var path: String
  /// Forces a format by its registry name.
  public var format: String?
  /// The array inside the file, for formats whose files hold several.
  public var dataset: String?
  public var scanShape: Shape?
  /// Values as a job gives them, by the name of the option; the format that declares the option decodes it.
  public var options: [String: Setting] = [:]

  public init(path: String) { self.path = path }
}
