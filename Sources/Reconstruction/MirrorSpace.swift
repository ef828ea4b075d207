import FFT
import STEM

/// Cosine series of maps that are even about the scan's edges. The spectrum is (column frequency, row frequency).
final class MirrorSpace: GradientSpace {
  let shape: Shape
  var count: Int { shape.count }
  let squares: [Double]
  var frequencies: [Double] { squares.map { $0 / (4 * .pi * .pi) } }
  /// Wave numbers πk/(n·step) [rad/Å] down and along the rows.
  private let down: [Double]
  private let right: [Double]
  private let columns: CosineTransform
  private let rows: CosineTransform
  private var plane: [Double]
  private var waves: [Double]

  init(_ shape: Shape, step: Pair<Double>) {
    self.shape = shape
    let down = (0..<shape.y).map { Double.pi * Double($0) / (Double(shape.y) * step.y) }
    let right = (0..<shape.x).map { Double.pi * Double($0) / (Double(shape.x) * step.x) }
    (self.down, self.right) = (down, right)
    squares = right.flatMap { x in down.map { $0 * $0 + x * x } }
    columns = CosineTransform(length: shape.y)
    rows = CosineTransform(length: shape.x)
    plane = Array(repeating: 0, count: shape.count)
    waves = plane
  }

  func analyze(_ map: [Double], into spectrum: inout [Double]) {
    analyze(map, down: .cosine, right: .cosine)
    spectrum = waves
  }

  func synthesize(_ spectrum: [Double], into map: inout [Double]) {
    waves = spectrum
    synthesize(down: .cosine, right: .cosine, into: &map)
  }

  func gradient(_ spectrum: [Double], y: inout [Double], x: inout [Double]) {
    differentiate(spectrum) { _, row in -row }
    synthesize(down: .sine, right: .cosine, into: &y)
    differentiate(spectrum) { column, _ in -column }
    synthesize(down: .cosine, right: .sine, into: &x)
  }

  func adjoint(y: [Double], x: [Double], into spectrum: inout [Double]) {
    analyze(y, down: .sine, right: .cosine)
    differentiate(waves) { _, row in -row }
    swap(&spectrum, &waves)
    if waves.count != count { waves = Array(repeating: 0, count: count) }
    analyze(x, down: .cosine, right: .sine)
    differentiate(waves) { column, _ in -column }
    waves.withUnsafeBufferPointer { waves in
      spectrum.withUnsafeMutableBufferPointer { for i in waves.indices { $0[i] += waves[i] } }
    }
  }

  /// Into `waves`: each number times what `factor` makes of its wave numbers along and down the rows.
  private func differentiate(_ spectrum: [Double], _ factor: (_ column: Double, _ row: Double) -> Double) {
    spectrum.withUnsafeBufferPointer { source in
      waves.withUnsafeMutableBufferPointer { target in
        var index = 0
        for column in right {
          for row in down {
            target[index] = source[index] * factor(column, row)
            index += 1
          }
        }
      }
    }
  }

  private func analyze(_ map: [Double], down: CosineTransform.Series, right: CosineTransform.Series) {
    plane = map
    plane.withUnsafeMutableBufferPointer { plane in
      waves.withUnsafeMutableBufferPointer { waves in
        rows.analyze(plane.baseAddress!, rows: shape.y, as: right)
        transpose(UnsafePointer(plane.baseAddress!), rows: shape.y, columns: shape.x, into: waves.baseAddress!)
        columns.analyze(waves.baseAddress!, rows: shape.x, as: down)
      }
    }
  }

  /// Of `waves`, which are lost.
  private func synthesize(down: CosineTransform.Series, right: CosineTransform.Series, into map: inout [Double]) {
    if map.count != count { map = Array(repeating: 0, count: count) }
    waves.withUnsafeMutableBufferPointer { waves in
      map.withUnsafeMutableBufferPointer { map in
        columns.synthesize(waves.baseAddress!, rows: shape.x, as: down)
        transpose(UnsafePointer(waves.baseAddress!), rows: shape.x, columns: shape.y, into: map.baseAddress!)
        rows.synthesize(map.baseAddress!, rows: shape.y, as: right)
      }
    }
  }
}
