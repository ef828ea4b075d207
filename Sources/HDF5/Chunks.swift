import CHDF5

/// A chunk as it is stored.
public struct Chunk: Sendable, Equatable {
  /// The element with the smallest indices.
  public let start: [Int]
  /// From the file's first byte; nil where the file begins with a user block, which library versions count differently.
  public let address: Int?
  /// Stored bytes, after the filters.
  public let size: Int
  /// Bit k set: filter k was not applied.
  public let filterMask: UInt32
}

extension Dataset {
  /// Chunks that are stored. The corresponding C function is `H5Dget_num_chunks`.
  public func chunkCount() throws(HDF5Error) -> Int {
    var count: hsize_t = 0
    let location = location
    let space = try dataspace()
    try check("H5Dget_num_chunks", on: location.label) { H5Dget_num_chunks(location.id, space.id, &count) }
    return Int(clamping: count)
  }

  /// The `index`-th stored chunk. HDF5 1.10 walks all chunks before it: cheap for a look, not for every chunk of many.
  /// The corresponding C function is `H5Dget_chunk_info`.
  public func chunk(_ index: Int) throws(HDF5Error) -> Chunk {
    let location = location
    var start = [hsize_t](repeating: 0, count: shape.count)
    var (mask, address, size): (UInt32, haddr_t, hsize_t) = (0, 0, 0)
    let space = try dataspace()
    try check("H5Dget_chunk_info", on: "\(location.label) chunk \(index)") {
      H5Dget_chunk_info(location.id, space.id, hsize_t(index), &start, &mask, &address, &size)
    }
    return Chunk(
      start: start.map { Int(clamping: $0) }, address: try hasUserBlock() ? nil : Int(exactly: address),
      size: Int(clamping: size), filterMask: mask)
  }

  /// The chunk that begins at an element; nil where it is not stored. HDF5 1.10 walks the chunks for it.
  /// The corresponding C function is `H5Dget_chunk_info_by_coord`.
  public func chunk(at start: [Int]) throws(HDF5Error) -> Chunk? {
    let location = location
    let offset = start.map { hsize_t($0) }
    var (mask, address, size): (UInt32, haddr_t, hsize_t) = (0, 0, 0)
    try check("H5Dget_chunk_info_by_coord", on: "\(location.label) chunk \(start)") {
      H5Dget_chunk_info_by_coord(location.id, offset, &mask, &address, &size)
    }
    guard address != ronchi_haddr_undefined() else { return nil }
    return Chunk(
      start: start, address: try hasUserBlock() ? nil : Int(exactly: address), size: Int(clamping: size),
      filterMask: mask)
  }

  /// The corresponding C function is `H5Pget_userblock`.
  private func hasUserBlock() throws(HDF5Error) -> Bool {
    let location = location
    let file = OwnedID(try check("H5Iget_file_id", on: location.label) { H5Iget_file_id(location.id) }, H5Fclose)
    let list = OwnedID(try check("H5Fget_create_plist", on: location.label) { H5Fget_create_plist(file.id) }, H5Pclose)
    var size: hsize_t = 0
    try check("H5Pget_userblock", on: location.label) { H5Pget_userblock(list.id, &size) }
    return size > 0
  }
}

/// Finds the addresses of a dataset's chunks quickly. The dataset's file is open with `File.Options.tellsPlaces`, and stays
/// so.
public struct ChunkPlaces {
  private let handle: UnsafeMutableRawPointer

  /// The corresponding C function is `H5Fget_vfd_handle`.
  public init(_ dataset: borrowing Dataset) throws(HDF5Error) {
    let location = dataset.location
    let file = OwnedID(try check("H5Iget_file_id", on: location.label) { H5Iget_file_id(location.id) }, H5Fclose)
    var handle: UnsafeMutableRawPointer?
    try check("H5Fget_vfd_handle", on: location.label) {
      H5Fget_vfd_handle(file.id, ronchi_h5p_default(), &handle)
    }
    guard let handle else { throw HDF5Error("H5Fget_vfd_handle", on: location.label, why: "no handle was returned") }
    self.handle = handle
  }

  /// Offset in the file of the stored bytes of the chunk that begins at an element; nil where the library
  /// would not read them in one piece. Nothing is read. The corresponding C function is `H5Dread_chunk`.
  public func place(
    ofChunk start: [Int], of dataset: borrowing Dataset
  ) throws(HDF5Error) -> (bytes: Range<Int>, filterMask: UInt32)? {
    let (location, handle) = (dataset.location, handle)
    let offset = start.map { hsize_t($0) }
    var (mask, address, size): (UInt32, haddr_t, Int) = (0, 0, 0)
    let found = try check("H5Dread_chunk", on: "\(location.label) chunk \(start)") {
      ronchi_place_of_chunk(handle, location.id, offset, &mask, &address, &size)
    }
    guard found == 1, let first = Int(exactly: address), size >= 0, first <= Int.max - size else { return nil }
    return (first..<first + size, mask)
  }
}
