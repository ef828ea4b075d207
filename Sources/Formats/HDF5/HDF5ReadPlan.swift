import HDF5
import STEM

/// Which positions are read together, so that no chunk is decoded twice where memory allows.
///
/// A reader holds one window of decoded frames: at most `batchBytes` (4 MiB) where chunks allow it, up to `usualBytes`
/// (64 MiB; twice that where axes are reordered) otherwise, and up to `mostBytes` (256 MiB) where only that lets a
/// window hold whole rows of chunks. A single frame or chunk row of one frame is read however large it is.
struct HDF5ReadPlan: Sendable, Equatable, Codable {
  struct Limits: Sendable, Equatable, Codable {
    var batchBytes = 4 << 20
    var usualBytes = 64 << 20
    var mostBytes = 256 << 20
  }

  let limits: Limits
  let layout: HDF5FrameLayout
  let frameBytes: Int
  /// The smallest rectangle of positions to read at once: `rows` whole rows, or part of one row.
  let rows: Int
  let columns: Int
  /// How often a chunk is decoded in one pass through the file; 1 unless chunks are too large for the window.
  let repeats: Int

  init(_ layout: HDF5FrameLayout, frameBytes: Int, chunk: [Int]?, limits: Limits = Limits()) {
    self.limits = limits
    let reordered = !layout.isStandard
    self.layout = layout
    self.frameBytes = max(1, frameBytes)
    let usual = reordered ? limits.usualBytes / 2 : limits.usualBytes
    let grid = layout.grid
    let rowBytes = grid.x * self.frameBytes
    let fitting = max(1, min(grid.y, usual / rowBytes))
    guard let chunk else {
      // Frames are not contiguous: every pass over the file reads as many as possible.
      let scattered = reordered && !layout.isTransposed
      rows = scattered ? fitting : 1
      columns = scattered ? max(1, min(grid.x, usual / self.frameBytes)) : 1
      repeats = 1
      return
    }
    let (tall, wide) = Self.positions(ofChunk: chunk, layout)
    let most = reordered ? limits.mostBytes / 2 : limits.mostBytes
    if tall == 1 {
      // Chunks that do not fill rows evenly: a run of positions would cut them.
      let even = grid.x % wide == 0 || grid.y == 1 || rowBytes > usual
      let wanted = even ? wide : grid.x
      rows = 1
      columns = wanted * self.frameBytes <= most ? wanted : max(1, usual / self.frameBytes)
      repeats = (wide + columns - 1) / columns
    } else if tall * rowBytes <= most {
      (rows, columns, repeats) = (tall, grid.x, 1)
    } else if rowBytes <= usual {
      (rows, columns, repeats) = (fitting, grid.x, (tall + fitting - 1) / fitting)
    } else {
      rows = 1
      let affordable = max(1, usual / self.frameBytes)
      columns = min(grid.x, wide * self.frameBytes <= most ? max(1, affordable / wide) * wide : affordable)
      repeats = tall * ((wide + columns - 1) / columns)
    }
  }

  /// Rows and columns of the grid that a chunk spans.
  private static func positions(ofChunk chunk: [Int], _ layout: HDF5FrameLayout) -> (Int, Int) {
    switch layout.positions {
    case .separate(let y, let x): (min(chunk[y], layout.grid.y), min(chunk[x], layout.grid.x))
    case .joined(let axis): (1, min(chunk[axis], layout.grid.x))
    case .joinedColumns(let axis): (min(chunk[axis], layout.grid.y), 1)
    }
  }

  /// What large chunks cost, in words.
  func repeatNote(_ chunk: [Int]) -> String {
    "chunks \(chunk) hold more frames than fit in \(limits.usualBytes >> 20) MiB: each is decoded about \(repeats) "
      + "times; chunks of one or a few whole frames are read faster (h5repack -l CHUNK=…)"
  }

  /// Consecutive positions that are best read together.
  var chunkPositions: Int { columns == layout.grid.x ? rows * columns : columns }

  /// The window for a position when positions up to `end` (exclusive, flat) are wanted. `batchBytes`: in place of the
  /// limit of that name.
  func window(at position: Int, wantedEnd end: Int, batchBytes: Int? = nil) -> HDF5Window {
    let batchBytes = batchBytes ?? limits.batchBytes
    let grid = layout.grid
    let (y, x) = (position / grid.x, position % grid.x)
    if columns == grid.x {
      let first = y / rows * rows
      let wanted = ((end - 1) / grid.x + 1 - first + rows - 1) / rows * rows
      let affordable = max(1, batchBytes / (rows * grid.x * frameBytes)) * rows
      return HDF5Window(rows: first..<min(grid.y, first + min(wanted, affordable)), columns: 0..<grid.x)
    }
    if x == 0, end - position >= 2 * grid.x, 2 * grid.x * frameBytes <= batchBytes {
      // Small frames: several whole rows in one call.
      let rows = min((end - position) / grid.x, batchBytes / (grid.x * frameBytes))
      return HDF5Window(rows: y..<y + rows, columns: 0..<grid.x)
    }
    let first = x / columns * columns
    let rowEnd = min(grid.x, end - y * grid.x)
    let wanted = (rowEnd - first + columns - 1) / columns * columns
    let affordable = max(1, batchBytes / (columns * frameBytes)) * columns
    return HDF5Window(rows: y..<y + 1, columns: first..<min(grid.x, first + min(wanted, affordable)))
  }
}
