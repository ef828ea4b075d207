import FFT
import Foundation
import STEM

/// A complex number (real, imaginary) with the layout of `Complex<Float>`, whose accessors test for infinity: too slow
/// for every sample of every pattern.
typealias Sample = SIMD2<Float>

extension Sample {
  @inline(__always) var intensity: Float { x * x + y * y }
  @inline(__always) func times(_ other: Sample) -> Sample {
    Sample(x * other.x - y * other.y, x * other.y + y * other.x)
  }
}

extension ComplexBuffer<Float> {
  /// The elements; FFTW aligns them to 16 bytes.
  var samples: UnsafeMutablePointer<Sample> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Sample.self)
  }
}

/// The wave in its window: probe → exit wave → pattern.
///
/// Transforms along rows and columns are planned one by one with transpositions between: planned by rule, FFTW makes
/// 256² samples ten times faster so than as one 2-D plan, and the probe's transform skips rows outside the aperture.
/// In real space the wave is stored column after column, y fastest.
final class WindowTransform {
  /// Samples of a cache line: transpositions go in squares of this edge.
  private static let edge = 8

  private let shape: Shape
  private let probe: ProbeSpectrum
  /// rows of the aperture × columns
  private let spectrum: ComplexBuffer<Float>
  /// columns × rows
  private let wave: ComplexBuffer<Float>
  /// rows × columns
  private let diffracted: ComplexBuffer<Float>
  private let probeRows: FourierTransform<Float>
  private let columnsBack: FourierTransform<Float>
  private let columns: FourierTransform<Float>
  private let rows: FourierTransform<Float>

  init(shape: Shape, probe: ProbeSpectrum) {
    self.shape = shape
    self.probe = probe
    spectrum = ComplexBuffer(count: probe.values.count)
    wave = ComplexBuffer(count: shape.count)
    diffracted = ComplexBuffer(count: shape.count)
    probeRows = FourierTransform(shape: [shape.x], batch: probe.rows.count, .backward)
    columnsBack = FourierTransform(shape: [shape.y], batch: shape.x, .backward)
    columns = FourierTransform(shape: [shape.y], batch: shape.x, .forward)
    rows = FourierTransform(shape: [shape.x], batch: shape.y, .forward)
  }

  /// Fills the wave with the probe, its middle `shift` samples from the window's first one.
  func placeProbe(shift: Pair<Double>) {
    let alongX = ramp(shift.x, Array(0..<shape.x), shape.x)
    let alongY = ramp(shift.y, probe.rows, shape.y)
    let target = spectrum.samples
    probe.values.withUnsafeBufferPointer { values in
      alongX.withUnsafeBufferPointer { alongX in
        for row in 0..<alongY.count {
          let start = row * shape.x
          let factor = alongY[row]
          for column in 0..<shape.x {
            target[start + column] = values[start + column].times(factor.times(alongX[column]))
          }
        }
      }
    }
    probeRows(spectrum)
    spread()
    columnsBack(wave)
  }

  /// spectrum (aperture's rows × columns) → wave (columns × rows), zero outside the aperture.
  private func spread() {
    let (source, target) = (spectrum.samples, wave.samples)
    memset(target, 0, wave.count * MemoryLayout<Sample>.stride)
    probe.rows.withUnsafeBufferPointer { rows in
      for firstColumn in stride(from: 0, to: shape.x, by: Self.edge) {
        let lastColumn = min(firstColumn + Self.edge, shape.x)
        for row in 0..<rows.count {
          for column in firstColumn..<lastColumn {
            target[column * shape.y + rows[row]] = source[row * shape.x + column]
          }
        }
      }
    }
  }

  /// exp(−2πi·shift·k/count) for each frequency index.
  private func ramp(_ shift: Double, _ indices: [Int], _ count: Int) -> [Sample] {
    indices.map { index in
      let k = index < (count + 1) / 2 ? index : index - count
      let turns = -shift * Double(k) / Double(count)
      let angle = 2 * Double.pi * (turns - turns.rounded())
      return Sample(Float(cos(angle)), Float(sin(angle)))
    }
  }

  /// wave · object, the object's window beginning at sample `origin`; `period`: object samples along x.
  func multiply(by object: UnsafeBufferPointer<Sample>, stride: Int, origin: Shape, _ period: Int) {
    for column in 0..<shape.x {
      let source = object.baseAddress! + (origin.x + column) % period * stride + origin.y
      let target = wave.samples + column * shape.y
      for row in 0..<shape.y { target[row] = target[row].times(source[row]) }
    }
  }

  /// Σ values·|wave|² / Σ |wave|².
  func mean(of values: UnsafeBufferPointer<Float>, stride: Int, origin: Shape, _ period: Int) -> Double {
    var (sum, total) = (0.0, 0.0)
    for column in 0..<shape.x {
      let source = values.baseAddress! + (origin.x + column) % period * stride + origin.y
      let target = wave.samples + column * shape.y
      for row in 0..<shape.y {
        let intensity = Double(target[row].intensity)
        sum += intensity * Double(source[row])
        total += intensity
      }
    }
    return sum / total
  }

  /// |FFT(wave)|²·scale with frequency 0 at the pixel shape / 2. Overwrites the wave.
  func diffract(into pattern: UnsafeMutableBufferPointer<Float>, scale: Float) {
    columns(wave)
    transpose()
    rows(diffracted)
    let half = shape.x / 2
    for row in 0..<shape.y {
      let source = diffracted.samples + row * shape.x
      let target = pattern.baseAddress! + (row + shape.y / 2) % shape.y * shape.x
      for column in 0..<shape.x - half { target[column + half] = source[column].intensity * scale }
      for column in 0..<half { target[column] = source[column + shape.x - half].intensity * scale }
    }
  }

  /// wave (columns × rows) → diffracted (rows × columns), in squares that fit the cache.
  private func transpose() {
    let (source, target) = (wave.samples, diffracted.samples)
    for firstColumn in stride(from: 0, to: shape.x, by: Self.edge) {
      let lastColumn = min(firstColumn + Self.edge, shape.x)
      for firstRow in stride(from: 0, to: shape.y, by: Self.edge) {
        for row in firstRow..<min(firstRow + Self.edge, shape.y) {
          for column in firstColumn..<lastColumn {
            target[row * shape.x + column] = source[column * shape.y + row]
          }
        }
      }
    }
  }
}
