import HDF5
import STEM

/// A dataset of a file, as described by its header.
struct HDF5Entry: Sendable, Codable {
  /// As seen from the input: through links where there are any.
  var path: String
  var place: HDF5Place
  var shape: [Int]
  var type: HDF5.ElementType
  var layout: StorageLayout?

  var shapeText: String { shape.map(String.init).joined(separator: " × ") }
  /// `/data  64 × 64 × 128 × 128  u16`.
  var line: String { "\(path) (\(shapeText), \(typeText))" }
  var typeText: String { type.pixel.map { $0.0.numpyName } ?? "\(type)" }
}

extension HDF5.ElementType {
  /// The pixel type and byte order, for the types that detectors write; booleans count as u8.
  var pixel: (PixelType, ByteOrder)? {
    switch self {
    case .number(let number, let order):
      PixelType(rawValue: number.rawValue).map { ($0, order == .big ? .big : .little) }
    case .boolean: (.u8, .little)
    default: nil
    }
  }
}

extension StorageLayout {
  /// One phrase for people.
  var text: String {
    switch self {
    case .compact: "compact"
    case .contiguous: "contiguous"
    case .chunked(let shape, let filters):
      "chunked \(shape)" + (filters.isEmpty ? "" : ", " + filters.map(\.description).joined(separator: ", "))
    case .external(let files): "external (\(files.joined(separator: ", ")))"
    case .virtual: "virtual"
    }
  }
}

/// The datasets of an HDF5 file, for people who look for the right one: those behind links too, each once.
/// Throws `Problem` where the file cannot be read.
public func hdf5Contents(_ path: String) throws -> [(path: String, shape: [Int], type: String, storage: String)] {
  try HDF5Walk.entries(of: path).map { ($0.path, $0.shape, $0.typeText, $0.layout?.text ?? "unknown") }
}

/// Walks a file, every object once.
struct HDF5Walk {
  private let input: String
  private var seen: Set<HDF5Identity> = []
  private var entries: [HDF5Entry] = []

  /// HDF5 numbers a file anew each time it is opened, so the name stands for it.
  private struct HDF5Identity: Hashable {
    let file: String
    let address: UInt64
  }

  /// More objects than any file has that a person looks through.
  private static let mostObjects = 100_000

  private init(_ input: String) { self.input = input }

  static func entries(of path: String) throws -> [HDF5Entry] {
    var walk = HDF5Walk(path)
    // Links wait: an object is listed under its own name, where it has one.
    var links: [(String, HDF5Place, String)] = []
    try walk.visit(HDF5Place(file: path, path: "/"), as: "", &links)
    while !links.isEmpty {
      let (name, parent, child) = links.removeFirst()
      var resolver = HDF5LinkWalk(input: path)
      // A link that leads nowhere, or out of the folder, is no candidate; naming it gives the reason.
      guard let target = try? resolver.follow(parent, [child]) else { continue }
      try walk.visit(target, as: name, &links)
    }
    return walk.entries
  }

  private mutating func visit(
    _ place: HDF5Place, as name: String, _ links: inout [(String, HDF5Place, String)]
  ) throws {
    let file = try openHDF5(place.file)
    do { try visit(file, place, as: name, &links) } catch let error as HDF5Error {
      throw Problem(error, in: place.file)
    }
  }

  private mutating func visit(
    _ file: borrowing HDF5.File, _ place: HDF5Place, as name: String, _ links: inout [(String, HDF5Place, String)]
  ) throws {
    guard seen.count < Self.mostObjects,
      seen.insert(HDF5Identity(file: place.file, address: try file.identity(of: place.path).address)).inserted
    else { return }
    switch try file.kind(of: place.path) {
    case .dataset: try add(file, place, as: name)
    case .group:
      let group = try file.openGroup(place.path)
      for child in try group.children() {
        let path = "\(name)/\(child.name)"
        let inner = place.child(child.name)
        switch child.kind {
        case .group, .dataset: try visit(file, inner, as: path, &links)
        case .softLink, .externalLink: links.append((path, place, child.name))
        case .other: break
        }
      }
    case .other, .softLink, .externalLink: break
    }
  }

  private mutating func add(_ file: borrowing HDF5.File, _ place: HDF5Place, as name: String) throws {
    let dataset = try file.openDataset(place.path)
    guard !dataset.isNull else { return }
    let entry = HDF5Entry(
      path: name, place: place, shape: dataset.shape, type: dataset.elementType, layout: try? dataset.layout())
    if entry.fitsAddresses { entries.append(entry) }
  }
}

// MARK: - the one that is meant

extension HDF5Entry {
  /// Shape without the extra dimensions of size 1 that stand before scan and detector.
  var squeezedRank: Int {
    shape.count <= 4 ? shape.count : max(4, shape.count - shape.filter { $0 == 1 }.count)
  }

  /// Whether its bytes can be counted with 63 bits; a damaged header can claim anything.
  var fitsAddresses: Bool {
    shape.reduce(16 as Int?) { product, size in
      guard let product, case (let next, false) = product.multipliedReportingOverflow(by: size) else { return nil }
      return max(next, 1)
    } != nil
  }

  /// Whether it could be a scan: frames of at least 2 × 2 pixels of a type that detectors write.
  var isScanLike: Bool { isReadable && shape.suffix(2).allSatisfy { $0 > 1 } }

  /// Whether it can be read as a scan, perhaps of lines.
  var isReadable: Bool { type.pixel != nil && (3...4).contains(squeezedRank) && !shape.contains(0) }
}

extension InputRequest {
  /// The dataset that the user named. Throws `Problem` with the nearest names where there is none.
  func namedEntry(_ name: String) throws -> HDF5Entry {
    let path = name.hasPrefix("/") ? name : "/" + name
    do {
      let place = try HDF5Place.resolve(path, input: self.path)
      return try withHDF5(place.file) { file in
        guard try file.kind(of: place.path) == .dataset else {
          throw Problem(.badData, "\(path) is a group, not a dataset")
        }
        let dataset = try file.openDataset(place.path)
        let entry = HDF5Entry(
          path: path, place: place, shape: dataset.shape, type: dataset.elementType, layout: try? dataset.layout())
        guard entry.fitsAddresses else { throw Problem(.badData, "its shape \(entry.shapeText) is impossible") }
        return entry
      }
    } catch let problem as Problem where problem.code == .badData {
      let near = Self.nearest(to: path, in: self.path)
      throw Problem(
        .badData, at: InputKey.dataset.place,
        "\(name) given, but \(self.path) has no such dataset (\(problem.message)); \(near)")
    }
  }

  private static func nearest(to name: String, in path: String) -> String {
    let entries = ((try? HDF5Walk.entries(of: path)) ?? []).filter { !$0.shape.isEmpty }
    guard !entries.isEmpty else { return "the file holds no dataset" }
    let wanted = Array(name.lowercased())
    let ranked = entries.map { (editDistance(wanted, Array($0.path.lowercased())), $0) }
      .enumerated().sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }.map(\.element.1)
    let near = ranked.prefix(4).map(\.line).joined(separator: ", ")
    return "the nearest are \(near)"
  }
}

/// Smallest number of single-character edits (Levenshtein 1966).
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  var row = Array(0...b.count)
  for i in 0..<a.count {
    var diagonal = row[0]
    row[0] = i + 1
    for j in 0..<b.count {
      let substitution = diagonal + (a[i] == b[j] ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[b.count]
}
