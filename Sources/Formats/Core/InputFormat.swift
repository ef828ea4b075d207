import STEM

/// One input format: a folder in this room and a line in the registry.
public protocol InputFormat: Sendable {
  /// What only this format is told about an input. Keys of the job, options of the command line, schema and docs follow.
  associatedtype Options: FormatOptions = NoOptions
  /// What opening an input finds.
  associatedtype Layout: InputLayout
  /// As in `input.format` and in the output's provenance: `npy`.
  static var name: String { get }
  /// One line for people.
  static var summary: String { get }
  /// In lower case, without the dot.
  static var suffixes: [String] { get }
  /// Whether its files can hold several arrays, of which `input.dataset` names one.
  static var holdsDatasets: Bool { get }
  /// Whether its files never say how frames lie on the scan: `input.scan_shape` is required.
  static var needsScanShape: Bool { get }
  static func recognizes(_ probe: FileProbe) -> Bool
  /// Reads the headers, checks them against the file's size. Throws `Problem` or `Problems`.
  static func open(_ request: InputRequest, _ options: Options, probe: FileProbe) throws -> Layout
}

extension InputFormat {
  public static var holdsDatasets: Bool { false }
  public static var needsScanShape: Bool { false }

  /// Opens an input once every key that was given for it is one that the format takes. Throws `Problem` or `Problems`.
  static func open(_ request: InputRequest, probe: FileProbe) throws -> OpenedInput {
    try refuseForeignKeys(request)
    return OpenedInput(format: name, layout: try open(request, try options(request), probe: probe))
  }

  static func layout(from decoder: any Decoder) throws -> any InputLayout { try Layout(from: decoder) }
}

/// Everything that readers of an input need to know before they open it: found once, on one rank, and coded for the others.
public protocol InputLayout: Codable, Sendable {
  /// Does not touch the file.
  var source: any FrameSource { get }
}

/// An input as one rank found it; the others make their readers from the coded form, without looking for themselves.
public struct OpenedInput: Codable, Sendable {
  let format: String
  let layout: any InputLayout
  private enum Key: CodingKey { case format, layout }

  init(format: String, layout: any InputLayout) { (self.format, self.layout) = (format, layout) }

  public init(from decoder: any Decoder) throws {
    let coded = try decoder.container(keyedBy: Key.self)
    let name = try coded.decode(String.self, forKey: .format)
    guard let type = formatRegistry.first(where: { $0.name == name }) else {
      throw Problem(.internalError, "no format \(name)")
    }
    format = name
    layout = try type.layout(from: try coded.superDecoder(forKey: .layout))
  }

  public func encode(to encoder: any Encoder) throws {
    var coded = encoder.container(keyedBy: Key.self)
    try coded.encode(format, forKey: .format)
    try layout.encode(to: coded.superEncoder(forKey: .layout))
  }

  public var source: any FrameSource { layout.source }
}

/// The options of a format, declared as the parameters of an analysis are.
public protocol FormatOptions: Sendable {
  init()
  static var parameters: [Parameter<Self>] { get }
}

/// For formats whose files say everything.
public struct NoOptions: FormatOptions {
  public static let parameters: [Parameter<NoOptions>] = []
  public init() {}
}

/// A key of `input:` that any format may be given.
enum InputKey {
  case dataset, format, scanShape
  case option(String)

  /// As the job file spells it: `input.scan_shape`.
  var place: String {
    switch self {
    case .dataset: "input.dataset"
    case .format: "input.format"
    case .scanShape: "input.scan_shape"
    case .option(let name): "input.\(name)"
    }
  }
}

extension InputRequest {
  /// The scan shape for `frames` frames stored as `stored` (nil: the file does not say): what the user gave, which must
  /// multiply out, otherwise the file's. Throws `Problem` (`.badData`) at `input.scan_shape`.
  func resolvedScanShape(frames: Int, stored: Shape?) throws -> Shape? {
    guard let wanted = scanShape else { return stored }
    let (product, overflow) = wanted.y.multipliedReportingOverflow(by: wanted.x)
    guard wanted.y > 0, wanted.x > 0, !overflow, product == frames else {
      let given = overflow || wanted.y <= 0 || wanted.x <= 0 ? "" : " = \(product) positions"
      throw Problem(
        .badData, at: InputKey.scanShape.place,
        "\(wanted.text)\(given) given, but \(path) holds \(frames) frames"
          + (stored.map { " (\($0.text))" } ?? "") + "; the product must be \(frames)")
    }
    return wanted
  }
}
