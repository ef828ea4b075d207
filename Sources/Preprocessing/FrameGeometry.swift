import STEM

/// A rectangle of pixels or positions.
public struct Window: Sendable, Equatable {
  public var rows: Range<Int>
  public var columns: Range<Int>

  public init(rows: Range<Int>, columns: Range<Int>) {
    self.rows = rows
    self.columns = columns
  }

  public init(_ shape: Shape) { self.init(rows: 0..<shape.y, columns: 0..<shape.x) }

  public var shape: Shape { Shape(rows.count, columns.count) }

  /// The whole bins in it, from its beginning.
  func whole(_ bin: Shape) -> Window {
    Window(
      rows: rows.lowerBound..<rows.lowerBound + rows.count / bin.y * bin.y,
      columns: columns.lowerBound..<columns.lowerBound + columns.count / bin.x * bin.x)
  }
}

/// Where the pixels of a corrected frame come from: orientation first, then a window, then bins in it.
struct FrameGeometry: Sendable, Equatable {
  /// Of the frames in the file.
  let raw: Shape
  let orientation: Orientation
  /// In oriented pixels; whole bins.
  let window: Window
  /// In oriented pixels.
  let bin: Shape

  var shape: Shape { Shape(window.rows.count / bin.y, window.columns.count / bin.x) }
  var isIdentity: Bool { orientation == .identity && window == Window(raw) && bin == Shape(1, 1) }

  /// The window and the bins in raw pixels.
  var rawWindow: Window {
    let seen = orientation.shape(raw)
    func turned(_ range: Range<Int>, _ reverses: Bool, _ count: Int) -> Range<Int> {
      reverses ? count - range.upperBound..<count - range.lowerBound : range
    }
    let rows = turned(window.rows, orientation.reversesRows, seen.y)
    let columns = turned(window.columns, orientation.reversesColumns, seen.x)
    return orientation.isTransposed ? Window(rows: columns, columns: rows) : Window(rows: rows, columns: columns)
  }

  var rawBin: Shape { orientation.shape(bin) }

  /// Shape of the sums over bins in the orientation of the raw pixels.
  var rawSums: Shape { orientation.shape(shape) }

  /// Calls `body(corrected, raw)` for every raw pixel of every corrected one.
  func forEachPixel(_ body: (_ corrected: Int, _ raw: Int) -> Void) {
    for y in 0..<shape.y * bin.y {
      for x in 0..<shape.x * bin.x {
        let place = orientation.source(window.rows.lowerBound + y, window.columns.lowerBound + x, in: raw)
        body(y / bin.y * shape.x + x / bin.x, place.y * raw.x + place.x)
      }
    }
  }

  /// The raw pixels of the window, in raw order.
  var rawPixels: [Int] {
    let window = rawWindow
    return window.rows.flatMap { row in window.columns.map { row * raw.x + $0 } }
  }

  /// The raw pixels of the window, in the order in which they are seen.
  var seenPixels: [Int] {
    window.rows.flatMap { y in
      window.columns.map { x in
        let place = orientation.source(y, x, in: raw)
        return place.y * raw.x + place.x
      }
    }
  }

  /// Maps a point on the raw frame [px] to the corrected frame.
  func point(_ point: Pair<Double>) -> Pair<Double> {
    let seen = orientation.point(point, in: raw)
    func binned(_ value: Double, _ first: Int, _ bin: Int) -> Double {
      (value - Double(first) + 0.5) / Double(bin) - 0.5
    }
    return Pair(binned(seen.y, window.rows.lowerBound, bin.y), binned(seen.x, window.columns.lowerBound, bin.x))
  }

  /// Corrected pixels of which at least one raw pixel is marked; nil for none.
  func mask(_ marked: [Bool]) -> [Bool]? {
    guard marked.contains(true) else { return nil }
    var result = [Bool](repeating: false, count: shape.count)
    forEachPixel { corrected, raw in if marked[raw] { result[corrected] = true } }
    return result.contains(true) ? result : nil
  }
}
