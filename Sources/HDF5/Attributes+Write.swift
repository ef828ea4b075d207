import CHDF5

extension HDF5Object where Self: ~Copyable {
  /// Writes a whole number (64 bits). An attribute of the same type and shape is overwritten in place, any other is
  /// replaced. The corresponding C functions are `H5Acreate2` and `H5Awrite`.
  public func setAttribute(_ name: String, _ value: Int) throws(HDF5Error) { try setNumbers(name, [value], []) }

  /// Writes a number (64 bits). The corresponding C functions are `H5Acreate2` and `H5Awrite`.
  public func setAttribute(_ name: String, _ value: Double) throws(HDF5Error) { try setNumbers(name, [value], []) }

  /// Writes a list of numbers. The corresponding C functions are `H5Acreate2` and `H5Awrite`.
  public func setAttribute<Number: HDF5Number>(_ name: String, _ values: [Number]) throws(HDF5Error) {
    try setNumbers(name, values, [values.count])
  }

  /// Writes a number of any type as a scalar. The corresponding C functions are `H5Acreate2` and `H5Awrite`.
  public func setAttribute<Number: HDF5Number>(_ name: String, scalar value: Number) throws(HDF5Error) {
    try setNumbers(name, [value], [])
  }

  /// Writes yes or no, as h5py does. The corresponding C functions are `H5Acreate2` and `H5Awrite`.
  public func setAttribute(_ name: String, _ value: Bool) throws(HDF5Error) {
    var byte: Int8 = value ? 1 : 0
    try write(name, .boolean, []) { attribute, type in H5Awrite(attribute, type, &byte) }
  }

  /// Writes a text as a scalar: UTF-8 of variable length, which h5py reads as `str`, or of `length` bytes, which can be
  /// overwritten in place. The corresponding C functions are `H5Acreate2` and `H5Awrite`.
  public func setAttribute(_ name: String, _ value: String, length: Int? = nil) throws(HDF5Error) {
    try setStrings(name, [value], [], length)
  }

  /// Writes a list of texts: one dimension, UTF-8. The corresponding C functions are `H5Acreate2` and `H5Awrite`.
  public func setAttribute(_ name: String, _ values: [String], length: Int? = nil) throws(HDF5Error) {
    try setStrings(name, values, [values.count], length)
  }

  /// Writes a reference to an object of the same file, by its absolute path, as a scalar.
  /// The corresponding C functions are `H5Rcreate` and `H5Awrite`.
  public func setAttribute(_ name: String, referenceTo target: String) throws(HDF5Error) {
    let here = location
    var reference: hobj_ref_t = 0
    try check("H5Rcreate", on: "\(here.file):\(target)") { H5Rcreate(&reference, here.id, target, H5R_OBJECT, -1) }
    try write(name, .objectReference, []) { attribute, type in H5Awrite(attribute, type, &reference) }
  }

  /// Writes what `attribute` reads; `other` is refused. The corresponding C functions are `H5Acreate2` and `H5Awrite`.
  public func setAttribute(_ name: String, _ value: AttributeValue) throws(HDF5Error) {
    switch value {
    case .int(let value): try setAttribute(name, value)
    case .double(let value): try setAttribute(name, value)
    case .string(let value): try setAttribute(name, value)
    case .bool(let value): try setAttribute(name, value)
    case .ints(let values): try setAttribute(name, values)
    case .doubles(let values): try setAttribute(name, values)
    case .strings(let values): try setAttribute(name, values)
    case .reference(let path): try setAttribute(name, referenceTo: path)
    case .bools, .references, .empty, .other:
      throw HDF5Error("H5Acreate2", on: "\(location.label)@\(name)", why: "\(value) is not written as an attribute")
    }
  }

  private func setNumbers<Number: HDF5Number>(
    _ name: String, _ values: [Number], _ shape: [Int]
  ) throws(HDF5Error) {
    try write(name, .number(Number.numberType), shape) { attribute, type in
      values.isEmpty ? 0 : H5Awrite(attribute, type, values)
    }
  }

  private func setStrings(
    _ name: String, _ values: [String], _ shape: [Int], _ length: Int?
  ) throws(HDF5Error) {
    let label = "\(location.label)@\(name)"
    let length = length.map { max(1, $0) }
    let attribute = try WritableAttribute(name, .string(length: length, isUTF8: true), shape, on: location)
    guard !values.isEmpty else { return }
    try withStrings(values, length: length) { buffer throws(HDF5Error) in
      try check("H5Awrite", on: label) { H5Awrite(attribute.handle.id, attribute.type.id, buffer) }
    }
  }

  private func write(
    _ name: String, _ type: ElementType, _ shape: [Int], _ body: (hid_t, hid_t) -> herr_t
  ) throws(HDF5Error) {
    let attribute = try WritableAttribute(name, type, shape, on: location)
    try check("H5Awrite", on: "\(location.label)@\(name)") { body(attribute.handle.id, attribute.type.id) }
  }
}

/// An attribute of the wanted type and shape: the existing one where it fits, else a new one in its place.
private struct WritableAttribute: ~Copyable {
  let handle: OwnedID
  let type: OwnedID

  /// The corresponding C functions are `H5Aopen`, `H5Adelete`, `H5Acreate2`.
  init(_ name: String, _ elementType: ElementType, _ shape: [Int], on owner: Location) throws(HDF5Error) {
    let label = "\(owner.label)@\(name)"
    let type = try elementType.make()
    let space = try dataspace(shape, on: label)
    let exists = try check("H5Aexists", on: label) { H5Aexists(owner.id, name) } > 0
    var id: hid_t = -1
    if exists {
      let old = try Attribute(name, of: owner)
      let fits = old.isScalar == shape.isEmpty && old.shape == shape && !old.isNull
      if withLibrary({ fits && H5Tequal(old.type.id, type.id) > 0 }) {
        id = try check("H5Aopen", on: label) { H5Aopen(owner.id, name, ronchi_h5p_default()) }
      }
    }
    if id < 0 {
      if exists { try check("H5Adelete", on: label) { H5Adelete(owner.id, name) } }
      id = try check("H5Acreate2", on: label) {
        H5Acreate2(owner.id, name, type.id, space.id, ronchi_h5p_default(), ronchi_h5p_default())
      }
    }
    handle = OwnedID(id, H5Aclose)
    self.type = type
  }
}
