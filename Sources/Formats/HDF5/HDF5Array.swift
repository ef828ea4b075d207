import HDF5
import STEM

/// A whole dataset as numbers, for masks and other small arrays.
/// Throws `Problem`: `.noInput`, `.badData` where there is no such dataset, it holds no numbers, or more than 2²⁷.
func loadHDF5Array(path: String, dataset: String) throws -> DenseArray {
  var request = InputRequest(path: path)
  request.dataset = dataset
  let entry: HDF5Entry
  do { entry = try request.namedEntry(dataset) } catch let problem as Problem {
    throw Problem(problem.code, at: problem.code == .badData ? path : problem.place, problem.message)
  }
  let place = "\(path):\(entry.path)"
  let count = entry.shape.reduce(1, *)
  guard count <= 1 << 27 else {
    throw Problem(.badData, at: place, "\(entry.shapeText) elements are too many for an array in memory; cut it")
  }
  switch entry.type {
  case .number, .boolean: break
  default: throw Problem(.badData, at: place, "the elements are \(entry.type); numbers are needed")
  }
  let values = try withHDF5(entry.place.file) { file in
    let dataset = try file.openDataset(entry.place.path)
    guard entry.type == .boolean else { return try dataset.values(as: Double.self) }
    try dataset.checkClaim(elements: count, size: 1)
    var flags = [UInt8](repeating: 0, count: count)
    let whole = dataset.whole
    try flags.withUnsafeMutableBytes { try dataset.read(whole, into: $0, as: .boolean) }
    return flags.map { $0 == 0 ? 0 : 1 }
  }
  return DenseArray(shape: entry.shape, values: values)
}
