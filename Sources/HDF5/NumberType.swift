import CHDF5

/// The numbers Ronchi reads and writes, named as in `STEM.PixelType` (same raw values).
public enum NumberType: String, CaseIterable, Sendable, Codable {
  case u8, u16, u32, u64, i8, i16, i32, i64, f32, f64

  /// Bytes.
  public var size: Int {
    switch self {
    case .u8, .i8: 1
    case .u16, .i16: 2
    case .u32, .i32, .f32: 4
    case .u64, .i64, .f64: 8
    }
  }

  public var isFloat: Bool { self == .f32 || self == .f64 }

  /// The library's predefined type in this machine's byte order: `H5T_NATIVE_…`; not to be closed.
  var native: hid_t {
    switch self {
    case .u8: ronchi_h5t_u8()
    case .u16: ronchi_h5t_u16()
    case .u32: ronchi_h5t_u32()
    case .u64: ronchi_h5t_u64()
    case .i8: ronchi_h5t_i8()
    case .i16: ronchi_h5t_i16()
    case .i32: ronchi_h5t_i32()
    case .i64: ronchi_h5t_i64()
    case .f32: ronchi_h5t_f32()
    case .f64: ronchi_h5t_f64()
    }
  }
}

/// A Swift number with a memory type in the library.
public protocol HDF5Number: BitwiseCopyable, Sendable {
  static var numberType: NumberType { get }
  /// All bits zero.
  static var zero: Self { get }
}

extension UInt8: HDF5Number { public static var numberType: NumberType { .u8 } }
extension UInt16: HDF5Number { public static var numberType: NumberType { .u16 } }
extension UInt32: HDF5Number { public static var numberType: NumberType { .u32 } }
extension UInt64: HDF5Number { public static var numberType: NumberType { .u64 } }
extension Int8: HDF5Number { public static var numberType: NumberType { .i8 } }
extension Int16: HDF5Number { public static var numberType: NumberType { .i16 } }
extension Int32: HDF5Number { public static var numberType: NumberType { .i32 } }
extension Int64: HDF5Number { public static var numberType: NumberType { .i64 } }
extension Int: HDF5Number { public static var numberType: NumberType { .i64 } }
extension Float: HDF5Number { public static var numberType: NumberType { .f32 } }
extension Double: HDF5Number { public static var numberType: NumberType { .f64 } }

/// In which order the bytes of a number are stored.
public enum Endianness: String, Sendable, CaseIterable, Codable {
  case little, big

  /// That of this machine.
  public static var native: Endianness { 1.littleEndian == 1 ? .little : .big }
}
