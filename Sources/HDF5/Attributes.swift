import CHDF5

extension HDF5Object where Self: ~Copyable {
  /// Names of the attributes, sorted. The corresponding C function is `H5Aiterate2`.
  public func attributeNames() throws(HDF5Error) -> [String] {
    let here = location
    let names = NameList()
    try check("H5Aiterate2", on: here.label) {
      H5Aiterate2(
        here.id, H5_INDEX_NAME, H5_ITER_NATIVE, nil, { _, name, _, list in NameList.add(name, to: list) }, names.pointer
      )
    }
    return names.sorted()
  }

  /// Whether there is an attribute of that name. The corresponding C function is `H5Aexists`.
  public func hasAttribute(_ name: String) throws(HDF5Error) -> Bool {
    let here = location
    return try check("H5Aexists", on: "\(here.label)@\(name)") { H5Aexists(here.id, name) } > 0
  }

  /// An attribute's value; nil where there is none. The corresponding C functions are `H5Aopen` and `H5Aread`.
  public func attribute(_ name: String) throws(HDF5Error) -> AttributeValue? {
    guard try hasAttribute(name) else { return nil }
    return try Attribute(name, of: location).value()
  }

  /// All attributes, by name. The corresponding C functions are `H5Aopen` and `H5Aread`.
  public func attributes() throws(HDF5Error) -> [(name: String, value: AttributeValue)] {
    var all: [(name: String, value: AttributeValue)] = []
    for name in try attributeNames() { all.append((name, try Attribute(name, of: location).value())) }
    return all
  }

  /// Removes an attribute. The corresponding C function is `H5Adelete`.
  public func removeAttribute(_ name: String) throws(HDF5Error) {
    let here = location
    try check("H5Adelete", on: "\(here.label)@\(name)") { H5Adelete(here.id, name) }
  }
}

/// An open attribute.
struct Attribute: ~Copyable {
  let handle: OwnedID
  let type: OwnedID
  let elementType: ElementType
  let shape: [Int]
  let isScalar: Bool
  let isNull: Bool
  let label: String

  /// The corresponding C functions are `H5Aopen`, `H5Aget_type`, `H5Aget_space`.
  init(_ name: String, of owner: Location) throws(HDF5Error) {
    let label = "\(owner.label)@\(name)"
    let handle = OwnedID(
      try check("H5Aopen", on: label) { H5Aopen(owner.id, name, ronchi_h5p_default()) }, H5Aclose)
    let type = OwnedID(try check("H5Aget_type", on: label) { H5Aget_type(handle.id) }, H5Tclose)
    let space = OwnedID(try check("H5Aget_space", on: label) { H5Aget_space(handle.id) }, H5Sclose)
    shape = try extent(of: space, on: label)
    let kind = withLibrary { H5Sget_simple_extent_type(space.id) }
    isScalar = kind == H5S_SCALAR
    isNull = kind == H5S_NULL
    elementType = withLibrary { ElementType(type.id) }
    self.label = label
    self.handle = handle
    self.type = type
  }

  private var count: Int { elementCount(shape) }
  /// A damaged header can claim any number of elements.
  private static let mostElements = 1 << 24

  /// The corresponding C function is `H5Aread`.
  func value() throws(HDF5Error) -> AttributeValue {
    guard !isNull, count > 0 else { return .empty }
    guard count <= Self.mostElements else {
      throw HDF5Error("H5Aread", on: label, why: "\(shape) elements are too many for an attribute")
    }
    switch elementType {
    case .number(let number, _): return number.isFloat || number == .u64 ? try floats() : try integers()
    case .boolean:
      let flags = try numbers(Int8.self).map { $0 != 0 }
      return isScalar ? .bool(flags[0]) : .bools(flags)
    case .enumeration: return try integers()
    case .string:
      let texts = try readStrings(type, count: count, on: label) { type, buffer throws(HDF5Error) in
        try check("H5Aread", on: label) { H5Aread(handle.id, type, buffer) }
      }
      return isScalar ? .string(texts[0]) : .strings(texts)
    case .objectReference:
      let paths = try references()
      return isScalar ? .reference(paths[0]) : .references(paths)
    default: return .other(elementType)
    }
  }

  private func integers() throws(HDF5Error) -> AttributeValue {
    let values = try numbers(Int.self)
    return isScalar ? .int(values[0]) : .ints(values)
  }

  /// Unsigned 64-bit numbers are integers where they fit.
  private func floats() throws(HDF5Error) -> AttributeValue {
    if elementType.number == .u64, try numbers(UInt64.self).allSatisfy({ $0 <= UInt64(Int.max) }) {
      return try integers()
    }
    let values = try numbers(Double.self)
    return isScalar ? .double(values[0]) : .doubles(values)
  }

  private func numbers<Number: HDF5Number>(_: Number.Type) throws(HDF5Error) -> [Number] {
    var values = [Number](repeating: .zero, count: count)
    // A boolean is read in its own type: as numbers, h5py's enumeration needs no conversion.
    let isBoolean = elementType == .boolean
    try check("H5Aread", on: label) {
      H5Aread(handle.id, isBoolean ? type.id : Number.numberType.native, &values)
    }
    return values
  }

  /// The corresponding C functions are `H5Rdereference2` and `H5Iget_name`.
  private func references() throws(HDF5Error) -> [String] {
    var raw = [hobj_ref_t](repeating: 0, count: count)
    try check("H5Aread", on: label) { H5Aread(handle.id, ronchi_h5t_object_reference(), &raw) }
    var paths: [String] = []
    for var reference in raw {
      let id = withLibrary {
        H5Rdereference2(handle.id, ronchi_h5p_default(), H5R_OBJECT, &reference)
      }
      guard id >= 0 else {
        paths.append("")
        continue
      }
      let target = OwnedID(id, H5Oclose)
      paths.append(try string("H5Iget_name", on: label) { H5Iget_name(target.id, $0, $1) })
    }
    return paths
  }
}
