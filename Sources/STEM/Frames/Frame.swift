/// How a frame lies in memory: `shape.count` pixels of `type`, row-major (y, x), without gaps.
///
/// Frames are dense so far. A sparse one (a list of the pixels that were hit) would be a second kind of frame beside
/// `Frame`, with a visitor of its own; a kernel would say which kinds it takes.
public struct FrameLayout: Sendable, Equatable {
  public let shape: Shape
  /// Type and byte order of a pixel.
  public let type: PixelType

  public init(_ shape: Shape, _ type: PixelType) {
    self.shape = shape
    self.type = type
  }

  public var bytes: Int { shape.count * type.size }
}

/// A view of one frame, valid during the call that hands it out. It gives its pixels as numbers only, through `visit` and
/// `doubles`, so that nobody can read them in another type or byte order than theirs; the loops in C get the memory itself
/// from `Kernels`, together with the type.
public struct Frame {
  public let layout: FrameLayout
  @usableFromInline let address: UnsafeRawPointer
  /// The pixels as they lie.
  @_spi(StoredPixels) @inlinable public var memory: UnsafeRawPointer { address }

  /// - Parameter memory: `layout.bytes` bytes, which may lie unaligned
  @inlinable public init(_ layout: FrameLayout, _ memory: UnsafeRawPointer) {
    self.layout = layout
    address = memory
  }

  /// Calls the visitor with the pixels in their type. Costs a jump a frame: the visitor has a loop for each type.
  @inlinable @inline(__always) public func visit<Visitor: PixelVisitor>(_ visitor: Visitor) -> Visitor.Found {
    switch layout.type {
    case .u8: visitor.visit(Pixels<UInt8>(self))
    case .u16: visitor.visit(Pixels<UInt16>(self))
    case .u16Swapped: visitor.visit(Pixels<SwappedUInt16>(self))
    case .u32: visitor.visit(Pixels<UInt32>(self))
    case .i8: visitor.visit(Pixels<Int8>(self))
    case .i16: visitor.visit(Pixels<Int16>(self))
    case .i32: visitor.visit(Pixels<Int32>(self))
    case .f32: visitor.visit(Pixels<Float>(self))
    case .f64: visitor.visit(Pixels<Double>(self))
    }
  }

  /// All pixels, row-major.
  public func doubles() -> [Double] { layout.type.doubles(address, count: layout.shape.count) }
}

/// Work on the pixels of a frame in whatever type they are stored: what a kernel in Swift is, if it is not made of others.
public protocol PixelVisitor {
  associatedtype Found = Void
  func visit<Stored: StoredPixel>(_ pixels: Pixels<Stored>) -> Found
}

/// The pixels of a frame as numbers, row-major (y, x). Only `Frame.visit` makes them, for the type that the frame has.
public struct Pixels<Stored: StoredPixel>: RandomAccessCollection {
  @usableFromInline let memory: UnsafeRawPointer
  public let endIndex: Int

  @inlinable @inline(__always) init(_ frame: Frame) {
    memory = frame.address
    endIndex = frame.layout.shape.count
  }

  @inlinable public var startIndex: Int { 0 }

  @inlinable @inline(__always) public subscript(index: Int) -> Stored.Number {
    memory.loadUnaligned(fromByteOffset: index * MemoryLayout<Stored>.stride, as: Stored.self).number
  }
}
