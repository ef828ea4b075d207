import ComplexModule
import Foundation

/// Orthonormal cosine and sine series of rows of real numbers, both even or odd about the points half a sample before
/// the first and behind the last sample (DCT-II and DST-II without its highest frequency; their transposes).
///
/// With s₀ = √(1/n), s_k = √(2/n):
/// cosine: x_j = Σ_k s_k c_k cos(πk(j + ½)/n), k = 0 ..< n; sine: x_j = Σ_k s_k c_k sin(πk(j + ½)/n), k = 1 ..< n, where
/// c₀ is 0. The sine of k = n, the highest that the samples can hold, is left out.
///
/// Two rows make one complex transform: Makhoul, IEEE Trans. Acoust. Speech Signal Process. 28 (1980) 27. One thread at
/// a time.
public final class CosineTransform {
  public enum Series: Sendable { case cosine, sine }

  private typealias Sample = SIMD2<Double>

  public let length: Int
  private let buffer: ComplexBuffer<Double>
  private let forward: FourierTransform<Double>
  private let backward: FourierTransform<Double>
  /// exp(−iπk/2n)
  private let turns: [SIMD2<Double>]

  /// For rows of `length` samples, at least 1.
  public init(length: Int) {
    self.length = length
    buffer = ComplexBuffer(count: length)
    forward = FourierTransform(shape: [length], .forward)
    backward = FourierTransform(shape: [length], .backward)
    turns = (0..<length).map { k in
      let angle = -Double.pi * Double(k) / Double(2 * length)
      return SIMD2(cos(angle), sin(angle))
    }
  }

  /// Replaces the samples of `rows` consecutive rows by their coefficients.
  public func analyze(_ data: UnsafeMutablePointer<Double>, rows: Int, as series: Series) {
    eachPair(data, rows) { first, second in
      load(first, second, alternating: series == .sine)
      forward(buffer)
      storeCoefficients(first, second, reversed: series == .sine)
    }
  }

  /// Replaces the coefficients of `rows` consecutive rows by the samples.
  public func synthesize(_ data: UnsafeMutablePointer<Double>, rows: Int, as series: Series) {
    eachPair(data, rows) { first, second in
      loadCoefficients(first, second, reversed: series == .sine)
      backward(buffer)
      store(first, second, alternating: series == .sine)
    }
  }

  private func eachPair(
    _ data: UnsafeMutablePointer<Double>, _ rows: Int,
    _ body: (UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>?) -> Void
  ) {
    for row in stride(from: 0, to: rows, by: 2) {
      body(data + row * length, row + 1 < rows ? data + (row + 1) * length : nil)
    }
  }

  /// Even samples from the front, odd ones from the back.
  private func load(
    _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>?, alternating: Bool
  ) {
    let target = buffer.samples
    for j in 0..<length {
      let value = Sample(first[j], second?[j] ?? 0)
      target[j & 1 == 0 ? j / 2 : length - 1 - j / 2] = alternating && j & 1 == 1 ? -value : value
    }
  }

  private func store(
    _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>?, alternating: Bool
  ) {
    let source = buffer.samples
    for j in 0..<length {
      let value = source[j & 1 == 0 ? j / 2 : length - 1 - j / 2]
      let signed = alternating && j & 1 == 1 ? -value : value
      first[j] = signed.x
      second?[j] = signed.y
    }
  }

  /// Real part of exp(−iπk/2n)·V_k for each of the two rows in V.
  private func storeCoefficients(
    _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>?, reversed: Bool
  ) {
    let (source, n) = (buffer.samples, length)
    let scale = (2 / Double(n)).squareRoot() / 2
    turns.withUnsafeBufferPointer { turns in
      for k in 0..<n {
        let here = source[k], there = source[k == 0 ? 0 : n - k], turn = turns[k]
        let a = turn.x * (here.x + there.x) - turn.y * (here.y - there.y)
        let b = turn.x * (here.y + there.y) + turn.y * (here.x - there.x)
        // A sine is a cosine counted from the other end, with alternating signs.
        let place = reversed ? (k == 0 ? 0 : n - k) : k
        let factor = k > 0 ? scale : reversed ? 0 : scale * 0.5.squareRoot()
        first[place] = factor * a
        second?[place] = factor * b
      }
    }
  }

  private func loadCoefficients(
    _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>?, reversed: Bool
  ) {
    let (target, n) = (buffer.samples, length)
    let scale = (2 / Double(n)).squareRoot() / 2
    let lowest = reversed ? 0 : scale * 2.0.squareRoot()
    turns.withUnsafeBufferPointer { turns in
      for k in 0..<n {
        let place = reversed && k > 0 ? n - k : k, mirror = reversed || k == 0 ? k : n - k
        let a = first[place], b = second?[place] ?? 0
        let c = k == 0 ? 0 : first[mirror], d = k == 0 ? 0 : second?[mirror] ?? 0
        let factor = k == 0 ? lowest : scale
        let real = factor * (a + d), imaginary = factor * (b - c)
        // Times exp(+iπk/2n).
        let turn = turns[k]
        target[k] = Sample(turn.x * real + turn.y * imaginary, turn.x * imaginary - turn.y * real)
      }
    }
  }
}
