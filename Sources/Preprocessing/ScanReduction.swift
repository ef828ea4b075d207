import STEM

/// A smaller scan: a window of positions, then bins in it, whose frames are summed.
struct ScanReduction: Sendable, Equatable {
  /// Of the positions in the file.
  let raw: Shape
  /// Whole bins.
  let window: Window
  let bin: Shape

  var shape: Shape { Shape(window.rows.count / bin.y, window.columns.count / bin.x) }
  var isIdentity: Bool { window == Window(raw) && bin == Shape(1, 1) }

  /// Runs of positions within rows.
  func rowRuns(of positions: Range<Int>, atMost longest: Int) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var next = positions.lowerBound
    while next < positions.upperBound {
      let rowEnd = (next / shape.x + 1) * shape.x
      let end = min(positions.upperBound, rowEnd, next + longest)
      runs.append(next..<end)
      next = end
    }
    return runs
  }

  /// The positions of the file that row `line` of the bins of a run within a row consists of.
  func source(of run: Range<Int>, line: Int) -> Range<Int> {
    let y = window.rows.lowerBound + run.lowerBound / shape.x * bin.y + line
    let x = window.columns.lowerBound + run.lowerBound % shape.x * bin.x
    return y * raw.x + x..<y * raw.x + x + run.count * bin.x
  }

  /// Positions of the file whose corrected position is selected.
  func expanded(_ selection: PositionSelection) -> PositionSelection {
    var selected = [Bool](repeating: false, count: raw.count)
    for y in window.rows {
      for x in window.columns {
        let position = (y - window.rows.lowerBound) / bin.y * shape.x + (x - window.columns.lowerBound) / bin.x
        selected[y * raw.x + x] = selection.selected?[position] ?? true
      }
    }
    return PositionSelection(shape: raw, selected: selected.contains(false) ? selected : nil)
  }

  /// Consecutive positions that are best read together, from those of the file.
  func chunkPositions(_ stored: Int) -> Int {
    guard stored > 1 else { return 1 }
    let rows = stored / raw.x
    return rows > 0 ? max(1, rows / bin.y) * shape.x : min(shape.x, max(1, stored / bin.x))
  }
}
