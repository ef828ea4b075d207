import ComplexModule
import FFT
import RealModule
import Testing

@Suite("Fourier transforms")
struct FFTTests {
  /// A reproducible buffer without structure.
  private func noise<Value: FFTPrecision>(_ count: Int, _: Value.Type) -> ComplexBuffer<Value> {
    let buffer = ComplexBuffer<Value>(count: count)
    var state: UInt64 = 42
    func next() -> Value {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Value(state >> 40) / 16_777_216 - 0.5
    }
    for index in 0..<count { buffer[index] = Complex(next(), next()) }
    return buffer
  }

  private func shiftedDelta<Value: FFTPrecision>(_: Value.Type, tolerance: Value) {
    let (height, width, y, x) = (8, 12, 3, 5)
    let buffer = ComplexBuffer<Value>(count: height * width)
    buffer[y * width + x] = Complex(1)
    FourierTransform<Value>(shape: [height, width], .forward)(buffer)
    for ky in 0..<height {
      for kx in 0..<width {
        let phase = -2 * Double.pi * (Double(ky * y) / Double(height) + Double(kx * x) / Double(width))
        let expected = Complex<Value>(Value(Double.cos(phase)), Value(Double.sin(phase)))
        #expect((buffer[ky * width + kx] - expected).length < tolerance)
      }
    }
  }

  @Test("a shifted delta becomes the phase ramp exp(-2 pi i k x / N)")
  func delta() {
    shiftedDelta(Float.self, tolerance: 5e-7)
    shiftedDelta(Double.self, tolerance: 1e-14)
  }

  @Test("there and back multiplies by the number of elements", arguments: [[16], [8, 8], [5, 7], [3, 4, 5]])
  func roundTrip(shape: [Int]) {
    let count = shape.reduce(1, *)
    let buffer = noise(count, Double.self)
    let before = buffer.array
    FourierTransform<Double>(shape: shape, .forward, effort: .measure)(buffer)
    FourierTransform<Double>(shape: shape, .backward)(buffer)
    for (old, new) in zip(before, buffer.array) { #expect((new / Complex(Double(count)) - old).length < 1e-13) }
  }

  @Test("Parseval: the intensity is kept, times the number of elements")
  func parseval() {
    let buffer = noise(32 * 32, Float.self)
    func intensity() -> Double { buffer.elements.reduce(0) { $0 + Double($1.lengthSquared) } }
    let before = intensity()
    FourierTransform<Float>(shape: [32, 32], .forward)(buffer)
    #expect(abs(intensity() / (before * 1024) - 1) < 1e-6)
  }

  @Test("a batch is its transforms one by one, and out of place keeps the source")
  func batches() {
    let (count, batch) = (6 * 10, 3)
    let source = noise(count * batch, Float.self)
    let before = source.array
    let target = ComplexBuffer<Float>(count: count * batch)
    FourierTransform<Float>(shape: [6, 10], batch: batch, .forward, isInPlace: false)(source, into: target)
    #expect(source.array == before)
    let single = FourierTransform<Float>(shape: [6, 10], .forward)
    for index in 0..<batch {
      let part = ComplexBuffer(Array(before[(index * count)..<((index + 1) * count)]))
      single(part)
      for (a, b) in zip(part.array, target.array[(index * count)...]) { #expect((a - b).length < 1e-5) }
    }
  }

  @Test("two plans by rule give the same bits")
  func deterministic() {
    let (first, second) = (noise(64 * 64, Float.self), noise(64 * 64, Float.self))
    FourierTransform<Float>(shape: [64, 64], .forward)(first)
    FourierTransform<Float>(shape: [64, 64], .forward)(second)
    #expect(first.array == second.array)
  }

  @Test("both precisions are there")
  func versions() {
    #expect(FFTLibrary.version.hasPrefix("fftw-3"))
    #expect(FFTLibrary.singleVersion.hasPrefix("fftw-3"))
  }
}
