import FFT
import STEM

/// Fourier series of maps on a scan that repeats itself. The spectrum is (column frequency, row frequency), real and
/// imaginary parts one after the other.
final class PeriodicSpace: GradientSpace {
  private typealias Sample = SIMD2<Double>

  let shape: Shape
  var count: Int { 2 * shape.count }
  let squares: [Double]
  let frequencies: [Double]
  /// Wave numbers [rad/Å]; 0 for the highest one of an even number of samples, whose derivative has no sign.
  private let down: [Double]
  private let right: [Double]
  private let transform: PlaneTransform

  init(_ shape: Shape, step: Pair<Double>) {
    self.shape = shape
    let waves = { (count: Int, step: Double) in
      (0..<count).map { 2 * Double.pi * Double($0 < (count + 1) / 2 ? $0 : $0 - count) / (Double(count) * step) }
    }
    let odd = { (waves: [Double]) in
      waves.enumerated().map { 2 * $0 == waves.count ? 0 : $1 }
    }
    let all = (down: waves(shape.y, step.y), right: waves(shape.x, step.x))
    let (down, right) = (odd(all.down), odd(all.right))
    (self.down, self.right) = (down, right)
    squares = right.flatMap { x in down.flatMap { y in Array(repeating: y * y + x * x, count: 2) } }
    frequencies = all.right.flatMap { x in
      all.down.flatMap { y in Array(repeating: (y * y + x * x) / (4 * .pi * .pi), count: 2) }
    }
    transform = PlaneTransform(rows: shape.y, columns: shape.x)
  }

  private var plane: UnsafeMutablePointer<Sample> { transform.plane.samples }
  private var spectrum: UnsafeMutablePointer<Sample> { transform.spectrum.samples }

  func analyze(_ map: [Double], into result: inout [Double]) {
    for index in map.indices { plane[index] = Sample(map[index], 0) }
    transform.forward()
    result = (0..<count).map { spectrum[$0 / 2][$0 & 1] }
  }

  func synthesize(_ values: [Double], into map: inout [Double]) {
    for index in 0..<shape.count { spectrum[index] = Sample(values[2 * index], values[2 * index + 1]) }
    transform.backward()
    map = (0..<shape.count).map { plane[$0].x }
  }

  /// Both components are real: together they are one complex map, g_y + i·g_x.
  func gradient(_ values: [Double], y: inout [Double], x: inout [Double]) {
    eachWave { index, _, row, column in
      let (re, im) = (values[2 * index], values[2 * index + 1])
      // i·row·P + i·(i·column·P)
      spectrum[index] = Sample(-row * im - column * re, row * re - column * im)
    }
    transform.backward()
    y = (0..<shape.count).map { plane[$0].x }
    x = (0..<shape.count).map { plane[$0].y }
  }

  func adjoint(y: [Double], x: [Double], into result: inout [Double]) {
    for index in y.indices { plane[index] = Sample(y[index], x[index]) }
    transform.forward()
    if result.count != count { result = Array(repeating: 0, count: count) }
    eachWave { index, opposite, row, column in
      let here = spectrum[index], there = spectrum[opposite]
      let gy = Sample(here.x + there.x, here.y - there.y) / 2
      let gx = Sample(here.y + there.y, there.x - here.x) / 2
      let sum = gy * row + gx * column
      // Times −i.
      result[2 * index] = sum.y
      result[2 * index + 1] = -sum.x
    }
  }

  private func eachWave(_ body: (_ index: Int, _ opposite: Int, _ row: Double, _ column: Double) -> Void) {
    for (j, column) in right.enumerated() {
      let mirrored = j == 0 ? 0 : shape.x - j
      for (i, row) in down.enumerated() {
        body(j * shape.y + i, mirrored * shape.y + (i == 0 ? 0 : shape.y - i), row, column)
      }
    }
  }
}
