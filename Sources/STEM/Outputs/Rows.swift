/// `width` values for each position of the current block, in a buffer that `OutputBinding` makes. Rows stay on their rank.
public final class Rows {
  /// Of the output.
  public let name: String
  public let width: Int
  public let element: ElementType
  private var storage: UnsafeMutableRawBufferPointer
  public private(set) var capacity = 0

  init(_ name: String, width: Int, element: ElementType) {
    self.name = name
    self.width = width
    self.element = element
    storage = .allocate(byteCount: 0, alignment: 64)
  }

  deinit { storage.deallocate() }

  public var rowBytes: Int { width * element.size }

  /// Makes room for `rows` rows and makes all their values missing: a row that nobody writes is not zero.
  public func prepare(rows: Int) {
    if rows > capacity {
      storage.deallocate()
      storage = .allocate(byteCount: rows * rowBytes, alignment: 64)
      capacity = rows
    }
    let wanted = UnsafeMutableRawBufferPointer(rebasing: storage[..<(rows * rowBytes)])
    element.fillMissing(wanted)
  }

  /// The bytes of rows `0..<rows`.
  public func bytes(rows: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: storage[..<(rows * rowBytes)])
  }

  /// For buffers of `.float64`.
  @inlinable public func set(_ row: Int, _ value: Double) { doubles(row)[0] = value }

  /// For `.float64`, and for `.complex128` as pairs of real and imaginary part.
  public func doubles(_ row: Int) -> UnsafeMutablePointer<Double> {
    precondition(element == .float64 || element == .complex128)
    return start(row, of: Double.self)
  }

  /// For `.float32`, and for `.complex64` as pairs of real and imaginary part.
  public func floats(_ row: Int) -> UnsafeMutablePointer<Float> {
    precondition(element == .float32 || element == .complex64)
    return start(row, of: Float.self)
  }

  public func integers(_ row: Int) -> UnsafeMutablePointer<Int32> {
    precondition(element == .int32)
    return start(row, of: Int32.self)
  }

  public func bytes(ofRow row: Int) -> UnsafeMutablePointer<UInt8> {
    precondition(element == .uint8)
    return start(row, of: UInt8.self)
  }

  private func start<Value>(_ row: Int, of type: Value.Type) -> UnsafeMutablePointer<Value> {
    (storage.baseAddress! + row * rowBytes).assumingMemoryBound(to: Value.self)
  }
}

/// The values of an output that is one array for the whole scan, in a place that `OutputBinding` makes.
public final class Whole {
  /// Of the output.
  public let name: String
  /// How many values it needs: one an element of the output, such as a detector pixel; two a complex one.
  public let count: Int
  public private(set) var values: [Double]?

  init(_ name: String, count: Int) {
    self.name = name
    self.count = count
  }

  public func set(_ values: [Double]) { self.values = values }
}
