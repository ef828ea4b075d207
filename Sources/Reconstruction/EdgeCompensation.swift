import FFT
import Foundation
import STEM

/// What a mirrored series cannot hold: slopes across the scan's edges.
///
/// Continued evenly, a phase with a slope at an edge has a kink there, and the samples of its gradient jump, which rings
/// through the whole integral. Harmonic functions with these slopes at the edge, and none at the opposite one, take them
/// over: their gradient is subtracted before the integration, they are added afterwards. Both are exact; fields without
/// slopes at the edges are untouched.
struct EdgeCompensation {
  /// What is added to the integral.
  private(set) var map: [Double]
  /// Its gradient.
  private(set) var gradient: VectorMap

  /// - Parameters:
  ///   - field: gradient, NaN where missing
  ///   - step: distance of positions
  init(_ field: VectorMap, step: Pair<Double>) {
    let shape = field.shape
    let rows = EdgePair(
      shape, step, first: Self.slopes(field.y, shape.x, across: shape.y, along: 1, stride: shape.x, isFirst: true),
      last: Self.slopes(field.y, shape.x, across: shape.y, along: 1, stride: shape.x, isFirst: false))
    let columns = EdgePair(
      Shape(shape.x, shape.y), Pair(step.x, step.y),
      first: Self.slopes(field.x, shape.y, across: shape.x, along: shape.x, stride: 1, isFirst: true),
      last: Self.slopes(field.x, shape.y, across: shape.x, along: shape.x, stride: 1, isFirst: false))
    let turned = { (values: [Double]) in
      var result = values
      transpose(values, rows: shape.x, columns: shape.y, into: &result)
      return result
    }
    map = Self.sum(rows.map, turned(columns.map))
    gradient = VectorMap(
      shape, y: Self.sum(rows.across, turned(columns.along)), x: Self.sum(rows.along, turned(columns.across)))
  }

  private static func sum(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 + $1 } }

  /// The component across an edge, half a step beyond the outermost positions, of every line: by the parabola through
  /// the first three known positions in a row, by a line or the value itself where fewer are known. Lines without a
  /// known outermost position get the mean of their nearest neighbors that have one, weighted by distance.
  private static func slopes(
    _ component: [Double], _ lines: Int, across: Int, along: Int, stride: Int, isFirst: Bool
  ) -> [Double] {
    let found = (0..<lines).map { line -> Double in
      let edge = line * along + (isFirst ? 0 : (across - 1) * stride)
      let inward = isFirst ? stride : -stride
      let values = (0..<min(3, across)).map { component[edge + $0 * inward] }.prefix { $0.isFinite }
      switch values.count {
      case 0: return .nan
      case 1: return values[0]
      case 2: return 1.5 * values[0] - 0.5 * values[1]
      default: return (15 * values[0] - 10 * values[1] + 3 * values[2]) / 8
      }
    }
    return filled(found)
  }

  private static func filled(_ line: [Double]) -> [Double] {
    let known = line.indices.filter { line[$0].isFinite }
    guard let first = known.first, let last = known.last else { return line.map { _ in 0 } }
    var result = line
    var before = first
    for index in line.indices {
      if line[index].isFinite {
        before = index
      } else if index < first || index > last {
        result[index] = line[index < first ? first : last]
      } else {
        let after = line[index...].firstIndex { $0.isFinite }!
        let share = Double(index - before) / Double(after - before)
        result[index] = line[before] * (1 - share) + line[after] * share
      }
    }
    return result
  }
}

/// The harmonic functions of the first and the last row of a map.
private struct EdgePair {
  var map: [Double]
  /// Derivative from row to row.
  var across: [Double]
  /// Derivative from column to column.
  var along: [Double]

  /// - Parameters:
  ///   - first, last: slopes from row to row at the two edges
  init(_ shape: Shape, _ step: Pair<Double>, first: [Double], last: [Double]) {
    let line = CosineTransform(length: shape.x)
    let coefficients = [first, last].map { slopes in
      var values = slopes
      values.withUnsafeMutableBufferPointer { line.analyze($0.baseAddress!, rows: 1, as: .cosine) }
      return values
    }
    map = Array(repeating: 0, count: shape.count)
    (across, along) = (map, map)
    let length = Double(shape.y) * step.y
    for column in 0..<shape.x {
      let wave = Double.pi * Double(column) / (Double(shape.x) * step.x)
      for row in 0..<shape.y {
        let place = row * shape.x + column, depth = (Double(row) + 0.5) * step.y
        let near = Self.profile(wave, depth, length), far = Self.profile(wave, length - depth, length)
        // Seen from the last row, inwards is up.
        map[place] = coefficients[0][column] * near.value - coefficients[1][column] * far.value
        across[place] = coefficients[0][column] * near.slope + coefficients[1][column] * far.slope
        along[place] = -wave * map[place]
      }
    }
    for (array, series) in [(\EdgePair.map, CosineTransform.Series.cosine), (\.across, .cosine), (\.along, .sine)] {
      self[keyPath: array].withUnsafeMutableBufferPointer {
        line.synthesize($0.baseAddress!, rows: shape.y, as: series)
      }
    }
  }

  /// The function of the depth with slope 1 at 0 and 0 at `length` that makes its product with a cosine harmonic:
  /// −cosh(k(L − u))/(k·sinh kL); a parabola for the constant.
  private static func profile(_ wave: Double, _ depth: Double, _ length: Double) -> (value: Double, slope: Double) {
    guard wave > 0 else { return (depth - depth * depth / (2 * length), 1 - depth / length) }
    let down = exp(-wave * depth), up = exp(-wave * (2 * length - depth)), size = 1 - exp(-2 * wave * length)
    return (-(down + up) / (size * wave), (down - up) / size)
  }
}
