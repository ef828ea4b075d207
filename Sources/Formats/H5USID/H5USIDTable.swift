import HDF5
import STEM

/// A dimension of the positions or of the observations of an h5USID main dataset.
struct H5USIDDimension: Sendable, Equatable {
  var label: String
  var unit: String
  var size: Int
  var step: Double?
  var origin: Double?

  /// `Y 64`.
  var text: String { "\(label) \(size)" }
}

/// The numbers of an ancillary dataset: a column for each dimension.
struct H5USIDColumns<Number> {
  var numbers: [Number]
  /// Points of each dimension.
  var count: Int
  var dimensions: Int
  /// Whether the numbers of a point are contiguous.
  var pointsFirst: Bool

  /// The numbers of a dimension, point by point, where they lie.
  func withColumn<Result>(_ dimension: Int, _ body: (Column) throws -> Result) rethrows -> Result {
    precondition(count > 0 && numbers.count >= count * dimensions)
    return try numbers.withUnsafeBufferPointer {
      try body(
        Column(
          first: $0.baseAddress! + (pointsFirst ? dimension : dimension * count),
          step: pointsFirst ? dimensions : 1, count: count))
    }
  }

  struct Column {
    let first: UnsafePointer<Number>
    let step: Int
    let count: Int

    subscript(point: Int) -> Number { first[point * step] }
  }

  subscript(dimension: Int, point: Int) -> Number {
    withColumn(dimension) { $0[point] }
  }
}

/// What an ancillary pair of indices and values says: the dimensions, fastest first, those of size 1 left out.
struct H5USIDTable: Sendable {
  private(set) var fastestFirst: [H5USIDDimension] = []
  private(set) var notes: [String] = []

  /// - Parameters:
  ///   - indices: index of every point along every dimension
  ///   - values: likewise; nil where there are none
  /// Throws `Problem` (`.badData`, place empty) for a grid that is not complete and regular.
  init(
    indices: H5USIDColumns<Int>, values: H5USIDColumns<Double>?, labels: [String], units: [String]
  ) throws {
    let count = indices.count
    var found: [Dimension] = []
    for number in 0..<indices.dimensions where count > 0 {
      if let dimension = indices.withColumn(number, { Dimension(number, $0) }) { found.append(dimension) }
    }
    // The column that changes first is the fastest.
    found.sort { $0.change < $1.change }
    let names = found.map { "\(Self.label(labels, $0.number)) (\($0.size))" }.joined(separator: ", ")
    // Stops growing behind `count`: many columns of a damaged table would overflow.
    guard found.reduce(1, { $0 > count ? $0 : $0 * $1.size }) == count else {
      throw Problem(
        .badData,
        "incomplete grid: the dimensions \(names) do not multiply to the \(count) points; only complete grids are read: "
          + "write the missing points, or remove the incomplete rows")
    }
    var period = 1
    for dimension in found {
      if let irregular = indices.withColumn(dimension.number, { dimension.firstIrregular($0, period) }) {
        throw Problem(
          .badData,
          "irregular grid: point \(irregular) (counted from 0) has index \(indices[dimension.number, irregular]) "
            + "of \(Self.label(labels, dimension.number)), out of step with the points before; only raster order of "
            + "\(names) is read: sort the points")
      }
      period *= dimension.size
    }
    for (place, dimension) in found.enumerated() {
      let period = found[..<place].reduce(1) { $0 * $1.size }
      let ticks = values.map { values in (0..<dimension.size).map { values[dimension.number, $0 * period] } }
      fastestFirst.append(described(dimension.number, dimension.size, ticks, labels, units))
    }
  }

  /// A column of indices that change.
  private struct Dimension {
    let number: Int
    /// The first point with another index than point 0.
    let change: Int
    /// The indices that occur, ascending.
    let distinct: [Int]
    var size: Int { distinct.count }

    /// nil for a column of one index.
    init?(_ number: Int, _ column: H5USIDColumns<Int>.Column) {
      guard let change = (0..<column.count).first(where: { column[$0] != column[0] }) else { return nil }
      self.number = number
      self.change = change
      distinct = Self.distinct(column)
    }

    /// A set of a million positions would take longer than the rest of the plan.
    private static func distinct(_ column: H5USIDColumns<Int>.Column) -> [Int] {
      var (low, high) = (column[0], column[0])
      for point in 1..<column.count { (low, high) = (min(low, column[point]), max(high, column[point])) }
      let (span, isHuge) = high.subtractingReportingOverflow(low)
      guard !isHuge, span < 2 * column.count else { return Set((0..<column.count).map { column[$0] }).sorted() }
      var isThere = [Bool](repeating: false, count: span + 1)
      for point in 0..<column.count { isThere[column[point] - low] = true }
      return isThere.indices.filter { isThere[$0] }.map { $0 + low }
    }

    /// The first point i whose index is not number i / period mod size of those that occur.
    func firstIrregular(_ column: H5USIDColumns<Int>.Column, _ period: Int) -> Int? {
      var start = 0
      while start < column.count {
        let wanted = distinct[start / period % size], end = min(start + period, column.count)
        for point in start..<end where column[point] != wanted { return point }
        start = end
      }
      return nil
    }
  }

  private static func label(_ labels: [String], _ number: Int) -> String {
    number < labels.count && !labels[number].isEmpty ? labels[number] : "dimension \(number)"
  }

  private mutating func described(
    _ number: Int, _ size: Int, _ ticks: [Double]?, _ labels: [String], _ units: [String]
  ) -> H5USIDDimension {
    let label = Self.label(labels, number)
    var result = H5USIDDimension(label: label, unit: number < units.count ? units[number] : "", size: size)
    guard let ticks else { return result }
    if let (origin, step) = evenSpacing(ticks) {
      (result.origin, result.step) = (origin, step)
    } else {
      notes.append("the values of \(label) are missing or not evenly spaced: no step taken from them")
    }
    return result
  }
}

/// A main dataset of an h5USID file.
struct H5USIDMain: Sendable {
  var entry: HDF5Entry
  var positions: H5USIDTable
  var observations: H5USIDTable
  var quantity: String?
  var unit: String?

  static let references = ["Position_Indices", "Position_Values", "Spectroscopic_Indices", "Spectroscopic_Values"]

  /// Frames at positions: at least a line of positions, and two detector axes.
  var isScan: Bool { observations.fastestFirst.count == 2 && (1...2).contains(positions.fastestFirst.count) }

  var line: String {
    "\(entry.path) (\(Self.text(positions)) × \(Self.text(observations)), \(entry.typeText))"
  }

  private static func text(_ table: H5USIDTable) -> String {
    let dimensions = table.fastestFirst.reversed().map(\.text)
    return dimensions.isEmpty ? "one point" : "[\(dimensions.joined(separator: ", "))]"
  }

  /// Those that mean to be main datasets: they have at least one of the references.
  static func meant(_ entries: [HDF5Entry]) -> [HDF5Entry] {
    var meant: [HDF5Entry] = []
    for (name, group) in Dictionary(grouping: entries, by: \.place.file).sorted(by: { $0.key < $1.key }) {
      meant +=
        (try? withHDF5(name) { file in
          group.filter { entry in references.contains { file.hasAttribute($0, of: entry.place.path) } }
        }) ?? []
    }
    return meant
  }

  /// Reads the ancillary datasets. Throws `Problem` (`.badData`) at the dataset, saying which rule it breaks.
  /// - Parameter tables: those of other main datasets, which often share theirs
  init(_ entry: HDF5Entry, input: String, tables: inout [String: H5USIDTable]) throws {
    self.entry = entry
    let place = "\(input):\(entry.path)"
    do {
      (positions, observations, quantity, unit) = try withHDF5(entry.place.file) { file in
        guard entry.shape.count == 2 else {
          throw Problem(
            .badData,
            "has \(entry.shape.count) dimensions (\(entry.shapeText)); a main dataset has two, positions × "
              + "observations; read it as it is with input.format: hdf5 and input.dataset")
        }
        let path = entry.place.path
        return (
          try Self.table(file, entry, "Position", &tables), try Self.table(file, entry, "Spectroscopic", &tables),
          file.attribute("quantity", of: path)?.string, file.attribute("units", of: path)?.string
        )
      }
    } catch let problem as Problem {
      throw Problem(problem.code, at: place, problem.message)
    }
  }

  private static func table(
    _ file: borrowing HDF5.File, _ entry: HDF5Entry, _ kind: String, _ tables: inout [String: H5USIDTable]
  ) throws -> H5USIDTable {
    let pointsFirst = kind == "Position", count = entry.shape[pointsFirst ? 0 : 1]
    let indicesPath = try target(file, entry, "\(kind)_Indices")
    let valuesPath = try target(file, entry, "\(kind)_Values")
    let key = [entry.place.file, kind, indicesPath, valuesPath, "\(count)"].joined(separator: "\n")
    if let known = tables[key] { return known }
    let indices: H5USIDColumns<Int> = try columns(file, indicesPath, "\(kind)_Indices", count, pointsFirst)
    let values: H5USIDColumns<Double> = try columns(file, valuesPath, "\(kind)_Values", count, pointsFirst)
    let dimensions = indices.dimensions
    guard values.dimensions == dimensions else {
      throw Problem(
        .badData,
        "\(kind)_Values has \(values.dimensions) dimensions, \(kind)_Indices \(dimensions); both must be equal")
    }
    let labels = file.attribute("labels", of: indicesPath)?.strings ?? file.attribute("labels", of: valuesPath)?.strings
    let units = file.attribute("units", of: valuesPath)?.strings ?? file.attribute("units", of: indicesPath)?.strings
    do {
      // Lists of another length say nothing reliable about which dimension is which.
      let table = try H5USIDTable(
        indices: indices, values: values, labels: labels?.count == dimensions ? labels ?? [] : [],
        units: units?.count == dimensions ? units ?? [] : [])
      tables[key] = table
      return table
    } catch let problem as Problem { throw Problem(problem.code, "\(kind)_Indices: \(problem.message)") }
  }

  private static func target(_ file: borrowing HDF5.File, _ entry: HDF5Entry, _ name: String) throws -> String {
    guard let value = file.attribute(name, of: entry.place.path) else {
      throw Problem(.badData, "the reference \(name) is missing or unreadable; a main dataset has all four")
    }
    // pyUSID accepts a path in place of a reference.
    let path = value.reference ?? value.string ?? ""
    guard !path.isEmpty, (try? file.exists(path)) == true, try file.kind(of: path) == .dataset else {
      throw Problem(.badData, "the reference \(name) leads to no dataset; a main dataset refers to four")
    }
    return path
  }

  private static func columns<Number: HDF5Number>(
    _ file: borrowing HDF5.File, _ path: String, _ name: String, _ count: Int, _ pointsFirst: Bool
  ) throws -> H5USIDColumns<Number> {
    let dataset = try file.openDataset(path)
    let shape = dataset.shape
    guard shape.count == 2, dataset.elementType.number != nil, shape[pointsFirst ? 0 : 1] == count,
      (1...16).contains(shape[pointsFirst ? 1 : 0])
    else {
      let needed =
        pointsFirst
        ? "\(count) × dimensions, a row for every position"
        : "dimensions × \(count), a column for every observation"
      throw Problem(
        .badData,
        "\(name) is \(shape.map(String.init).joined(separator: " × ")) \(dataset.elementType); needed are numbers, "
          + "\(needed), 1 to 16 dimensions")
    }
    return H5USIDColumns(
      numbers: try dataset.values(), count: count, dimensions: shape[pointsFirst ? 1 : 0], pointsFirst: pointsFirst)
  }
}
