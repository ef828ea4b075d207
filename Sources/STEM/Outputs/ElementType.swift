/// What one value of an output is, in memory and in the file.
public enum ElementType: String, Sendable, Codable, CaseIterable {
  case float32, float64
  /// Real and imaginary part, both `float32` or both `float64`.
  case complex64, complex128
  case int32, uint8

  /// Bytes.
  public var size: Int {
    switch self {
    case .uint8: 1
    case .float32, .int32: 4
    case .float64, .complex64: 8
    case .complex128: 16
    }
  }

  public var isComplex: Bool { self == .complex64 || self == .complex128 }

  /// Numbers that one value is made of: 2 for complex ones.
  public var parts: Int { isComplex ? 2 : 1 }

  /// What stands for "not computed" among integers; nil for floats and complex numbers, where it is NaN.
  public var missingValue: Int? {
    switch self {
    case .int32: Int(Int32.min)
    case .uint8: Int(UInt8.max)
    case .float32, .float64, .complex64, .complex128: nil
    }
  }

  /// Makes all values of `bytes` missing.
  public func fillMissing(_ bytes: UnsafeMutableRawBufferPointer) {
    switch self {
    case .float32, .complex64: bytes.assumingMemoryBound(to: Float.self).update(repeating: .nan)
    case .float64, .complex128: bytes.assumingMemoryBound(to: Double.self).update(repeating: .nan)
    case .int32: bytes.assumingMemoryBound(to: Int32.self).update(repeating: .min)
    case .uint8: bytes.assumingMemoryBound(to: UInt8.self).update(repeating: .max)
    }
  }
}
