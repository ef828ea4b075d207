import Foundation
import STEM

/// Reads a dense array, a mask for example: a `.npy` file, or `file.h5:/path/of/dataset`.
///
/// Values become doubles; booleans 0 and 1. Throws `Problem`.
public func loadArray(_ path: String) throws -> DenseArray {
  if let (file, dataset) = splitDatasetPath(path) { return try loadHDF5Array(path: file, dataset: dataset) }
  let probe = try FileProbe(path: path)
  if probe.starts(with: NpyHeader.magic) { return try loadNpyArray(probe) }
  if probe.starts(with: [0x89] + Array("HDF\r\n".utf8)) {
    throw Problem(.badConfiguration, at: path, "HDF5 file given without a dataset; write \(path):/path/of/dataset")
  }
  throw Problem(.badData, at: path, "is no array; give a .npy file or file.h5:/path/of/dataset")
}

/// `a.h5:/x/y` → (`a.h5`, `/x/y`); nil for a plain path.
func splitDatasetPath(_ path: String) -> (file: String, dataset: String)? {
  guard !FileManager.default.fileExists(atPath: path), let colon = path.range(of: ":/") else { return nil }
  let file = String(path[..<colon.lowerBound])
  return file.isEmpty ? nil : (file, "/" + path[colon.upperBound...])
}

private func loadNpyArray(_ probe: FileProbe) throws -> DenseArray {
  let header = try NpyHeader.read(probe)
  guard !header.shape.isEmpty else {
    throw Problem(
      .badData, at: probe.path, "the array is a single number; an array of at least one dimension is needed")
  }
  guard let end = header.end, end <= probe.size else {
    throw Problem(
      .badData, at: probe.path,
      "the file is too short: \(header.shapeText) announced, "
        + (header.end.map { "\($0) bytes expected, " } ?? "") + "\(probe.size) found; copy the file again")
  }
  guard end > header.dataOffset else { return DenseArray(shape: header.shape, values: []) }
  let file = try openBytes(probe.path, size: probe.size)
  let bytes = try file.bytes(header.dataOffset..<end, what: "the array", path: probe.path)
  let values = withExtendedLifetime(file) { doubles(bytes, header) }
  return DenseArray(
    shape: header.shape, values: header.fortranOrder ? rowMajor(values, shape: header.shape) : values)
}

private func doubles(_ bytes: UnsafeRawPointer, _ header: NpyHeader) -> [Double] {
  func convert(_ bytes: UnsafeRawPointer) -> [Double] {
    switch header.element {
    case .int64: (0..<header.count).map { Double(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
    case .uint64: (0..<header.count).map { Double(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)) }
    case .bool: PixelType.u8.doubles(bytes, count: header.count)
    case .pixel(let type): type.doubles(bytes, count: header.count)
    }
  }
  let size = header.element.size
  guard header.byteOrder == .big, size > 1 else { return convert(bytes) }
  return withUnsafeTemporaryAllocation(byteCount: header.count * size, alignment: 8) { native in
    swapBytes(bytes, native.baseAddress!, pixels: header.count, size: size)
    return convert(UnsafeRawPointer(native.baseAddress!))
  }
}

/// From first axis fastest to last axis fastest.
private func rowMajor(_ values: [Double], shape: [Int]) -> [Double] {
  var result = [Double](repeating: 0, count: values.count)
  var index = [Int](repeating: 0, count: shape.count)
  for value in values {
    result[zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 }] = value
    var axis = 0
    while axis < shape.count {
      index[axis] += 1
      if index[axis] < shape[axis] { break }
      index[axis] = 0
      axis += 1
    }
  }
  return result
}
