import HDF5
import STEM

/// The indices and values of one side of a Main dataset.
struct AncillaryPair {
  let indices: String
  let values: String
}

extension AxisSet {
  /// The index of every point along every axis, in the shape of the dataset: (points, axes) for positions, (axes,
  /// points) for the spectroscopic side.
  func indexTable() -> [UInt32] {
    var table = [UInt32](repeating: 0, count: count * axes.count)
    fill { axis, point, index in table[place(axis, point)] = UInt32(index) }
    return table
  }

  func valueTable() -> [Float] {
    var table = [Float](repeating: 0, count: count * axes.count)
    let values = axes.map { $0.values.map { Float($0) } }
    fill { axis, point, index in table[place(axis, point)] = values[axis][index] }
    return table
  }

  var tableShape: [Int] { side == .position ? [count, axes.count] : [axes.count, count] }

  private func place(_ axis: Int, _ point: Int) -> Int {
    side == .position ? point * axes.count + axis : axis * count + point
  }

  private func fill(_ body: (_ axis: Int, _ point: Int, _ index: Int) -> Void) {
    var stride = 1
    for (axis, size) in axes.map(\.values.count).enumerated() {
      for point in 0..<count { body(axis, point, point / stride % size) }
      stride *= size
    }
  }

  /// The pair of these axes in a channel: one that is there already, or a new one.
  func write(in file: borrowing File, channel: String, _ bookkeeping: Bookkeeping) throws -> AncillaryPair {
    for attempt in 0... {
      let name = attempt == 0 ? base : Names.numbered(base, attempt)
      let pair = AncillaryPair(indices: "\(channel)/\(name)_Indices", values: "\(channel)/\(name)_Values")
      guard try file.exists(pair.indices) || file.exists(pair.values) else {
        try create(pair, in: file, bookkeeping)
        return pair
      }
      if try matches(pair, in: file) { return pair }
    }
    preconditionFailure("an open range has no end")
  }

  private func create(_ pair: AncillaryPair, in file: borrowing File, _ bookkeeping: Bookkeeping) throws {
    let indices = try file.createDataset(pair.indices, shape: tableShape, of: .u32)
    try indices.write(indexTable())
    try describe(indices, bookkeeping)
    let values = try file.createDataset(pair.values, shape: tableShape, of: .f32)
    try values.write(valueTable())
    try describe(values, bookkeeping)
  }

  private func describe(_ dataset: borrowing Dataset, _ bookkeeping: Bookkeeping) throws {
    try dataset.setAttribute("labels", axes.map(\.name))
    try dataset.setAttribute("units", axes.map(\.unit))
    var sheet = AttributeSheet()
    sheet.add(bookkeeping.attributes, prefix: "")
    try sheet.write(to: dataset)
  }

  private func matches(_ pair: AncillaryPair, in file: borrowing File) throws -> Bool {
    guard try file.exists(pair.indices), try file.exists(pair.values) else { return false }
    let indices = try file.openDataset(pair.indices)
    let values = try file.openDataset(pair.values)
    guard indices.shape == tableShape, values.shape == tableShape else { return false }
    guard try describes(indices), try describes(values) else { return false }
    return try indices.values(as: UInt32.self) == indexTable() && values.values(as: Float.self) == valueTable()
  }

  private func describes(_ dataset: borrowing Dataset) throws -> Bool {
    try dataset.attribute("labels") == .strings(axes.map(\.name))
      && dataset.attribute("units") == .strings(axes.map(\.unit))
  }
}
