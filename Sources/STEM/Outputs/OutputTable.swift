/// A named column of numbers in a table.
public struct TableColumn: Sendable, Codable, Equatable {
  public var name: String
  public var unit: String

  public init(_ name: String, unit: String) {
    self.name = name
    self.unit = unit
  }
}

/// A list of at most `rows` things for every scan position, such as Bragg peaks: as many numbers each as there are
/// columns. Its place in the file is as large as the longest list, so that it is laid out before the first frame.
///
/// Two outputs make a table: the numbers, scan × rank × column, NaN behind the end of a list; and the map
/// `NAME_count` with the length of each list.
public struct OutputTable: Sendable {
  public var numbers: OutputDescription
  public var count: OutputDescription

  /// - Parameters:
  ///   - rows: length of the longest list
  ///   - quantity: what a row of the table describes: `Bragg peak`
  ///   - element: `float32` or `float64`
  public init(
    _ name: String, rows: Int, columns: [TableColumn], quantity: String, element: ElementType = .float64,
    _ summary: String
  ) {
    numbers = OutputDescription(
      name, rows: .scan, columns: .axes([.counted("rank", rows), .counted("column", columns.count)]),
      quantity: quantity, unit: "", element: element, summary)
    numbers.kind = .table
    numbers.attributes = [
      (Self.columnNames, .list(columns.map { .text($0.name) })),
      (Self.columnUnits, .list(columns.map { .text($0.unit) })), ("count", .text(name + "_count")),
    ]
    count = OutputDescription(
      name + "_count", .map, quantity: "Count", unit: "", element: .int32, "Rows of \(name) that are in use.")
  }

  public var outputs: [OutputDescription] { [numbers, count] }

  /// Attributes of the numbers.
  public static let columnNames = "column_names"
  public static let columnUnits = "column_units"
}
