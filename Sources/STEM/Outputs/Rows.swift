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

  /// Makes room for `rows` rows and fills them with NaN: a row that nobody writes is missing, not zero.
  public func prepare(rows: Int) {
    if rows > capacity {
      storage.deallocate()
      storage = .allocate(byteCount: rows * rowBytes, alignment: 64)
      capacity = rows
    }
    let wanted = UnsafeMutableRawBufferPointer(rebasing: storage[..<(rows * rowBytes)])
    switch element {
    case .float32: wanted.assumingMemoryBound(to: Float.self).update(repeating: .nan)
    case .float64: wanted.assumingMemoryBound(to: Double.self).update(repeating: .nan)
    }
  }

  /// The bytes of rows `0..<rows`.
  public func bytes(rows: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: storage[..<(rows * rowBytes)])
  }

  /// For buffers of `.float64`.
  @inlinable public func set(_ row: Int, _ value: Double) { doubles(row)[0] = value }

  public func doubles(_ row: Int) -> UnsafeMutablePointer<Double> {
    precondition(element == .float64)
    return storage.baseAddress!.assumingMemoryBound(to: Double.self) + row * width
  }

  public func floats(_ row: Int) -> UnsafeMutablePointer<Float> {
    precondition(element == .float32)
    return storage.baseAddress!.assumingMemoryBound(to: Float.self) + row * width
  }
}

/// The values of an output that is one array for the whole scan, in a place that `OutputBinding` makes.
public final class Whole {
  /// Of the output.
  public let name: String
  /// How many values it needs: one a detector pixel, or one a bin of the axis.
  public let count: Int
  public private(set) var values: [Double]?

  init(_ name: String, count: Int) {
    self.name = name
    self.count = count
  }

  public func set(_ values: [Double]) { self.values = values }
}
