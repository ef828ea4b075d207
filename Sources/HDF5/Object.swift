import CHDF5

/// Where an object of a file is: its id and how people call it. A view; the object itself keeps the id open.
public struct Location: Sendable {
  let id: hid_t
  /// The file as it was opened.
  public let file: String
  /// Inside the file: `/` or `/data/frames`.
  public let path: String

  /// `scan.h5:/data`.
  var label: String { "\(file):\(path)" }

  /// The path of something below this one; absolute paths stay as they are.
  func appending(_ name: String) -> String {
    name.hasPrefix("/") ? name : path == "/" ? "/" + name : "\(path)/\(name)"
  }

  /// `scan.h5:/data/x`.
  func label(_ name: String) -> String { "\(file):\(appending(name))" }
}

/// A file's root, a group or a dataset: what can carry attributes.
public protocol HDF5Object: ~Copyable {
  var location: Location { get }
}

/// Recognizes an object that is reached by several hard links.
public struct ObjectIdentity: Hashable, Sendable {
  public let file: UInt64
  public let address: UInt64
}

extension HDF5Object where Self: ~Copyable {
  /// Inside the file: `/data/frames`.
  public var path: String { location.path }

  /// The file as it was opened.
  public var fileName: String { location.file }

  /// Equal for all names of one object. The corresponding C function is `H5Oget_info2`.
  public func identity() throws(HDF5Error) -> ObjectIdentity {
    var info = H5O_info_t()
    let location = location
    try check("H5Oget_info2", on: location.label) { H5Oget_info2(location.id, &info, UInt32(H5O_INFO_BASIC)) }
    return ObjectIdentity(file: UInt64(info.fileno), address: UInt64(info.addr))
  }
}

/// A property list of a class. The corresponding C function is `H5Pcreate`.
func propertyList(_ kind: @autoclosure () -> hid_t) throws(HDF5Error) -> OwnedID {
  OwnedID(try check("H5Pcreate", on: "property list") { H5Pcreate(kind()) }, H5Pclose)
}
