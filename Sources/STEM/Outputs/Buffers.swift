/// A buffer that is combined elementwise over leaves. Plain memory, so that a leaf can be stored and found again.
public protocol Accumulator: AnyObject {
  var bytes: UnsafeMutableRawBufferPointer { get }
  /// The neutral element everywhere.
  func reset()
  /// Whether the order of combining does not show in the bits: sums of integers, largest and smallest values.
  var isExact: Bool { get }
  /// Combines with a later leaf, `other` of the same layout.
  func combine(_ other: UnsafeRawBufferPointer)
}

/// An element that can be summed; with all bits zero, the sum of nothing. Integer sums are exact, so their order does not
/// matter; floating sums are combined in leaf order.
public protocol SumElement: BitwiseCopyable {
  /// Whether sums have no rounding.
  static var isExact: Bool { get }
  mutating func add(_ other: Self)
  /// Elementwise. A requirement, so that each element has a loop of its own: generic code takes ten times as long.
  static func add(_ other: UnsafeBufferPointer<Self>, to values: UnsafeMutableBufferPointer<Self>)
}

extension SumElement {
  public static func add(_ other: UnsafeBufferPointer<Self>, to values: UnsafeMutableBufferPointer<Self>) {
    precondition(other.count == values.count)
    for i in values.indices { values[i].add(other[i]) }
  }
}

extension Int64: SumElement {
  public static var isExact: Bool { true }
  @inlinable public mutating func add(_ other: Int64) { self &+= other }
}
extension UInt64: SumElement {
  public static var isExact: Bool { true }
  @inlinable public mutating func add(_ other: UInt64) { self &+= other }
}
extension Double: SumElement {
  public static var isExact: Bool { false }
  @inlinable public mutating func add(_ other: Double) { self += other }
}

/// An unevaluated sum of two doubles (about 106 bits), for sums of squares that would cancel.
/// Knuth, The Art of Computer Programming 2, 4.2.2, theorem B (two-sum); product by fused multiply-add.
@frozen public struct DoubleDouble: SumElement {
  public var high: Double
  public var low: Double

  @inlinable public init(_ high: Double, _ low: Double = 0) {
    self.high = high
    self.low = low
  }

  @inlinable public static var zero: DoubleDouble { DoubleDouble(0) }
  public static var isExact: Bool { false }
  @inlinable public var double: Double { high + low }

  @inlinable @inline(__always) public mutating func add(_ value: Double) {
    let sum = high + value
    let part = sum - high
    low += (high - (sum - part)) + (value - part)
    high = sum
  }

  @inlinable public mutating func add(_ other: DoubleDouble) {
    add(other.high)
    low += other.low
  }

  /// Adds value² without rounding it first.
  @inlinable @inline(__always) public mutating func addSquare(_ value: Double) {
    let square = value * value
    let error = (-square).addingProduct(value, value)
    add(square)
    low += error
  }
}

public final class PixelSum<Element: SumElement>: Accumulator {
  public let values: UnsafeMutableBufferPointer<Element>

  public init(_ count: Int) {
    values = .allocate(capacity: count)
    reset()
  }

  deinit { values.deallocate() }

  public var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(values) }
  public func reset() { bytes.initializeMemory(as: UInt8.self, repeating: 0) }
  public var isExact: Bool { Element.isExact }
  public func combine(_ other: UnsafeRawBufferPointer) {
    Element.add(other.bindMemory(to: Element.self), to: values)
  }
}

/// Elementwise largest value; NaN wins, as in NumPy.
public final class PixelMax<Element: FramePixel>: Accumulator {
  public let values: UnsafeMutableBufferPointer<Element>
  private let neutral: Element

  /// `neutral`: the type's smallest value, or −∞.
  public init(_ count: Int, neutral: Element) {
    self.neutral = neutral
    values = .allocate(capacity: count)
    reset()
  }

  deinit { values.deallocate() }

  public var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(values) }
  public func reset() { Element.fill(values, neutral) }
  public var isExact: Bool { true }
  public func combine(_ other: UnsafeRawBufferPointer) {
    Element.keepLargest(values, other.bindMemory(to: Element.self))
  }
}

/// Elementwise smallest value; NaN wins, as in NumPy.
public final class PixelMin<Element: FramePixel>: Accumulator {
  public let values: UnsafeMutableBufferPointer<Element>
  private let neutral: Element

  /// `neutral`: the type's largest value, or +∞.
  public init(_ count: Int, neutral: Element) {
    self.neutral = neutral
    values = .allocate(capacity: count)
    reset()
  }

  deinit { values.deallocate() }

  public var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(values) }
  public func reset() { Element.fill(values, neutral) }
  public var isExact: Bool { true }
  public func combine(_ other: UnsafeRawBufferPointer) {
    Element.keepSmallest(values, other.bindMemory(to: Element.self))
  }
}
