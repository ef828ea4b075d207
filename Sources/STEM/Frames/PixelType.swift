/// The types in which detectors store a pixel. Frames are read and processed in this type, never converted as a whole.
public enum PixelType: String, CaseIterable, Sendable, Codable {
  case u8, u16, u32, i8, i16, i32, f32, f64
  /// `u16` in the byte order opposite to this machine's: a form of frames in memory, which users never name.
  case u16Swapped

  /// Those that a user can name.
  public static let allCases: [PixelType] = [.u8, .u16, .u32, .i8, .i16, .i32, .f32, .f64]

  /// Those that kernels find in memory.
  public static let inMemory = allCases + [.u16Swapped]

  /// Bytes of a pixel.
  public var size: Int {
    switch self {
    case .u8, .i8: 1
    case .u16, .u16Swapped, .i16: 2
    case .u32, .i32, .f32: 4
    case .f64: 8
    }
  }

  public var isInteger: Bool { self != .f32 && self != .f64 }

  /// The largest value an integer pixel can hold; nil for floating point.
  public var largest: Double? {
    switch self {
    case .u8: Double(UInt8.max)
    case .u16, .u16Swapped: Double(UInt16.max)
    case .u32: Double(UInt32.max)
    case .i8: Double(Int8.max)
    case .i16: Double(Int16.max)
    case .i32: Double(Int32.max)
    case .f32, .f64: nil
    }
  }

  /// The Swift type of the pixels as they lie in memory.
  public var stored: any StoredPixel.Type {
    switch self {
    case .u8: UInt8.self
    case .u16: UInt16.self
    case .u16Swapped: SwappedUInt16.self
    case .u32: UInt32.self
    case .i8: Int8.self
    case .i16: Int16.self
    case .i32: Int32.self
    case .f32: Float.self
    case .f64: Double.self
    }
  }

  /// The Swift type of the pixels as numbers, which are not always what lies in memory.
  public var number: any FramePixel.Type {
    func number<Stored: StoredPixel>(_: Stored.Type) -> any FramePixel.Type { Stored.Number.self }
    return number(stored)
  }

  /// The first `count` pixels at `pixels`, which may be unaligned, as doubles.
  public func doubles(_ pixels: UnsafeRawPointer, count: Int) -> [Double] { stored.doubles(pixels, count: count) }

  /// As NumPy writes it: `uint16`.
  public var numpyName: String {
    switch self {
    case .u8: "uint8"
    case .u16, .u16Swapped: "uint16"
    case .u32: "uint32"
    case .i8: "int8"
    case .i16: "int16"
    case .i32: "int32"
    case .f32: "float32"
    case .f64: "float64"
    }
  }
}

public enum ByteOrder: String, CaseIterable, Sendable, Codable { case little, big }

/// A pixel as it lies in memory. Only a type that is also a number in this machine's byte order can be calculated with; all
/// say which number they are.
public protocol StoredPixel: Sendable, BitwiseCopyable {
  associatedtype Number: FramePixel
  static var pixelType: PixelType { get }
  var number: Number { get }
  init(storing number: Number)
  /// Pixels that may be unaligned. A requirement, so that each type has a loop of its own: generic code takes ten times
  /// as long.
  static func doubles(_ pixels: UnsafeRawPointer, count: Int) -> [Double]
}

/// An unsigned 16-bit number in the byte order that this machine has not.
public struct SwappedUInt16: StoredPixel {
  @usableFromInline let bits: UInt16

  public static var pixelType: PixelType { .u16Swapped }
  @inlinable @inline(__always) public var number: UInt16 { bits.byteSwapped }
  @inlinable public init(storing number: UInt16) { bits = number.byteSwapped }
}

/// A pixel that lies in memory as the number that it is.
public protocol FramePixel: StoredPixel, SIMDScalar, Comparable, Hashable, Codable where Number == Self {
  init(truncating value: Double)
  var double: Double { get }
  var isNaNPixel: Bool { get }
  /// Elementwise; NaN wins. Requirements, so that each type has loops of its own: generic code takes ten times as long.
  static func keepLargest(_ values: UnsafeMutableBufferPointer<Self>, _ other: UnsafeBufferPointer<Self>)
  static func keepSmallest(_ values: UnsafeMutableBufferPointer<Self>, _ other: UnsafeBufferPointer<Self>)
  static func fill(_ values: UnsafeMutableBufferPointer<Self>, _ value: Self)
}

extension StoredPixel {
  public static func doubles(_ pixels: UnsafeRawPointer, count: Int) -> [Double] {
    Array(unsafeUninitializedCapacity: count) { values, initialized in
      for i in 0..<count {
        let pixel = pixels.loadUnaligned(fromByteOffset: i * MemoryLayout<Self>.stride, as: Self.self)
        values.initializeElement(at: i, to: pixel.number.double)
      }
      initialized = count
    }
  }
}

extension FramePixel {
  @inlinable @inline(__always) public var number: Self { self }
  @inlinable public init(storing number: Self) { self = number }

  public static func fill(_ values: UnsafeMutableBufferPointer<Self>, _ value: Self) { values.update(repeating: value) }

  public static func keepLargest(_ values: UnsafeMutableBufferPointer<Self>, _ other: UnsafeBufferPointer<Self>) {
    precondition(other.count == values.count)
    for i in values.indices where other[i] > values[i] || other[i].isNaNPixel { values[i] = other[i] }
  }

  public static func keepSmallest(_ values: UnsafeMutableBufferPointer<Self>, _ other: UnsafeBufferPointer<Self>) {
    precondition(other.count == values.count)
    for i in values.indices where other[i] < values[i] || other[i].isNaNPixel { values[i] = other[i] }
  }
}

extension FramePixel where Self: FixedWidthInteger {
  @inlinable @inline(__always) public init(truncating value: Double) { self = Self(value) }
  @inlinable @inline(__always) public var double: Double { Double(self) }
  @inlinable @inline(__always) public var isNaNPixel: Bool { false }
}

extension UInt8: FramePixel { public static var pixelType: PixelType { .u8 } }
extension UInt16: FramePixel { public static var pixelType: PixelType { .u16 } }
extension UInt32: FramePixel { public static var pixelType: PixelType { .u32 } }
extension Int8: FramePixel { public static var pixelType: PixelType { .i8 } }
extension Int16: FramePixel { public static var pixelType: PixelType { .i16 } }
extension Int32: FramePixel { public static var pixelType: PixelType { .i32 } }
extension Float: FramePixel {
  public static var pixelType: PixelType { .f32 }
  @inlinable @inline(__always) public init(truncating value: Double) { self = Float(value) }
  @inlinable @inline(__always) public var double: Double { Double(self) }
  @inlinable @inline(__always) public var isNaNPixel: Bool { isNaN }
}
extension Double: FramePixel {
  public static var pixelType: PixelType { .f64 }
  @inlinable @inline(__always) public init(truncating value: Double) { self = value }
  @inlinable @inline(__always) public var double: Double { self }
  @inlinable @inline(__always) public var isNaNPixel: Bool { isNaN }
}
