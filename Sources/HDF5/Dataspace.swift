import CHDF5

/// A dataspace of fixed size; scalar for an empty shape. The corresponding C functions are `H5Screate_simple` and
/// `H5Screate`.
func dataspace(_ shape: [Int], on label: String) throws(HDF5Error) -> OwnedID {
  if shape.isEmpty { return OwnedID(try check("H5Screate", on: label) { H5Screate(H5S_SCALAR) }, H5Sclose) }
  let dimensions = shape.map { hsize_t($0) }
  return OwnedID(
    try check("H5Screate_simple", on: label) { H5Screate_simple(Int32(shape.count), dimensions, nil) }, H5Sclose)
}

/// The shape of a dataspace. The corresponding C function is `H5Sget_simple_extent_dims`.
func extent(of space: borrowing OwnedID, on label: String) throws(HDF5Error) -> [Int] {
  let id = space.id
  let rank = try check("H5Sget_simple_extent_ndims", on: label) { H5Sget_simple_extent_ndims(id) }
  var dimensions = [hsize_t](repeating: 0, count: Int(rank))
  try check("H5Sget_simple_extent_dims", on: label) { H5Sget_simple_extent_dims(id, &dimensions, nil) }
  return try dimensions.map { dimension throws(HDF5Error) in
    guard let size = Int(exactly: dimension) else {
      throw HDF5Error("H5Sget_simple_extent_dims", on: label, why: "the dimension \(dimension) is impossible")
    }
    return size
  }
}

/// Elements of a shape; the largest number where that does not fit; no allocation of that size succeeds.
func elementCount(_ shape: [Int]) -> Int {
  if shape.contains(0) { return 0 }
  return shape.reduce(1) { product, size in
    let (next, overflow) = product.multipliedReportingOverflow(by: size)
    return overflow ? Int.max : next
  }
}

/// A part of a dataset: along each dimension `count` blocks of `block` elements, `stride` apart, from `start` on.
public struct Hyperslab: Sendable, Equatable {
  public var start: [Int]
  public var count: [Int]
  public var stride: [Int]?
  public var block: [Int]?

  public init(start: [Int], count: [Int], stride: [Int]? = nil, block: [Int]? = nil) {
    self.start = start
    self.count = count
    self.stride = stride
    self.block = block
  }

  /// Selected elements along each dimension.
  public var shape: [Int] { block.map { zip(count, $0).map { $0 * $1 } } ?? count }

  /// Selected elements.
  public var elements: Int { elementCount(shape) }
}

/// The dataspaces of one transfer: what is selected in the file, and the same shape in memory. A memory space of the
/// same rank matters: HDF5 1.10 is a hundred times slower on chunked data with one of rank 1.
struct Selection: ~Copyable {
  let file: OwnedID
  let memory: OwnedID

  /// The corresponding C function is `H5Sselect_hyperslab`.
  init(_ slab: Hyperslab, of dataset: borrowing Dataset) throws(HDF5Error) {
    let location = dataset.location
    let rank = dataset.shape.count
    let parts = [slab.start, slab.count, slab.stride ?? slab.count, slab.block ?? slab.count]
    guard parts.allSatisfy({ $0.count == rank }) else {
      throw HDF5Error(
        "H5Sselect_hyperslab", on: location.label,
        why: "the selection has \(slab.start.count) dimensions, the dataset has \(rank)")
    }
    guard parts.allSatisfy({ $0.allSatisfy { $0 >= 0 } }) else {
      throw HDF5Error("H5Sselect_hyperslab", on: location.label, why: "the selection \(slab) is negative")
    }
    let file = try dataset.dataspace()
    let memory = try dataspace(slab.shape, on: location.label)
    if slab.elements == 0 {
      try check("H5Sselect_none", on: location.label) { min(H5Sselect_none(file.id), H5Sselect_none(memory.id)) }
    } else if rank > 0 {
      try Self.select(slab, in: file.id, of: dataset.shape, on: location.label)
    }
    self.file = file
    self.memory = memory
  }

  private static func select(_ slab: Hyperslab, in id: hid_t, of shape: [Int], on label: String) throws(HDF5Error) {
    for axis in shape.indices {
      let last = slab.start[axis] + (slab.count[axis] - 1) * (slab.stride?[axis] ?? slab.block?[axis] ?? 1)
      guard last + (slab.block?[axis] ?? 1) <= shape[axis] else {
        throw HDF5Error(
          "H5Sselect_hyperslab", on: label,
          why: "start \(slab.start), count \(slab.count) lies outside the shape \(shape)")
      }
    }
    let start = slab.start.map { hsize_t($0) }
    let count = slab.count.map { hsize_t($0) }
    let stride = (slab.stride ?? slab.block)?.map { hsize_t($0) }
    let block = slab.block?.map { hsize_t($0) }
    func pointer<R>(_ values: [hsize_t]?, _ body: (UnsafePointer<hsize_t>?) -> R) -> R {
      guard let values else { return body(nil) }
      return values.withUnsafeBufferPointer { body($0.baseAddress) }
    }
    try check("H5Sselect_hyperslab", on: label) {
      pointer(stride) { stride in
        pointer(block) { block in H5Sselect_hyperslab(id, H5S_SELECT_SET, start, stride, count, block) }
      }
    }
  }
}
