import ComplexModule
import FFT
import Foundation
import Testing

@Suite("Cosine series and 2-D transforms")
struct SeriesTests {
  private func noise(_ count: Int) -> [Double] {
    (0..<count).map { (index: Int) -> Double in
      let value = (index * 7919 + 13) % 1009
      return Double(value) / 500 - 1
    }
  }

  private func analyze(_ values: [Double], _ length: Int, _ series: CosineTransform.Series) -> [Double] {
    var result = values
    let transform = CosineTransform(length: length)
    result.withUnsafeMutableBufferPointer {
      transform.analyze($0.baseAddress!, rows: values.count / length, as: series)
    }
    return result
  }

  private func synthesize(_ values: [Double], _ length: Int, _ series: CosineTransform.Series) -> [Double] {
    var result = values
    let transform = CosineTransform(length: length)
    result.withUnsafeMutableBufferPointer {
      transform.synthesize($0.baseAddress!, rows: values.count / length, as: series)
    }
    return result
  }

  @Test("coefficients are those of the definition, for any length and number of rows", arguments: [1, 2, 3, 8, 15, 40])
  func definition(n: Int) {
    let rows = 3
    let values = noise(rows * n)
    let cosine = analyze(values, n, .cosine), sine = analyze(values, n, .sine)
    for row in 0..<rows {
      for k in 0..<n {
        let scale = ((k == 0 ? 1 : 2) / Double(n)).squareRoot()
        var (c, s) = (0.0, 0.0)
        for j in 0..<n {
          let angle = Double.pi * Double(k) * (Double(j) + 0.5) / Double(n)
          c += scale * values[row * n + j] * cos(angle)
          s += scale * values[row * n + j] * sin(angle)
        }
        #expect(abs(cosine[row * n + k] - c) < 1e-13 && abs(sine[row * n + k] - s) < 1e-13)
      }
    }
  }

  @Test("synthesis is the transpose of analysis; there and back gives the samples", arguments: [1, 2, 7, 16, 31])
  func roundTrip(n: Int) {
    let values = noise(5 * n)
    let back = synthesize(analyze(values, n, .cosine), n, .cosine)
    #expect(zip(back, values).allSatisfy { abs($0 - $1) < 1e-13 })
    let (a, b) = (noise(n), Array(noise(3 * n)[(2 * n)...]))
    for series in [CosineTransform.Series.cosine, .sine] {
      let left = zip(analyze(a, n, series), b).reduce(0) { $0 + $1.0 * $1.1 }
      let right = zip(a, synthesize(b, n, series)).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(left - right) < 1e-12)
    }
  }

  @Test("rows and columns one by one are the 2-D transform, with swapped axes", arguments: [(8, 12), (5, 7), (33, 20)])
  func plane(rows: Int, columns: Int) {
    let transform = PlaneTransform(rows: rows, columns: columns)
    let values: [Complex<Double>] = noise(rows * columns).map { Complex($0, $0 * $0 - 0.3) }
    for (index, value) in values.enumerated() { transform.plane[index] = value }
    transform.forward()
    let whole = ComplexBuffer(values)
    FourierTransform<Double>(shape: [rows, columns], .forward)(whole)
    let scale = Complex(1 / Double(rows * columns).squareRoot())
    for row in 0..<rows {
      for column in 0..<columns {
        let difference = transform.spectrum[column * rows + row] - scale * whole[row * columns + column]
        #expect(difference.length < 1e-12)
      }
    }
    transform.backward()
    for (index, value) in values.enumerated() { #expect((transform.plane[index] - value).length < 1e-13) }
  }
}
