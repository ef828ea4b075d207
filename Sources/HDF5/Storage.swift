import CHDF5

/// Storage layout of a dataset in the file.
public enum StorageLayout: Sendable, Equatable, Codable {
  /// Inside the object's header.
  case compact
  /// One run of bytes from `offset` (counted from the file's first byte); nil where nothing is allocated yet.
  case contiguous(offset: Int?)
  case chunked(shape: [Int], filters: [Filter])
  /// In other files: their names.
  case external([String])
  /// Put together from other datasets.
  case virtual
}

/// A step of the pipeline that chunks pass.
public struct Filter: Sendable, Equatable, Codable, CustomStringConvertible {
  /// As registered with the HDF Group: 1 deflate, 2 shuffle, 32008 bitshuffle ….
  public let number: Int
  /// As the file says; may be empty.
  public let name: String
  public let parameters: [UInt32]
  /// Chunks for which it fails are stored without it.
  public let isOptional: Bool

  /// A short name people know.
  public var description: String {
    switch number {
    case 1: "gzip"
    case 2: "shuffle"
    case 3: "fletcher32"
    case 4: "szip"
    case 5: "nbit"
    case 6: "scaleoffset"
    case 32000: "lzf"
    case 32001: "blosc"
    case 32004: "lz4"
    case 32008: "bitshuffle"
    case 32015: "zstd"
    case 32026: "blosc2"
    default: name.isEmpty ? "filter \(number)" : "\(name) (filter \(number))"
    }
  }

  /// Packages that have a plugin for it.
  public var packages: String { number == 32000 ? "hdf5-plugin-lzf" : "hdf5-filter-plugin, hdf5plugin" }

  /// Whether data that passed it can be read here. The corresponding C function is `H5Zfilter_avail`.
  public var isAvailable: Bool { HDF5Library.hasFilter(number) }
}

extension Dataset {
  /// The storage layout in the file. The corresponding C functions are `H5Pget_layout`, `H5Dget_offset`,
  /// `H5Pget_chunk`, `H5Pget_filter2`, `H5Pget_external`.
  public func layout() throws(HDF5Error) -> StorageLayout {
    let location = location
    let list = try creationList()
    switch withLibrary({ H5Pget_layout(list.id) }) {
    case H5D_COMPACT: return .compact
    case H5D_CHUNKED: return .chunked(shape: try chunkShape(list), filters: try filters(list))
    case H5D_VIRTUAL: return .virtual
    default:
      let files = try externalFiles(list)
      guard files.isEmpty else { return .external(files) }
      let offset = withLibrary { H5Dget_offset(location.id) }
      return .contiguous(offset: offset == ronchi_haddr_undefined() ? nil : Int(exactly: offset))
    }
  }

  /// Whether chunks that reach over the edge of the dataset pass the filters too. The corresponding C function is
  /// `H5Pget_chunk_opts`.
  public func filtersEdgeChunks() throws(HDF5Error) -> Bool {
    let list = try creationList()
    var options: UInt32 = 0
    try check("H5Pget_chunk_opts", on: location.label) { H5Pget_chunk_opts(list.id, &options) }
    return options & UInt32(H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) == 0
  }

  private func creationList() throws(HDF5Error) -> OwnedID {
    let location = location
    return OwnedID(
      try check("H5Dget_create_plist", on: location.label) { H5Dget_create_plist(location.id) }, H5Pclose)
  }

  /// Bytes allocated for the data in the file. The corresponding C function is `H5Dget_storage_size`.
  public var storageSize: Int { withLibrary { Int(clamping: H5Dget_storage_size(location.id)) } }

  /// Size in bytes of the file that contains it. The corresponding C functions are `H5Iget_file_id` and `H5Fget_filesize`.
  func fileSize() throws(HDF5Error) -> Int {
    let location = location
    let file = OwnedID(try check("H5Iget_file_id", on: location.label) { H5Iget_file_id(location.id) }, H5Fclose)
    var size: hsize_t = 0
    try check("H5Fget_filesize", on: location.label) { H5Fget_filesize(file.id, &size) }
    return Int(clamping: size)
  }

  private func chunkShape(_ list: borrowing OwnedID) throws(HDF5Error) -> [Int] {
    let id = list.id
    var dimensions = [hsize_t](repeating: 0, count: shape.count)
    try check("H5Pget_chunk", on: location.label) { H5Pget_chunk(id, Int32(shape.count), &dimensions) }
    return dimensions.map { Int($0) }
  }

  private func filters(_ list: borrowing OwnedID) throws(HDF5Error) -> [Filter] {
    let id = list.id
    var filters: [Filter] = []
    let count = try check("H5Pget_nfilters", on: location.label) { H5Pget_nfilters(id) }
    for index in 0..<UInt32(count) {
      var flags: UInt32 = 0
      var parameters = [UInt32](repeating: 0, count: 64)
      var parameterCount = parameters.count
      var name = [CChar](repeating: 0, count: 256)
      var configuration: UInt32 = 0
      let number = try check("H5Pget_filter2", on: location.label) {
        H5Pget_filter2(id, index, &flags, &parameterCount, &parameters, name.count, &name, &configuration)
      }
      filters.append(
        Filter(
          number: Int(number), name: text(name), parameters: Array(parameters.prefix(parameterCount)),
          isOptional: flags & UInt32(H5Z_FLAG_OPTIONAL) != 0))
    }
    return filters
  }

  private func externalFiles(_ list: borrowing OwnedID) throws(HDF5Error) -> [String] {
    let id = list.id
    var files: [String] = []
    let count = try check("H5Pget_external_count", on: location.label) { H5Pget_external_count(id) }
    for index in 0..<UInt32(count) {
      var name = [CChar](repeating: 0, count: 4096)
      var offset: off_t = 0
      var size: hsize_t = 0
      try check("H5Pget_external", on: location.label) {
        H5Pget_external(id, index, name.count - 1, &name, &offset, &size)
      }
      files.append(text(name))
    }
    return files
  }
}
