import CHDF5

/// What an element of a dataset or attribute is in the file.
public indirect enum ElementType: Sendable, Equatable, Codable, CustomStringConvertible {
  case number(NumberType, Endianness)
  /// An enumeration of FALSE and TRUE over bytes, as h5py writes `bool`.
  case boolean
  /// A compound of two numbers `r`, `i`, as h5py writes complex numbers.
  case complex(NumberType, Endianness)
  /// `length` in bytes, nil for variable length.
  case string(length: Int?, isUTF8: Bool)
  case objectReference, regionReference
  case enumeration(of: ElementType, names: [String])
  case compound([Member])
  /// A type that is named but not read here: `opaque`, `array`, `float16`.
  case other(String)

  /// A field of a compound.
  public struct Member: Sendable, Equatable, Codable {
    public let name: String
    public let type: ElementType
  }

  /// A number in this machine's byte order.
  public static func number(_ type: NumberType) -> ElementType { .number(type, .native) }

  /// The number type, when it is a plain number.
  public var number: NumberType? {
    if case .number(let type, _) = self { type } else { nil }
  }

  public var isComplex: Bool {
    if case .complex = self { true } else { false }
  }

  /// The byte order, when it is a number or complex.
  public var endianness: Endianness? {
    switch self {
    case .number(_, let order), .complex(_, let order): order
    default: nil
    }
  }

  public var description: String {
    switch self {
    case .number(let type, let order): "\(order == .native ? "" : "\(order.rawValue)-endian ")\(type.rawValue)"
    case .boolean: "boolean"
    case .complex(let type, _): "complex \(type.rawValue)"
    case .string(let length, _): length.map { "string of \($0) bytes" } ?? "string"
    case .objectReference: "object reference"
    case .regionReference: "region reference"
    case .enumeration(let base, let names): "enumeration of \(base): \(names.joined(separator: ", "))"
    case .compound(let members): "compound of " + members.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
    case .other(let name): name
    }
  }
}

// MARK: - reading a type of the file

extension ElementType {
  /// Describes a type of the library. The corresponding C functions are `H5Tget_class`, `H5Tget_size`, ….
  init(_ id: hid_t) {
    let size = H5Tget_size(id)
    switch H5Tget_class(id) {
    case H5T_INTEGER: self = Self.integer(id, size)
    case H5T_FLOAT: self = Self.float(id, size)
    case H5T_STRING:
      self = .string(
        length: H5Tis_variable_str(id) > 0 ? nil : size, isUTF8: H5Tget_cset(id) == H5T_CSET_UTF8)
    case H5T_REFERENCE:
      self = H5Tequal(id, ronchi_h5t_object_reference()) > 0 ? .objectReference : .regionReference
    case H5T_ENUM: self = Self.enumeration(id)
    case H5T_COMPOUND: self = Self.compound(id)
    case H5T_ARRAY: self = .other("array")
    case H5T_VLEN: self = .other("variable-length sequence")
    case H5T_OPAQUE: self = .other("opaque")
    case H5T_BITFIELD: self = .other("bit field")
    default: self = .other("unknown type")
    }
  }

  private static func order(_ id: hid_t) -> Endianness { H5Tget_order(id) == H5T_ORDER_BE ? .big : .little }

  private static func integer(_ id: hid_t, _ size: Int) -> ElementType {
    let name = (H5Tget_sign(id) == H5T_SGN_NONE ? "u" : "i") + "\(size * 8)"
    guard H5Tget_precision(id) == size * 8, let type = NumberType(rawValue: name) else {
      return .other("integer of \(H5Tget_precision(id)) bits in \(size) bytes")
    }
    return .number(type, order(id))
  }

  private static func float(_ id: hid_t, _ size: Int) -> ElementType {
    NumberType(rawValue: "f\(size * 8)").map { .number($0, order(id)) } ?? .other("float\(size * 8)")
  }

  private static func members(_ id: hid_t) -> [String] {
    (0..<UInt32(max(0, H5Tget_nmembers(id)))).map { index in
      guard let text = H5Tget_member_name(id, index) else { return "" }
      defer { H5free_memory(text) }
      return String(cString: text)
    }
  }

  private static func enumeration(_ id: hid_t) -> ElementType {
    let names = members(id)
    if H5Tget_size(id) == 1, names == ["FALSE", "TRUE"] { return .boolean }
    let base = H5Tget_super(id)
    defer { H5Tclose(base) }
    return .enumeration(of: ElementType(base), names: names)
  }

  private static func compound(_ id: hid_t) -> ElementType {
    let fields = members(id).enumerated().map { index, name in
      let type = H5Tget_member_type(id, UInt32(index))
      defer { H5Tclose(type) }
      return Member(name: name, type: ElementType(type))
    }
    if fields.map(\.name) == ["r", "i"], fields[0].type == fields[1].type,
      case .number(let type, let order) = fields[0].type
    {
      return .complex(type, order)
    }
    return .compound(fields)
  }
}

// MARK: - making a type

extension ElementType {
  /// A type of the library to create datasets with, or to read into memory with.
  func make() throws(HDF5Error) -> OwnedID {
    let name = description
    switch self {
    case .number(let type, let order):
      let id = OwnedID(try check("H5Tcopy", on: name) { H5Tcopy(type.native) }, H5Tclose)
      let order = order == .big ? H5T_ORDER_BE : H5T_ORDER_LE
      try check("H5Tset_order", on: name) { H5Tset_order(id.id, order) }
      return id
    case .boolean:
      let id = OwnedID(try check("H5Tenum_create", on: name) { H5Tenum_create(NumberType.i8.native) }, H5Tclose)
      for (text, value) in [("FALSE", Int8(0)), ("TRUE", Int8(1))] {
        var value = value
        try check("H5Tenum_insert", on: name) { H5Tenum_insert(id.id, text, &value) }
      }
      return id
    case .complex(let type, let order):
      let part = try ElementType.number(type, order).make()
      let id = OwnedID(
        try check("H5Tcreate", on: name) { H5Tcreate(H5T_COMPOUND, 2 * type.size) }, H5Tclose)
      try check("H5Tinsert", on: name) { H5Tinsert(id.id, "r", 0, part.id) }
      try check("H5Tinsert", on: name) { H5Tinsert(id.id, "i", type.size, part.id) }
      return id
    case .string(let length, let isUTF8):
      let id = OwnedID(try check("H5Tcopy", on: name) { H5Tcopy(ronchi_h5t_c_s1()) }, H5Tclose)
      try check("H5Tset_size", on: name) { H5Tset_size(id.id, length.map { max(1, $0) } ?? ronchi_h5t_variable()) }
      let encoding = isUTF8 ? H5T_CSET_UTF8 : H5T_CSET_ASCII
      try check("H5Tset_cset", on: name) { H5Tset_cset(id.id, encoding) }
      if length != nil { try check("H5Tset_strpad", on: name) { H5Tset_strpad(id.id, H5T_STR_NULLPAD) } }
      return id
    case .objectReference:
      return OwnedID(try check("H5Tcopy", on: name) { H5Tcopy(ronchi_h5t_object_reference()) }, H5Tclose)
    case .regionReference, .enumeration, .compound, .other:
      throw HDF5Error("H5Tcreate", on: name, why: "this type is not written")
    }
  }
}
