import HDF5
import STEM

/// What is in a file of results: ours, or of any program that follows USID as far as its Main datasets go.
public struct ResultCatalog: Sendable {
  public let path: String
  /// Outputs in results groups, in the order of the file.
  public private(set) var results: [StoredResult] = []
  /// Main datasets elsewhere, such as the frames of a scan.
  public private(set) var others: [StoredResult] = []
  /// Of the file itself, by name.
  public private(set) var attributes: [(key: String, value: Setting)] = []

  /// Throws `Problem`: 66 where there is no such file, 65 where it is no readable HDF5 file.
  public init(_ path: String) throws {
    self.path = path
    let found = try using(path, .reading) {
      let file = try File(path)
      var walk = CatalogWalk(isOurs: try file.attribute("file_type")?.string?.hasPrefix("ronchi ") ?? false)
      try walk.visit("/", in: file)
      return (walk.found, try settings(of: file))
    }
    attributes = found.1
    results = found.0.filter { !$0.entry.analysis.isEmpty }
    others = found.0.filter { $0.entry.analysis.isEmpty }
  }

  /// For `info --json`.
  public var entries: [ResultEntry] { results.map(\.entry) }

  /// The results of an output; of the newest group where no index is asked for.
  public func result(analysis: String, output: String, index: Int? = nil) -> StoredResult? {
    let named = results.filter { $0.entry.analysis == analysis && $0.entry.output == output }
    guard let index else { return named.max { $0.entry.index < $1.entry.index } }
    return named.first { $0.entry.index == index }
  }

  /// Whether Ronchi wrote the file to hold results.
  public static func isResultFile(_ path: String) -> Bool {
    guard (try? File.isHDF5(path)) == true, let type = try? fileType(path) else { return false }
    return type == Names.resultFile
  }

  private static func fileType(_ path: String) throws -> String? {
    try File(path).attribute("file_type")?.string
  }
}

/// The attributes that a setting can hold.
func settings<Object: HDF5Object & ~Copyable>(of object: borrowing Object) throws -> [(key: String, value: Setting)] {
  try object.attributes().compactMap { attribute in
    switch attribute.value {
    case .reference, .references: nil
    default: Setting(attribute.value).map { (attribute.name, $0) }
    }
  }
}

/// Looks for Main datasets in every group once.
private struct CatalogWalk {
  let isOurs: Bool
  var found: [StoredResult] = []
  private var visited: Set<ObjectIdentity> = []
  private var grids: [String: Grid] = [:]

  init(isOurs: Bool) { self.isOurs = isOurs }

  mutating func visit(_ path: String, in file: borrowing File) throws {
    guard visited.insert(try file.identity(of: path)).inserted else { return }
    for child in try file.openGroup(path).children() {
      let inner = path == "/" ? "/\(child.name)" : "\(path)/\(child.name)"
      switch child.kind {
      case .group: try visit(inner, in: file)
      case .dataset:
        guard visited.insert(try file.identity(of: inner)).inserted else { continue }
        if let result = try result(inner, name: child.name, group: path, in: file) { found.append(result) }
      default: continue
      }
    }
  }

  /// nil for a dataset that is not Main.
  private mutating func result(
    _ path: String, name: String, group groupPath: String, in file: borrowing File
  ) throws -> StoredResult? {
    let dataset = try file.openDataset(path)
    guard dataset.shape.count == 2, dataset.count > 0 else { return nil }
    let paths = try MainDescription.references.compactMap { try dataset.attribute($0)?.reference }
    guard paths.count == 4, !paths.contains("") else { return nil }
    let group = try file.openGroup(groupPath)
    guard let grids = try grids(paths, of: dataset, group, in: file) else { return nil }
    return StoredResult(
      entry: try entry(dataset, name: name, group, grids), element: dataset.elementType,
      signed: try dataset.attribute("signed")?.bool ?? false, summary: try dataset.attribute("summary")?.string ?? "",
      attributes: try settings(of: dataset), groupPath: groupPath, groupAttributes: try settings(of: group),
      grids: grids)
  }

  private func entry(
    _ dataset: borrowing Dataset, name: String, _ group: borrowing Group, _ grids: GridPair
  ) throws -> ResultEntry {
    let groupName = group.path.split(separator: "/").last.map(String.init) ?? ""
    let (_, tool, index) = Names.resultsGroup(groupName) ?? ("", "", 0)
    let visible = [grids.position, grids.spectroscopic].filter { !$0.isSingle }.flatMap(\.dimensions)
    let dimensions = visible.isEmpty ? grids.spectroscopic.dimensions : visible
    let stored = try dataset.attribute("kind")?.string.flatMap(OutputKind.init)
    return ResultEntry(
      analysis: tool.isEmpty ? "" : try group.attribute("analysis")?.string ?? tool, index: index, output: name,
      path: dataset.path, kind: stored ?? kind(grids), element: dataset.elementType.numpyName,
      shape: dimensions.map(\.size), dimensions: dimensions, components: components(dataset.elementType),
      columns: try columns(of: dataset), quantity: try dataset.attribute("quantity")?.string ?? "",
      unit: try dataset.attribute("units")?.string ?? "")
  }

  /// nil where the ancillary datasets do not fit the Main dataset.
  private mutating func grids(
    _ paths: [String], of dataset: borrowing Dataset, _ group: borrowing Group, in file: borrowing File
  ) throws -> GridPair? {
    guard let rows = try grid(paths[0], paths[1], points: dataset.shape[0], isPosition: true, in: file),
      let columns = try grid(paths[2], paths[3], points: dataset.shape[1], isPosition: false, in: file)
    else { return nil }
    let scan = try group.attribute("scan_shape")?.doubles?.compactMap { Int(exactly: $0) }
    let detector = try group.attribute("detector_shape")?.doubles?.compactMap { Int(exactly: $0) }
    let table = try self.columns(of: dataset).map { [columns.count / max(1, $0.count), $0.count] }
    return GridPair(
      position: rows.widened(to: scan, ["Y", "X"]),
      spectroscopic: columns.widened(to: detector, ["Qy", "Qx"]).widened(to: table, ["rank", "column"]))
  }

  /// nil where the dataset is no table.
  private func columns(of dataset: borrowing Dataset) throws -> [TableColumn]? {
    guard let names = try dataset.attribute(OutputTable.columnNames)?.strings,
      let units = try dataset.attribute(OutputTable.columnUnits)?.strings, names.count == units.count
    else { return nil }
    return zip(names, units).map { TableColumn($0, unit: $1) }
  }

  /// nil where the datasets do not describe `points` points.
  private mutating func grid(
    _ indicesPath: String, _ valuesPath: String, points: Int, isPosition: Bool, in file: borrowing File
  ) throws -> Grid? {
    let key = "\(indicesPath)\0\(valuesPath)\0\(isPosition)\0\(points)"
    if let known = grids[key] { return known }
    let indices = try file.openDataset(indicesPath)
    let values = try file.openDataset(valuesPath)
    let shape = indices.shape
    guard shape.count == 2, shape == values.shape, shape[isPosition ? 0 : 1] == points, shape[isPosition ? 1 : 0] > 0,
      indices.elementType.number != nil, values.elementType.number != nil
    else { return nil }
    let axes = shape[isPosition ? 1 : 0]
    let labels = try indices.attribute("labels")?.strings ?? []
    let units = try indices.attribute("units")?.strings ?? []
    func rows<Value>(_ table: [Value]) -> [[Value]] {
      (0..<axes).map { axis in
        (0..<points).map { table[isPosition ? $0 * axes + axis : axis * points + $0] }
      }
    }
    let grid = Grid(
      labels: labels.count == axes ? labels : (0..<axes).map { "axis_\($0)" },
      units: units.count == axes ? units : Array(repeating: "", count: axes),
      indices: rows(try indices.values(as: Int.self)), values: rows(try values.values(as: Double.self)),
      isFastFirst: isOurs)
    grids[key] = grid
    return grid
  }

  /// What an output is where its file does not say.
  private func kind(_ grids: GridPair) -> OutputKind {
    if grids.spectroscopic.count == 1 { return .map }
    switch (grids.position.count == 1, grids.spectroscopic.dimensions.count) {
    case (true, 2): return .pattern
    case (true, 1): return .profile
    case (false, 1): return .perPositionProfile
    default: return .volume
    }
  }

  private func components(_ type: HDF5.ElementType) -> [String] {
    switch type {
    case .complex: ["r", "i"]
    case .compound(let members): members.map(\.name)
    default: []
    }
  }
}
