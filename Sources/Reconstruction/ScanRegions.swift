import STEM

/// Regions of known positions that are connected by neighbors in y or x.
struct ScanRegions: Equatable {
  /// Of all sizes.
  private(set) var count = 0
  /// Positions that are a region of their own, in raster order.
  private(set) var single: [Int] = []

  /// - Parameter isKnown: row-major, `shape.count` values
  init(_ shape: Shape, isKnown: [Bool]) {
    var isOpen = isKnown
    for start in isKnown.indices where isOpen[start] {
      isOpen[start] = false
      var reached = [start], size = 0
      while let position = reached.popLast() {
        size += 1
        for neighbor in Self.neighbors(position, shape) where isOpen[neighbor] {
          isOpen[neighbor] = false
          reached.append(neighbor)
        }
      }
      count += 1
      if size == 1 { single.append(start) }
    }
  }

  private static func neighbors(_ position: Int, _ shape: Shape) -> [Int] {
    let (y, x) = (position / shape.x, position % shape.x)
    return (y > 0 ? [position - shape.x] : []) + (y < shape.y - 1 ? [position + shape.x] : [])
      + (x > 0 ? [position - 1] : []) + (x < shape.x - 1 ? [position + 1] : [])
  }
}
