import HDF5
import STEM

/// One dimension of a result.
public struct ResultDimension: Sendable, Codable, Equatable {
  public var name: String
  public var unit: String
  public var size: Int
  /// One a step along the dimension; not part of the coded form.
  public var values: [Double] = []

  enum CodingKeys: String, CodingKey { case name, unit, size }

  init(_ name: String, _ unit: String, _ values: [Double]) {
    self.name = name
    self.unit = unit
    self.values = values
    size = values.count
  }
}

/// One output in a file of results, as `info --json` lists it.
public struct ResultEntry: Sendable, Codable, Equatable {
  /// As in a job file; for files of other programs the Tool of the results group. Empty for a Main dataset that lies
  /// in no results group.
  public var analysis: String
  /// The number of the results group.
  public var index: Int
  public var output: String
  /// Of the dataset in the file.
  public var path: String
  public var kind: OutputKind
  /// As NumPy names it: `float32`, `complex64`, `int32`; a description for what NumPy does not have.
  public var element: String
  /// The N-dimensional form, slow first, without the `arb` dimension of single positions and values.
  public var shape: [Int]
  /// One an entry of `shape`.
  public var dimensions: [ResultDimension]
  /// Names of the fields of a compound; empty for plain numbers.
  public var components: [String]
  /// Of a table: one a step of the last dimension.
  public var columns: [TableColumn]?
  public var quantity: String
  public var unit: String
}

/// A Main dataset of a file, with what its attributes say.
public struct StoredResult: Sendable {
  public var entry: ResultEntry
  /// What an element is in the file.
  public var element: HDF5.ElementType
  /// Whether zero is in the middle of the color scale.
  public var signed: Bool
  public var summary: String
  /// All attributes but references, by name.
  public var attributes: [(key: String, value: Setting)]
  /// Whether the numbers are names of classes.
  public var categorical: Bool { own("categorical") == .bool(true) }
  /// What one value is; nil for types that Ronchi does not write.
  public var outputElement: STEM.ElementType? { STEM.ElementType(element) }
  /// The results group, or the group around the dataset.
  public var groupPath: String
  /// Parameters, calibration and provenance, by name.
  public var groupAttributes: [(key: String, value: Setting)]
  /// How rows and columns become the N-dimensional form.
  let grids: GridPair

  /// An attribute of the dataset.
  func own(_ name: String) -> Setting? { attributes.first { $0.key == name }?.value }

  /// A value of the results group or, where it has none, of the dataset.
  public subscript(name: String) -> Setting? {
    groupAttributes.first { $0.key == name }?.value ?? own(name)
  }
}

struct GridPair: Sendable {
  var position: Grid
  var spectroscopic: Grid
}
