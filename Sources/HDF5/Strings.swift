import CHDF5

/// Texts that are read at once; a damaged header can claim any length.
private let mostTextBytes = 64 << 20

/// Texts of a dataset or attribute, of fixed or variable length: `transfer(type, buffer)` reads the elements.
func readStrings(
  _ fileType: borrowing OwnedID, count: Int, on label: String,
  _ transfer: (hid_t, UnsafeMutableRawPointer) throws(HDF5Error) -> Void
) throws(HDF5Error) -> [String] {
  guard count > 0 else { return [] }
  let id = fileType.id
  let isVariable = withLibrary { H5Tis_variable_str(id) > 0 }
  let (bytes, overflow) = count.multipliedReportingOverflow(by: isVariable ? 8 : withLibrary { H5Tget_size(id) })
  guard !overflow, bytes <= mostTextBytes else {
    throw HDF5Error("H5Tget_size", on: label, why: "\(count) texts are claimed to be longer than 64 MiB")
  }
  return isVariable
    ? try readVariableStrings(id, count, on: label, transfer)
    : try readFixedStrings(id, count, on: label, transfer)
}

/// Memory gets the file's type, so that length, padding and encoding need no conversion.
private func readFixedStrings(
  _ type: hid_t, _ count: Int, on label: String,
  _ transfer: (hid_t, UnsafeMutableRawPointer) throws(HDF5Error) -> Void
) throws(HDF5Error) -> [String] {
  let (size, padding) = withLibrary { (H5Tget_size(type), H5Tget_strpad(type)) }
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size * count, alignment: 8)
  defer { buffer.deallocate() }
  guard let start = buffer.baseAddress else { return [] }
  try transfer(type, start)
  return (0..<count).map { index in
    var bytes = buffer[(index * size)..<((index + 1) * size)].prefix { $0 != 0 }
    if padding == H5T_STR_SPACEPAD {
      while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// The library allocates each text; they are given back. The corresponding C function is `H5free_memory`.
private func readVariableStrings(
  _ type: hid_t, _ count: Int, on label: String,
  _ transfer: (hid_t, UnsafeMutableRawPointer) throws(HDF5Error) -> Void
) throws(HDF5Error) -> [String] {
  let pointers = UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: count)
  pointers.initialize(repeating: nil)
  defer { pointers.deallocate() }
  guard let start = pointers.baseAddress else { return [] }
  try transfer(type, UnsafeMutableRawPointer(start))
  return pointers.map { pointer in
    guard let pointer else { return "" }
    defer { withLibrary { _ = H5free_memory(pointer) } }
    return String(cString: pointer)
  }
}

/// Passes texts to `body` in the form of `type`: padded to `length` bytes (cut at a character), or as C strings when nil.
func withStrings(
  _ texts: [String], length: Int?, _ transfer: (UnsafeRawPointer) throws(HDF5Error) -> Void
) throws(HDF5Error) {
  if let length {
    var bytes: [UInt8] = []
    for text in texts {
      var fitting = text
      while fitting.utf8.count > length { fitting.removeLast() }
      bytes += Array(fitting.utf8) + [UInt8](repeating: 0, count: length - fitting.utf8.count)
    }
    try bytes.withUnsafeBufferPointer { buffer throws(HDF5Error) in
      try transfer(buffer.baseAddress.map { UnsafeRawPointer($0) } ?? UnsafeRawPointer(bitPattern: 8)!)
    }
    return
  }
  var characters: [CChar] = []
  var offsets: [Int] = []
  for text in texts {
    offsets.append(characters.count)
    characters += text.utf8CString.map { $0 }
  }
  try characters.withUnsafeBufferPointer { all throws(HDF5Error) in
    let pointers = offsets.map { offset in all.baseAddress.map { $0 + offset } }
    try pointers.withUnsafeBufferPointer { buffer throws(HDF5Error) in
      try transfer(buffer.baseAddress.map { UnsafeRawPointer($0) } ?? UnsafeRawPointer(bitPattern: 8)!)
    }
  }
}

extension Dataset {
  /// Every element as a text; throws for numbers. The corresponding C function is `H5Dread`.
  public func strings() throws(HDF5Error) -> [String] {
    let location = location
    guard case .string = elementType else {
      throw HDF5Error("H5Dread", on: location.label, why: "a text is expected, the elements are \(elementType)")
    }
    let type = OwnedID(try check("H5Dget_type", on: location.label) { H5Dget_type(location.id) }, H5Tclose)
    return try readStrings(type, count: count, on: location.label) { type, buffer throws(HDF5Error) in
      try check("H5Dread", on: location.label) {
        H5Dread(location.id, type, ronchi_h5s_all(), ronchi_h5s_all(), ronchi_h5p_default(), buffer)
      }
    }
  }

  /// The only text of the dataset. The corresponding C function is `H5Dread`.
  public func string() throws(HDF5Error) -> String {
    let all = try strings()
    guard all.count == 1 else {
      throw HDF5Error("H5Dread", on: location.label, why: "one text is expected, there are \(all.count)")
    }
    return all[0]
  }

  /// Writes a text to every element. Texts of variable length cannot be written to parallel files; longer texts than
  /// a fixed length are cut. The corresponding C function is `H5Dwrite`.
  public func write(_ texts: [String]) throws(HDF5Error) {
    let location = location
    guard case .string(let length, _) = elementType, texts.count == count else {
      throw HDF5Error("H5Dwrite", on: location.label, why: "\(texts.count) texts for \(count) elements: \(elementType)")
    }
    let type = try elementType.make()
    try withStrings(texts, length: length) { buffer throws(HDF5Error) in
      try check("H5Dwrite", on: location.label) {
        H5Dwrite(location.id, type.id, ronchi_h5s_all(), ronchi_h5s_all(), ronchi_h5p_default(), buffer)
      }
    }
  }
}
