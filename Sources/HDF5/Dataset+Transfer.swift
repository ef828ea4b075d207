import CHDF5

extension Dataset {
  /// Reads a part, converted to `type` in this machine's byte order, row-major, into `buffer`, which must hold it.
  /// The corresponding C function is `H5Dread`.
  public func read(
    _ slab: Hyperslab, into buffer: UnsafeMutableRawBufferPointer, as type: ElementType,
    transfer: Transfer = .independent
  ) throws(HDF5Error) {
    let memoryType = try type.make()
    let selection = try Selection(slab, of: self)
    try checkRoom(buffer.count, slab.elements, memoryType.id, "H5Dread")
    let location = location
    let (type, memory, file) = (memoryType.id, selection.memory.id, selection.file.id)
    let start = buffer.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 8)
    try withTransferList(transfer, on: location.label) { list throws(HDF5Error) in
      try check("H5Dread", on: location.label) { H5Dread(location.id, type, memory, file, list, start) }
    }
  }

  /// Reads a part as numbers. The corresponding C function is `H5Dread`.
  public func read(
    into buffer: UnsafeMutableRawBufferPointer, start: [Int], count: [Int], as type: NumberType,
    transfer: Transfer = .independent
  ) throws(HDF5Error) {
    try read(Hyperslab(start: start, count: count), into: buffer, as: .number(type), transfer: transfer)
  }

  /// Reads a part, or everything, as an array. The corresponding C function is `H5Dread`.
  public func values<Number: HDF5Number>(
    _ slab: Hyperslab? = nil, as type: Number.Type = Number.self
  ) throws(HDF5Error) -> [Number] {
    if isNull { return [] }
    let slab = slab ?? whole
    try checkClaim(elements: slab.elements, size: MemoryLayout<Number>.size)
    var failure: HDF5Error?
    let result = [Number](unsafeUninitializedCapacity: slab.elements) { buffer, filled in
      do throws(HDF5Error) {
        try read(slab, into: UnsafeMutableRawBufferPointer(buffer), as: .number(Number.numberType))
        filled = slab.elements
      } catch { failure = error }
    }
    if let failure { throw failure }
    return result
  }

  /// Writes a part from values of `type` in this machine's byte order, row-major.
  /// The corresponding C function is `H5Dwrite`.
  public func write(
    _ slab: Hyperslab, from buffer: UnsafeRawBufferPointer, as type: ElementType,
    transfer: Transfer = .independent
  ) throws(HDF5Error) {
    let memoryType = try type.make()
    let selection = try Selection(slab, of: self)
    try checkRoom(buffer.count, slab.elements, memoryType.id, "H5Dwrite")
    let location = location
    let (type, memory, file) = (memoryType.id, selection.memory.id, selection.file.id)
    let start = buffer.baseAddress ?? UnsafeRawPointer(bitPattern: 8)
    try withTransferList(transfer, on: location.label) { list throws(HDF5Error) in
      try check("H5Dwrite", on: location.label) { H5Dwrite(location.id, type, memory, file, list, start) }
    }
  }

  /// Writes a part as numbers. The corresponding C function is `H5Dwrite`.
  public func write(
    from buffer: UnsafeRawBufferPointer, start: [Int], count: [Int], as type: NumberType,
    transfer: Transfer = .independent
  ) throws(HDF5Error) {
    try write(Hyperslab(start: start, count: count), from: buffer, as: .number(type), transfer: transfer)
  }

  /// Writes an array to a part, or everything. The corresponding C function is `H5Dwrite`.
  public func write<Number: HDF5Number>(
    _ values: [Number], to slab: Hyperslab? = nil, transfer: Transfer = .independent
  ) throws(HDF5Error) {
    let slab = slab ?? whole
    try values.withUnsafeBufferPointer { buffer throws(HDF5Error) in
      try write(
        slab, from: UnsafeRawBufferPointer(buffer), as: .number(Number.numberType), transfer: transfer)
    }
  }

  /// Everything, as a selection.
  public var whole: Hyperslab { Hyperslab(start: shape.map { _ in 0 }, count: shape) }

  /// Before memory is made for elements of `size` bytes: a damaged header can claim any number of them. No filter in use
  /// shrinks real data more than 4096 times; up to 64 MiB anything goes.
  public func checkClaim(elements: Int, size: Int) throws(HDF5Error) {
    let (bytes, overflow) = elements.multipliedReportingOverflow(by: size)
    guard overflow || bytes > 64 << 20 else { return }
    let stored = min(storageSize, try fileSize())
    guard !overflow, bytes / 4096 <= stored else {
      throw HDF5Error(
        "H5Dread", on: location.label, why: "\(elements) elements are claimed, \(stored) bytes are stored for them")
    }
  }

  private func checkRoom(_ bytes: Int, _ elements: Int, _ type: hid_t, _ call: String) throws(HDF5Error) {
    let (needed, overflow) = elements.multipliedReportingOverflow(by: withLibrary { H5Tget_size(type) })
    guard !overflow, bytes >= needed else {
      throw HDF5Error(call, on: location.label, why: "the buffer has \(bytes) bytes, the selection needs \(needed)")
    }
  }
}
