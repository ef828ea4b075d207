import HDF5
import STEM

extension ResultCatalog {
  /// The values of an output in its N-dimensional form, `entry.shape`, slow first. NaN stands for the `missing_value` of
  /// integers.
  ///
  /// A complex output needs a `component`: `r` or `i`; other compounds are not read. Throws `Problem` 65.
  public func read(_ result: StoredResult, component: String? = nil) throws -> DenseArray {
    let place = "\(path):\(result.entry.path)"
    let flat = try using(path, .reading) {
      let file = try File(path)
      let dataset = try file.openDataset(result.entry.path)
      return try values(dataset, result, component, place)
    }
    let grids = result.grids
    guard grids.position.count * grids.spectroscopic.count == flat.count else {
      throw Problem(.badData, at: place, "\(flat.count) values do not fill \(result.entry.shape)")
    }
    return DenseArray(shape: result.entry.shape, values: arranged(flat, grids))
  }

  private func values(
    _ dataset: borrowing Dataset, _ result: StoredResult, _ component: String?, _ place: String
  ) throws -> [Double] {
    switch result.element {
    case .number:
      let values = try dataset.values(as: Double.self)
      guard case .integer(let missing)? = result.own("missing_value") else { return values }
      return values.map { $0 == Double(missing) ? .nan : $0 }
    case .complex:
      guard let component, let part = result.entry.components.firstIndex(of: component) else {
        throw Problem(.badData, at: place, "is complex; ask for component r or i")
      }
      let both = try dataset.doubles(of: .complex128)
      return stride(from: part, to: both.count, by: 2).map { both[$0] }
    default:
      throw Problem(.badData, at: place, "holds elements of type \(result.element); only numbers can be read")
    }
  }

  private func arranged(_ flat: [Double], _ grids: GridPair) -> [Double] {
    let (rows, columns) = (grids.position, grids.spectroscopic)
    guard rows.order != nil || columns.order != nil else { return flat }
    var result = flat
    for row in 0..<rows.count {
      let target = (rows.order?[row] ?? row) * columns.count
      for column in 0..<columns.count {
        result[target + (columns.order?[column] ?? column)] = flat[row * columns.count + column]
      }
    }
    return result
  }
}
