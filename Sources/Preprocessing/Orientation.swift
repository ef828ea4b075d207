import STEM

/// One of the eight ways in which a frame can lie: transposed or not, then its rows reversed or not, then its columns.
public struct Orientation: Sendable, Equatable {
  /// Rows become columns; before the reversals.
  public private(set) var isTransposed = false
  /// The lowest row comes first.
  public private(set) var reversesRows = false
  /// The rightmost column comes first.
  public private(set) var reversesColumns = false

  public static let identity = Orientation()

  private init() {}

  /// Applied in this order.
  /// - Parameters:
  ///   - quarterTurns: clockwise on screen (y down)
  ///   - flipY: reverses the order of rows, upside down
  ///   - flipX: reverses the order of columns, left to right
  public init(transpose: Bool = false, quarterTurns: Int = 0, flipY: Bool = false, flipX: Bool = false) {
    if transpose { self.transpose() }
    for _ in 0..<(quarterTurns % 4 + 4) % 4 {
      // The first column, upwards, becomes the first row.
      self.transpose()
      reversesColumns.toggle()
    }
    if flipY { reversesRows.toggle() }
    if flipX { reversesColumns.toggle() }
  }

  private mutating func transpose() {
    isTransposed.toggle()
    (reversesRows, reversesColumns) = (reversesColumns, reversesRows)
  }

  /// Of a frame that had the shape `raw`.
  public func shape(_ raw: Shape) -> Shape { isTransposed ? Shape(raw.x, raw.y) : raw }

  /// The place in a frame of shape `raw` of what is seen at (y, x).
  public func source(_ y: Int, _ x: Int, in raw: Shape) -> (y: Int, x: Int) {
    let seen = shape(raw)
    let row = reversesRows ? seen.y - 1 - y : y
    let column = reversesColumns ? seen.x - 1 - x : x
    return isTransposed ? (column, row) : (row, column)
  }

  /// Where a point [px] of a frame of shape `raw` is seen.
  public func point(_ point: Pair<Double>, in raw: Shape) -> Pair<Double> {
    let seen = shape(raw)
    let turned = isTransposed ? Pair(point.x, point.y) : point
    return Pair(
      reversesRows ? Double(seen.y - 1) - turned.y : turned.y,
      reversesColumns ? Double(seen.x - 1) - turned.x : turned.x)
  }

  /// How a vector on the frame is seen.
  public func vector(_ vector: Pair<Double>) -> Pair<Double> {
    let turned = isTransposed ? Pair(vector.x, vector.y) : vector
    return Pair(reversesRows ? -turned.y : turned.y, reversesColumns ? -turned.x : turned.x)
  }

  /// Whether it turns a right hand into a left one.
  public var isMirrored: Bool { isTransposed != (reversesRows != reversesColumns) }
}
