import CHDF5

/// A dataset of an open file.
public struct Dataset: ~Copyable, HDF5Object {
  public let location: Location
  /// Elements along each dimension, slow first; empty for a scalar.
  public let shape: [Int]
  /// What an element is in the file.
  public let elementType: ElementType
  /// A dataset without any element (`H5S_NULL`).
  public let isNull: Bool
  private let handle: OwnedID

  init(_ handle: consuming OwnedID, _ file: String, _ path: String) throws(HDF5Error) {
    let location = Location(id: handle.id, file: file, path: path)
    let space = OwnedID(try check("H5Dget_space", on: location.label) { H5Dget_space(location.id) }, H5Sclose)
    let type = OwnedID(try check("H5Dget_type", on: location.label) { H5Dget_type(location.id) }, H5Tclose)
    shape = try extent(of: space, on: location.label)
    isNull = withLibrary { H5Sget_simple_extent_type(space.id) == H5S_NULL }
    elementType = withLibrary { ElementType(type.id) }
    self.location = location
    self.handle = handle
  }

  /// The corresponding C function is `H5Dget_space`.
  func dataspace() throws(HDF5Error) -> OwnedID {
    let location = location
    return OwnedID(try check("H5Dget_space", on: location.label) { H5Dget_space(location.id) }, H5Sclose)
  }

  /// Elements altogether.
  public var count: Int { isNull ? 0 : elementCount(shape) }
}

/// How a new dataset is stored.
public struct DatasetLayout: Sendable {
  /// nil: contiguous.
  public var chunk: [Int]?
  /// gzip level 1 … 9; needs a chunk. `H5Pset_deflate`.
  public var deflate: Int?
  /// Bytes of equal significance are put together before compression; needs a chunk. `H5Pset_shuffle`.
  public var shuffles = false
  /// Storage is allocated at creation: what parallel writers and kill-safe files need. `H5Pset_alloc_time`.
  public var allocatesEarly = true
  /// Fills new storage with the fill value (or 0). Off: for data that will be written completely; then unwritten
  /// elements are whatever the file system gives. `H5Pset_fill_time`.
  public var fills = true

  public init() {}

  /// One run of bytes, allocated at creation.
  public static var contiguous: DatasetLayout { DatasetLayout() }

  /// Chunks, with optional filters; allocated as they are written.
  public static func chunked(_ chunk: [Int], deflate: Int? = nil, shuffles: Bool = false) -> DatasetLayout {
    var layout = DatasetLayout()
    layout.chunk = chunk
    layout.deflate = deflate
    layout.shuffles = shuffles
    layout.allocatesEarly = false
    return layout
  }
}

extension Container where Self: ~Copyable {
  /// Opens a dataset. The corresponding C function is `H5Dopen2`.
  public func openDataset(_ path: String) throws(HDF5Error) -> Dataset {
    let here = location
    let id = try naming(path) { () throws(HDF5Error) in
      try check("H5Dopen2", on: here.label(path)) { H5Dopen2(here.id, path, ronchi_h5p_default()) }
    }
    return try Dataset(OwnedID(id, H5Dclose), here.file, here.appending(path))
  }

  /// Creates a dataset and the groups above it; an empty shape makes a scalar. `fill` is what elements are that nobody
  /// writes; both parts of a complex one. The corresponding C function is `H5Dcreate2`.
  @discardableResult
  public func createDataset(
    _ path: String, shape: [Int], type: ElementType, layout: DatasetLayout = .contiguous,
    fill: (any HDF5Number)? = nil
  ) throws(HDF5Error) -> Dataset {
    let here = location
    let label = here.label(path)
    let space = try dataspace(shape, on: label)
    let fileType = try type.make()
    let creation = try datasetCreation(layout, on: label)
    if let fill { try setFill(fill, isComplex: type.isComplex, creation, on: label) }
    let links = try linkCreation(label)
    let id = try check("H5Dcreate2", on: label) {
      H5Dcreate2(here.id, path, fileType.id, space.id, links.id, creation.id, ronchi_h5p_default())
    }
    return try Dataset(OwnedID(id, H5Dclose), here.file, here.appending(path))
  }

  /// Creates a dataset of numbers in this machine's byte order. The corresponding C function is `H5Dcreate2`.
  @discardableResult
  public func createDataset(
    _ path: String, shape: [Int], of type: NumberType, layout: DatasetLayout = .contiguous,
    fill: (any HDF5Number)? = nil
  ) throws(HDF5Error) -> Dataset {
    try createDataset(path, shape: shape, type: .number(type), layout: layout, fill: fill)
  }
}

/// The corresponding C function is `H5Pset_fill_value`.
private func setFill<Number: HDF5Number>(
  _ fill: Number, isComplex: Bool, _ list: borrowing OwnedID, on label: String
) throws(HDF5Error) {
  let number = Number.numberType
  let type = try (isComplex ? ElementType.complex(number, .native) : .number(number)).make()
  let id = list.id
  try check("H5Pset_fill_value", on: label) { H5Pset_fill_value(id, type.id, [fill, fill]) }
}

/// The corresponding C functions are `H5Pset_chunk`, `H5Pset_shuffle`, `H5Pset_deflate`, `H5Pset_alloc_time`.
private func datasetCreation(_ layout: DatasetLayout, on label: String) throws(HDF5Error) -> OwnedID {
  let list = try propertyList(ronchi_h5p_dataset_create())
  try check("H5Pset_obj_track_times", on: label) { H5Pset_obj_track_times(list.id, false) }
  if let chunk = layout.chunk {
    let dimensions = chunk.map { hsize_t($0) }
    try check("H5Pset_chunk", on: label) { H5Pset_chunk(list.id, Int32(chunk.count), dimensions) }
    if layout.shuffles { try check("H5Pset_shuffle", on: label) { H5Pset_shuffle(list.id) } }
    if let level = layout.deflate {
      try check("H5Pset_deflate", on: label) { H5Pset_deflate(list.id, UInt32(level)) }
    }
  }
  if layout.allocatesEarly {
    try check("H5Pset_alloc_time", on: label) { H5Pset_alloc_time(list.id, H5D_ALLOC_TIME_EARLY) }
  }
  if !layout.fills {
    try check("H5Pset_fill_time", on: label) { H5Pset_fill_time(list.id, H5D_FILL_TIME_NEVER) }
  }
  return list
}
