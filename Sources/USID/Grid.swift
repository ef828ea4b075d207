import STEM

/// The dimensions that a pair of ancillary datasets describes.
struct Grid: Sendable {
  /// Slow first.
  var dimensions: [ResultDimension]
  /// The place of each point in the N-dimensional form; nil: points are in that order already.
  var order: [Int]?

  /// - Parameters:
  ///   - indices, values: one row an axis, one column a point.
  ///   - isFastFirst: the order of the axes where the indices do not determine it; known from the file's writer.
  init(labels: [String], units: [String], indices: [[Int]], values: [[Double]], isFastFirst: Bool) {
    let count = indices.first?.count ?? 0
    // An index beyond the number of points cannot belong to a grid; 0 stands for it.
    let sizes = indices.map { row in row.max().flatMap { $0 < count ? $0 + 1 : nil } ?? 0 }
    let axes = Self.slowFirst(indices, sizes, isFastFirst)
    guard let order = Self.order(indices, sizes, axes, count) else {
      // Sparse positions have no N-dimensional form.
      dimensions = [ResultDimension(labels.joined(separator: "_") + "_point", "", (0..<count).map(Double.init))]
      self.order = nil
      return
    }
    self.order = order.enumerated().allSatisfy { $0 == $1 } ? nil : order
    dimensions = axes.map { axis in
      var steps = [Double](repeating: 0, count: sizes[axis])
      for (index, value) in zip(indices[axis], values[axis]).reversed() { steps[index] = value }
      return ResultDimension(labels[axis], units[axis], steps)
    }
  }

  /// The axes from the slowest to the fastest. The number of changes along the points tells, except among axes of one
  /// step: those keep the place that the order of the columns gives them.
  private static func slowFirst(_ indices: [[Int]], _ sizes: [Int], _ isFastFirst: Bool) -> [Int] {
    let changes = indices.map { row in zip(row, row.dropFirst()).reduce(0) { $0 + ($1.0 == $1.1 ? 0 : 1) } }
    let wide = indices.indices.filter { sizes[$0] > 1 }
    let pairs = zip(wide, wide.dropFirst())
    let rises = wide.count > 1 && pairs.allSatisfy { changes[$0] <= changes[$1] }
    let falls = wide.count > 1 && pairs.allSatisfy { changes[$0] >= changes[$1] }
    if wide.count > 1, !rises, !falls { return indices.indices.sorted { changes[$0] < changes[$1] } }
    let fastFirst = wide.count > 1 && rises != falls ? falls : isFastFirst
    return fastFirst ? indices.indices.reversed() : Array(indices.indices)
  }

  /// nil unless every combination of indices stands exactly once.
  private static func order(_ indices: [[Int]], _ sizes: [Int], _ axes: [Int], _ count: Int) -> [Int]? {
    guard count > 0, !sizes.contains(0), indices.allSatisfy({ $0.allSatisfy { $0 >= 0 } }) else { return nil }
    var product = 1
    for size in sizes {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      guard !overflow, next <= count else { return nil }
      product = next
    }
    guard product == count else { return nil }
    var seen = [Bool](repeating: false, count: count)
    var order = [Int](repeating: 0, count: count)
    for point in 0..<count {
      let place = axes.reduce(0) { $0 * sizes[$1] + indices[$1][point] }
      if seen[place] { return nil }
      seen[place] = true
      order[point] = place
    }
    return order
  }

  var count: Int { dimensions.reduce(1) { $0 * $1.size } }

  /// Whether it stands for a single position or value only.
  var isSingle: Bool { count == 1 && dimensions.allSatisfy { $0.name.lowercased().hasPrefix("arb") } }

  /// Two dimensions of the given shape where the file had to leave out one of size 1; itself where its dimensions have other
  /// names.
  func widened(to shape: [Int]?, _ names: [String]) -> Grid {
    guard let shape, shape.count == 2, dimensions.count < 2, dimensions.allSatisfy({ names.contains($0.name) }),
      shape.allSatisfy({ (1...count).contains($0) }), shape[0] * shape[1] == count, shape.contains(count)
    else { return self }
    var copy = self
    let unit = dimensions.first?.unit ?? ""
    copy.dimensions = zip(names, shape).map { name, size in
      dimensions.first { $0.name == name && $0.size == size }
        ?? ResultDimension(name, unit, (0..<size).map(Double.init))
    }
    return copy
  }
}
