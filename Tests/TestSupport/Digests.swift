import HDF5

/// Every dataset of a file: path → shape, type and a digest of the stored values. Attributes (times, hosts, ranks) differ
/// from run to run by design and are not part of it.
public func datasetDigests(_ path: String) throws -> [String: String] {
  let file = try File(path)
  var result: [String: String] = [:]
  func visit(_ group: String) throws {
    let children = group == "/" ? try file.children() : try file.openGroup(group).children()
    for child in children {
      let inner = (group == "/" ? "" : group) + "/" + child.name
      switch child.kind {
      case .group: try visit(inner)
      case .dataset: result[inner] = try digest(file.openDataset(inner))
      default: result[inner] = "\(child.kind)"
      }
    }
  }
  try visit("/")
  return result
}

private func digest(_ dataset: borrowing Dataset) throws -> String {
  let type: ElementType
  let size: Int
  switch dataset.elementType {
  case .number(let number, _): (type, size) = (.number(number), number.size)
  case .complex(let number, _): (type, size) = (.complex(number, .native), 2 * number.size)
  default: return "\(dataset.shape) \(dataset.elementType)"
  }
  let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: dataset.count * size, alignment: 16)
  defer { bytes.deallocate() }
  try dataset.read(dataset.whole, into: bytes, as: type)
  return "\(dataset.shape) \(type) \(fnv(bytes))"
}

/// FNV-1a, 64 bits.
private func fnv(_ bytes: UnsafeMutableRawBufferPointer) -> String {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
  return String(hash, radix: 16)
}

/// One dataset's values.
public func doubles(_ path: String, _ dataset: String) throws -> [Double] {
  try File(path).openDataset(dataset).values(as: Double.self)
}
