import ComplexModule
import Foundation
import STEM

/// The probe in reciprocal space, A·exp(−iχ): only the detector rows that the aperture touches, in FFT order.
struct ProbeSpectrum {
  /// Frequency index along y of each stored row, in 0..<detector rows.
  let rows: [Int]
  /// `rows.count` × detector columns; scaled so that the wave has Σ|ψ|² = 1 after two unnormalized transforms.
  let values: [Sample]

  /// χ = (2π/λ)·½α²·C10, angle α = λk. The aperture's intensity falls from 1 to 0 over two pixels around the
  /// semi-angle as sin²: a sharp edge would give the probe tails that reach around its window.
  init(_ parameters: SimulationParameters) {
    let shape = parameters.detectorShape
    let radius = parameters.semiangle / parameters.detectorPixel
    let signed = { (index: Int, count: Int) in index < (count + 1) / 2 ? index : index - count }
    let touched = (0..<shape.y).filter { abs(Double(signed($0, shape.y))) < radius + 1 }
    let perPixel = Double.pi / parameters.wavelength * parameters.detectorPixel * parameters.detectorPixel
    var wave: [Complex<Double>] = []
    for row in touched {
      for column in 0..<shape.x {
        let y = Double(signed(row, shape.y))
        let x = Double(signed(column, shape.x))
        let square = y * y + x * x
        let inside = min(1, max(0, (radius - square.squareRoot()) / 2 + 0.5))
        wave.append(Complex(length: sin(inside * .pi / 2), phase: -perPixel * square * parameters.c10))
      }
    }
    let scale = 1 / (wave.reduce(0) { $0 + $1.lengthSquared } * Double(shape.count)).squareRoot()
    rows = touched
    values = wave.map { Sample(Float($0.real * scale), Float($0.imaginary * scale)) }
  }
}
