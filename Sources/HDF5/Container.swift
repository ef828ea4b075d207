import CHDF5

/// A file or group: what holds other objects. Paths are relative to it unless they start with `/`.
public protocol Container: HDF5Object, ~Copyable {}

/// A group of an open file.
public struct Group: ~Copyable, Container {
  public let location: Location
  private let handle: OwnedID

  init(_ handle: consuming OwnedID, _ file: String, _ path: String) {
    location = Location(id: handle.id, file: file, path: path)
    self.handle = handle
  }
}

/// What a name in a group leads to.
public struct Child: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    case group, dataset
    /// A committed datatype or something newer.
    case other
    /// Not followed; the text is where it leads.
    case softLink(String)
    case externalLink(file: String, path: String)
  }

  public let name: String
  public let kind: Kind

  public init(name: String, kind: Kind) {
    self.name = name
    self.kind = kind
  }
}

extension Container where Self: ~Copyable {
  /// Opens a group. The corresponding C function is `H5Gopen2`.
  public func openGroup(_ path: String) throws(HDF5Error) -> Group {
    let here = location
    let id = try naming(path) { () throws(HDF5Error) in
      try check("H5Gopen2", on: here.label(path)) { H5Gopen2(here.id, path, ronchi_h5p_default()) }
    }
    return Group(OwnedID(id, H5Gclose), here.file, here.appending(path))
  }

  /// Creates a group and those above it that are missing. The corresponding C function is `H5Gcreate2`.
  @discardableResult
  public func createGroup(_ path: String) throws(HDF5Error) -> Group {
    let here = location
    let links = try linkCreation(here.label(path))
    let creation = try propertyList(ronchi_h5p_group_create())
    try check("H5Pset_obj_track_times", on: here.label(path)) { H5Pset_obj_track_times(creation.id, false) }
    let id = try check("H5Gcreate2", on: here.label(path)) {
      H5Gcreate2(here.id, path, links.id, creation.id, ronchi_h5p_default())
    }
    return Group(OwnedID(id, H5Gclose), here.file, here.appending(path))
  }

  /// Where opening fails because nothing is there, the error says which part of the path is missing.
  func naming(_ path: String, _ open: () throws(HDF5Error) -> hid_t) throws(HDF5Error) -> hid_t {
    do throws(HDF5Error) { return try open() } catch {
      guard error.kind == .missingObject, let missing = try? firstMissing(path) else { throw error }
      throw HDF5Error(
        error.call, on: error.object, why: "object '\(missing)' doesn't exist", kind: .missingObject)
    }
  }

  private func firstMissing(_ path: String) throws(HDF5Error) -> String? {
    var partial = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      partial += (partial.isEmpty || partial.hasSuffix("/") ? "" : "/") + part
      if try !exists(partial) { return location.appending(partial) }
    }
    return nil
  }

  /// Whether a path leads to an object; false for a link that leads nowhere.
  /// The corresponding C functions are `H5Lexists` for every part and `H5Oexists_by_name`.
  public func exists(_ path: String) throws(HDF5Error) -> Bool {
    let here = location
    var partial = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      partial += (partial.isEmpty || partial.hasSuffix("/") ? "" : "/") + part
      let name = partial
      let hasLink = try check("H5Lexists", on: here.label(name)) { H5Lexists(here.id, name, ronchi_h5p_default()) }
      guard hasLink > 0 else { return false }
      // A dangling external link makes H5Oexists_by_name fail: that too leads nowhere.
      guard withLibrary({ H5Oexists_by_name(here.id, name, ronchi_h5p_default()) }) > 0 else { return false }
      if partial.count < path.count, try kind(of: name) != .group { return false }
    }
    return true
  }

  /// What a path leads to, links followed. The corresponding C function is `H5Oget_info_by_name2`.
  public func kind(of path: String) throws(HDF5Error) -> Child.Kind {
    let here = location
    var info = H5O_info_t()
    try check("H5Oget_info_by_name2", on: here.label(path)) {
      H5Oget_info_by_name2(here.id, path, &info, UInt32(H5O_INFO_BASIC), ronchi_h5p_default())
    }
    return Child.Kind(info.type)
  }

  /// What is in this group, by name. Soft and external links are reported, not followed.
  /// The corresponding C functions are `H5Literate` and `H5Lget_info`.
  public func children() throws(HDF5Error) -> [Child] {
    let here = location
    let names = NameList()
    try check("H5Literate", on: here.label) {
      H5Literate(
        here.id, H5_INDEX_NAME, H5_ITER_NATIVE, nil, { _, name, _, list in NameList.add(name, to: list) }, names.pointer
      )
    }
    var children: [Child] = []
    for name in names.sorted() { children.append(Child(name: name, kind: try linkKind(name))) }
    return children
  }

  /// What a link is. The corresponding C functions are `H5Lget_info`, `H5Lget_val`, `H5Lunpack_elink_val`.
  private func linkKind(_ name: String) throws(HDF5Error) -> Child.Kind {
    let here = location
    var info = H5L_info_t()
    try check("H5Lget_info", on: here.label(name)) { H5Lget_info(here.id, name, &info, ronchi_h5p_default()) }
    guard info.type == H5L_TYPE_SOFT || info.type == H5L_TYPE_EXTERNAL else { return try kind(of: name) }
    var value = [CChar](repeating: 0, count: info.u.val_size + 1)
    try check("H5Lget_val", on: here.label(name)) {
      H5Lget_val(here.id, name, &value, value.count, ronchi_h5p_default())
    }
    if info.type == H5L_TYPE_SOFT { return .softLink(text(value)) }
    var flags: UInt32 = 0
    var file: UnsafePointer<CChar>?
    var path: UnsafePointer<CChar>?
    let size = info.u.val_size
    return try value.withUnsafeBufferPointer { bytes throws(HDF5Error) in
      try check("H5Lunpack_elink_val", on: here.label(name)) {
        H5Lunpack_elink_val(bytes.baseAddress, size, &flags, &file, &path)
      }
      return .externalLink(file: file.map { String(cString: $0) } ?? "", path: path.map { String(cString: $0) } ?? "")
    }
  }

  /// Gives an object of this file a second name; groups above it are made. The corresponding C function is
  /// `H5Lcreate_hard`.
  public func createHardLink(_ path: String, to target: String) throws(HDF5Error) {
    let here = location
    let links = try linkCreation(here.label(path))
    try check("H5Lcreate_hard", on: "\(here.label(path)) (to \(target))") {
      H5Lcreate_hard(here.id, target, here.id, path, links.id, ronchi_h5p_default())
    }
  }

  /// A link by path, which may lead nowhere. The corresponding C function is `H5Lcreate_soft`.
  public func createSoftLink(_ path: String, to target: String) throws(HDF5Error) {
    let here = location
    let links = try linkCreation(here.label(path))
    try check("H5Lcreate_soft", on: here.label(path)) {
      H5Lcreate_soft(target, here.id, path, links.id, ronchi_h5p_default())
    }
  }

  /// A link into another file. The corresponding C function is `H5Lcreate_external`.
  public func createExternalLink(_ path: String, to file: String, _ target: String) throws(HDF5Error) {
    let here = location
    let links = try linkCreation(here.label(path))
    try check("H5Lcreate_external", on: here.label(path)) {
      H5Lcreate_external(file, target, here.id, path, links.id, ronchi_h5p_default())
    }
  }

  /// Removes a name; the object goes with its last one. The corresponding C function is `H5Ldelete`.
  public func remove(_ path: String) throws(HDF5Error) {
    let here = location
    try check("H5Ldelete", on: here.label(path)) { H5Ldelete(here.id, path, ronchi_h5p_default()) }
  }

  /// Equal for all names of one object. The corresponding C function is `H5Oget_info_by_name2`.
  public func identity(of path: String) throws(HDF5Error) -> ObjectIdentity {
    let here = location
    var info = H5O_info_t()
    try check("H5Oget_info_by_name2", on: here.label(path)) {
      H5Oget_info_by_name2(here.id, path, &info, UInt32(H5O_INFO_BASIC), ronchi_h5p_default())
    }
    return ObjectIdentity(file: UInt64(info.fileno), address: UInt64(info.addr))
  }
}

extension Child.Kind {
  init(_ type: H5O_type_t) {
    switch type {
    case H5O_TYPE_GROUP: self = .group
    case H5O_TYPE_DATASET: self = .dataset
    default: self = .other
    }
  }
}

/// Names that HDF5 passes to a callback one by one, in the order in which they are stored.
///
/// Asking for the name at an index instead has the library build a table of all names for each of them, and on a damaged
/// group its version 1.10 frees parts of that table which it never filled in.
final class NameList {
  private var names: [String] = []

  /// The argument that the library passes to its callbacks.
  var pointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

  /// For the library's callbacks; `list` is a `pointer`.
  static func add(_ name: UnsafePointer<CChar>?, to list: UnsafeMutableRawPointer?) -> herr_t {
    guard let name, let list else { return -1 }
    Unmanaged<NameList>.fromOpaque(list).takeUnretainedValue().names.append(String(cString: name))
    return 0
  }

  /// By their bytes.
  func sorted() -> [String] { names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
}

/// A link creation list that makes missing groups. The corresponding C function is
/// `H5Pset_create_intermediate_group`.
func linkCreation(_ label: String) throws(HDF5Error) -> OwnedID {
  let list = try propertyList(ronchi_h5p_link_create())
  try check("H5Pset_create_intermediate_group", on: label) { H5Pset_create_intermediate_group(list.id, 1) }
  return list
}

/// Characters up to the first NUL.
func text(_ characters: [CChar]) -> String {
  String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
