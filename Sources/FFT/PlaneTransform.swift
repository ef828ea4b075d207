import ComplexModule

/// A 2-D Fourier transform between buffers of its own, orthonormal, planned by rule: rows and columns one after the
/// other, which FFTW makes several times faster than a large 2-D plan by rule. One thread at a time.
public final class PlaneTransform {
  public let rows: Int
  public let columns: Int
  /// rows × columns
  public let plane: ComplexBuffer<Double>
  /// columns × rows: the frequency along columns is the slow index.
  public let spectrum: ComplexBuffer<Double>
  private let alongRows: [FourierTransform<Double>]
  private let alongColumns: [FourierTransform<Double>]

  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    plane = ComplexBuffer(count: rows * columns)
    spectrum = ComplexBuffer(count: rows * columns)
    alongRows = [.forward, .backward].map { FourierTransform(shape: [columns], batch: rows, $0) }
    alongColumns = [.forward, .backward].map { FourierTransform(shape: [rows], batch: columns, $0) }
  }

  /// plane → spectrum; the plane is lost.
  public func forward() {
    alongRows[0](plane)
    transpose(UnsafePointer(plane.samples), rows: rows, columns: columns, into: spectrum.samples)
    alongColumns[0](spectrum)
    normalize(spectrum)
  }

  /// spectrum → plane; the spectrum is lost.
  public func backward() {
    alongColumns[1](spectrum)
    transpose(UnsafePointer(spectrum.samples), rows: columns, columns: rows, into: plane.samples)
    alongRows[1](plane)
    normalize(plane)
  }

  private func normalize(_ buffer: ComplexBuffer<Double>) {
    let scale = 1 / Double(rows * columns).squareRoot()
    let values = buffer.samples
    for index in 0..<buffer.count { values[index] *= scale }
  }
}

/// `target` (columns × rows) = transpose of `source` (rows × columns), in squares that fit the cache.
@inlinable public func transpose<Element: BitwiseCopyable>(
  _ source: UnsafePointer<Element>, rows: Int, columns: Int, into target: UnsafeMutablePointer<Element>
) {
  let edge = 16
  for firstRow in stride(from: 0, to: rows, by: edge) {
    for firstColumn in stride(from: 0, to: columns, by: edge) {
      for column in firstColumn..<min(firstColumn + edge, columns) {
        for row in firstRow..<min(firstRow + edge, rows) {
          target[column * rows + row] = source[row * columns + column]
        }
      }
    }
  }
}
