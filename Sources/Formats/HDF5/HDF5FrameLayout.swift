import HDF5
import STEM

/// Assigns the axes of a dataset to scan and detector.
struct HDF5FrameLayout: Sendable, Equatable, Codable {
  /// Two logical axes, slow (y) and fast (x), on the axes of the dataset.
  enum Axes: Sendable, Equatable, Codable {
    /// Each on its own axis.
    case separate(y: Int, x: Int)
    /// One axis of the dataset runs through both, x fastest. Positions then are a grid of one row for the reader.
    case joined(Int)
    /// One axis of the dataset runs through both, y fastest.
    case joinedColumns(Int)
  }

  /// Shape of the dataset, slow first; unassigned axes have size 1.
  var shape: [Int]
  var positions: Axes
  var pixels: Axes
  /// The grid of positions in which the reader walks: 1 × N where positions are joined.
  var grid: Shape
  var detector: Shape

  init(shape: [Int], positions: Axes, pixels: Axes, grid: Shape, detector: Shape) {
    self.shape = shape
    self.positions = positions
    self.pixels = pixels
    self.grid = grid
    self.detector = detector
  }

  /// The usual order (y, x, detector y, detector x), or (frame, detector y, detector x); dimensions of size 1 before
  /// them may be extra. nil where more than four dimensions remain, or fewer than three.
  init?(standard shape: [Int]) {
    var axes = Array(shape.indices)
    while axes.count > 4, let extra = axes.firstIndex(where: { shape[$0] == 1 }) { axes.remove(at: extra) }
    guard axes.count == 3 || axes.count == 4 else { return nil }
    let detector = Shape(shape[axes[axes.count - 2]], shape[axes[axes.count - 1]])
    let pixels = Axes.separate(y: axes[axes.count - 2], x: axes[axes.count - 1])
    if axes.count == 3 {
      self.init(
        shape: shape, positions: .joined(axes[0]), pixels: pixels, grid: Shape(1, shape[axes[0]]), detector: detector)
    } else {
      self.init(
        shape: shape, positions: .separate(y: axes[0], x: axes[1]), pixels: pixels,
        grid: Shape(shape[axes[0]], shape[axes[1]]), detector: detector)
    }
  }

  var frameCount: Int { grid.count }

  /// Whether the file has frame after frame, each whole and in (y, x) order.
  var isStandard: Bool {
    let order = positions.axes + pixels.axes
    return order == order.sorted() && !positions.isColumns && !pixels.isColumns
  }

  /// Whether only frames are rotated or flipped: positions are slow and in order, and each frame is contiguous.
  var isTransposed: Bool {
    let order = positions.axes + pixels.axes.sorted()
    return !isStandard && order == order.sorted() && !positions.isColumns
  }
}

extension HDF5FrameLayout.Axes {
  var axes: [Int] {
    switch self {
    case .separate(let y, let x): [y, x]
    case .joined(let axis), .joinedColumns(let axis): [axis]
    }
  }

  var isColumns: Bool { if case .joinedColumns = self { true } else { false } }
}

/// A rectangle of grid positions.
struct HDF5Window: Sendable, Equatable {
  var rows: Range<Int>
  var columns: Range<Int>

  static let empty = HDF5Window(rows: 0..<0, columns: 0..<0)

  var count: Int { rows.count * columns.count }
  func contains(_ y: Int, _ x: Int) -> Bool { rows.contains(y) && columns.contains(x) }
}

/// Distances, in elements, between neighbors in memory.
struct HDF5Strides: Sendable, Equatable {
  var y: Int
  var x: Int
  var pixelY: Int
  var pixelX: Int
}

extension HDF5FrameLayout {
  /// The part of the dataset that holds whole frames of a window.
  func hyperslab(_ window: HDF5Window) -> Hyperslab {
    var slab = Hyperslab(start: shape.map { _ in 0 }, count: shape)
    switch positions {
    case .separate(let y, let x):
      (slab.start[y], slab.count[y]) = (window.rows.lowerBound, window.rows.count)
      (slab.start[x], slab.count[x]) = (window.columns.lowerBound, window.columns.count)
    case .joined(let axis):
      slab.start[axis] = window.columns.lowerBound
      slab.count[axis] = window.count
    case .joinedColumns(let axis):
      slab.start[axis] = window.columns.lowerBound * grid.y + window.rows.lowerBound
      if window.rows.count == grid.y {
        slab.count[axis] = window.count
      } else {
        var ones = shape.map { _ in 1 }
        slab.block = slab.count
        slab.block?[axis] = window.rows.count
        ones[axis] = window.columns.count
        slab.count = ones
        slab.stride = slab.block
        slab.stride?[axis] = grid.y
      }
    }
    return slab
  }

  /// Order in memory of the elements of a window after its hyperslab has been read.
  func strides(in window: HDF5Window) -> HDF5Strides {
    let counts = hyperslab(window).shape
    var distances = counts.map { _ in 1 }
    for axis in counts.indices.dropLast().reversed() { distances[axis] = distances[axis + 1] * counts[axis + 1] }
    let (y, x) = Self.distances(positions, distances, Shape(window.rows.count, window.columns.count))
    let (pixelY, pixelX) = Self.distances(pixels, distances, detector)
    return HDF5Strides(y: y, x: x, pixelY: pixelY, pixelX: pixelX)
  }

  private static func distances(_ axes: Axes, _ distances: [Int], _ extent: Shape) -> (Int, Int) {
    switch axes {
    case .separate(let y, let x): (distances[y], distances[x])
    case .joined(let axis): (distances[axis] * extent.x, distances[axis])
    case .joinedColumns(let axis): (distances[axis], distances[axis] * extent.y)
    }
  }
}
