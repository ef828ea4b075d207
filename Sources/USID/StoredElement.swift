import HDF5
import STEM

/// How the elements of outputs are stored.
extension STEM.ElementType {
  /// Complex ones are a compound of `r` and `i`, as h5py writes them.
  var stored: HDF5.ElementType {
    switch self {
    case .float32: .number(.f32)
    case .float64: .number(.f64)
    case .complex64: .complex(.f32, .native)
    case .complex128: .complex(.f64, .native)
    case .int32: .number(.i32)
    case .uint8: .number(.u8)
    }
  }

  /// What elements are that nobody writes.
  var fill: any HDF5Number {
    switch self {
    case .float32, .complex64: Float.nan
    case .float64, .complex128: Double.nan
    case .int32: Int32.min
    case .uint8: UInt8.max
    }
  }

  /// nil for what Ronchi does not write.
  init?(_ stored: HDF5.ElementType) {
    switch stored {
    case .number(.f32, _): self = .float32
    case .number(.f64, _): self = .float64
    case .number(.i32, _): self = .int32
    case .number(.u8, _): self = .uint8
    case .complex(.f32, _): self = .complex64
    case .complex(.f64, _): self = .complex128
    default: return nil
    }
  }

  /// Calls `body` with the bytes of `values`, pairs for complex ones. Throws `Problem` for a value that is no integer of the
  /// type.
  func withStored(
    _ values: [Double], at place: String, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    switch self {
    case .float32, .complex64: try values.map { Float($0) }.withUnsafeBytes(body)
    case .float64, .complex128: try values.withUnsafeBytes(body)
    case .int32: try integers(values, Int32.self, Int32.min + 1...Int32.max, place).withUnsafeBytes(body)
    case .uint8: try integers(values, UInt8.self, 0...UInt8.max - 1, place).withUnsafeBytes(body)
    }
  }

  private func integers<Number: FixedWidthInteger>(
    _ values: [Double], _ type: Number.Type, _ allowed: ClosedRange<Number>, _ place: String
  ) throws(Problem) -> [Number] {
    let missing = Number(missingValue ?? 0)
    var result = [Number](repeating: missing, count: values.count)
    for (index, value) in values.enumerated() where !value.isNaN {
      guard let number = Number(exactly: value.rounded()), allowed.contains(number) else {
        throw Problem(
          .internalError, at: place,
          "value \(index) is \(value); \(rawValue) allows \(allowed.lowerBound) to \(allowed.upperBound), NaN where missing"
        )
      }
      result[index] = number
    }
    return result
  }
}

extension HDF5.ElementType {
  /// Bytes in memory of a number or complex number; 0 for anything else.
  var size: Int {
    switch self {
    case .number(let type, _): type.size
    case .complex(let type, _): 2 * type.size
    default: 0
    }
  }

  /// As NumPy calls it; a description for what has no name there.
  var numpyName: String {
    switch self {
    case .number(let type, _): Self.numpyName(type)
    case .complex(.f32, _): "complex64"
    case .complex(.f64, _): "complex128"
    default: description
    }
  }

  private static func numpyName(_ type: NumberType) -> String {
    let family = type.isFloat ? "float" : type.rawValue.hasPrefix("u") ? "uint" : "int"
    return "\(family)\(8 * type.size)"
  }
}

extension Dataset {
  /// Everything, row-major; pairs for complex elements, NaN for missing integers.
  func doubles(of element: STEM.ElementType) throws -> [Double] {
    guard element.isComplex else {
      let values = try values(as: Double.self)
      guard let missing = element.missingValue.map(Double.init) else { return values }
      return values.map { $0 == missing ? .nan : $0 }
    }
    try checkClaim(elements: count, size: MemoryLayout<Double>.size * 2)
    var pairs = [Double](repeating: 0, count: 2 * count)
    try pairs.withUnsafeMutableBytes { try read(whole, into: $0, as: .complex(.f64, .native)) }
    return pairs
  }
}
