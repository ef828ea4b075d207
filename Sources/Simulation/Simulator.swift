import Foundation
import STEM

/// Makes the patterns of a synthetic scan. A pattern depends on the parameters and its position only: the same bits in
/// any order and on any number of ranks (FFTW plans by rule; each position has its own random numbers).
///
/// One thread at a time: an instance owns the buffers it computes in.
///
/// pattern = |FFT(ψ(r − position) · exp(i·phase))|² in a window of 1/Δk, Δk the detector's pixel, with the probe moved
/// by an exact Fourier shift. Zero scattering angle is at pixel `SimulationParameters.center`. Kirkland, Advanced
/// Computing in Electron Microscopy (2010), eqs. 5.45–5.49, with one slice.
public final class Simulator {
  public let parameters: SimulationParameters
  let geometry: ScanGeometry
  let object: SimulatedObject
  private let transform: WindowTransform
  private let expected: UnsafeMutableBufferPointer<Float>

  /// Throws `Problems` of `SimulationParameters.check()`.
  public init(_ parameters: SimulationParameters) throws(Problems) {
    try parameters.check()
    self.parameters = parameters
    geometry = ScanGeometry(parameters)
    object = SimulatedObject(parameters)
    transform = WindowTransform(shape: parameters.detectorShape, probe: ProbeSpectrum(parameters))
    expected = .allocate(capacity: parameters.detectorShape.count)
    expected.initialize(repeating: 0)
  }

  deinit { expected.deallocate() }

  /// The noise-free pattern of a position, row-major (y, x): its sum is the dose, or 1 without one.
  /// - Parameter pattern: as many values as the detector has pixels.
  public func simulate(position: Int, into pattern: UnsafeMutableBufferPointer<Float>) {
    precondition(pattern.count == parameters.detectorShape.count)
    let origin = placeProbe(position)
    object.transmission.withUnsafeBufferPointer {
      transform.multiply(by: $0, stride: object.stride, origin: origin, object.shape.x)
    }
    transform.diffract(into: pattern, scale: Float((parameters.dose ?? 1) / Double(pattern.count)))
  }

  /// A pattern of electron counts: Poisson noise around the expected pattern, at most 65535.
  /// - Parameter pattern: as many values as the detector has pixels. The parameters must have a dose.
  public func simulate(position: Int, into pattern: UnsafeMutableBufferPointer<UInt16>) {
    precondition(parameters.dose != nil, "counts need a dose")
    simulate(position: position, into: expected)
    var random = RandomStream(seed: parameters.seed, stream: position)
    let (source, target) = (expected.baseAddress!, pattern.baseAddress!)
    for index in 0..<expected.count {
      target[index] = UInt16(truncatingIfNeeded: min(random.poisson(mean: Double(source[index])), 0xFFFF))
    }
  }

  /// Puts the probe of a position into the window and returns the object sample in the window's first corner.
  private func placeProbe(_ position: Int) -> Shape {
    precondition(position >= 0 && position < parameters.scanShape.count, "position outside the scan")
    let place = geometry.place(position)
    let along = { (distance: Double, step: Double, samples: Int, window: Int) -> (origin: Int, shift: Double) in
      let exact = Double(samples / 2) + distance / step
      let nearest = exact.rounded()
      let first = (Int(nearest) - window / 2) % samples
      // The center of the probe is at window / 2.
      return (first < 0 ? first + samples : first, exact - nearest + Double(window / 2))
    }
    let shape = parameters.detectorShape
    let y = along(place.y, parameters.sampling.y, object.shape.y, shape.y)
    let x = along(place.x, parameters.sampling.x, object.shape.x, shape.x)
    transform.placeProbe(shift: Pair(y.shift, x.shift))
    return Shape(y.origin, x.origin)
  }

  /// What a perfect measurement finds at a position. See `Truth`.
  public func truth(position: Int) -> Truth {
    let origin = placeProbe(position)
    let mean = { (values: [Float]) in
      values.withUnsafeBufferPointer {
        self.transform.mean(of: $0, stride: self.object.stride, origin: origin, self.object.shape.x)
      }
    }
    let slope = Pair(mean(object.slopeY), mean(object.slopeX))
    let inverseLength = Pair(slope.y / (2 * .pi), slope.x / (2 * .pi))
    let pixel = parameters.reciprocalPixel
    return Truth(
      phase: mean(object.phase), deflection: geometry.scan(inverseLength),
      detectorDeflection: Pair(inverseLength.y / pixel, inverseLength.x / pixel))
  }
}

/// What a perfect measurement finds: the object's phase as the probe sees it.
public struct Truth: Sendable, Equatable {
  /// Σ phase·|ψ|² around the position [rad]; measured phases lack a constant: remove the mean over the scan.
  public var phase: Double
  /// Gradient of `phase` along the scan's axes / 2π [Å⁻¹].
  public var deflection: Pair<Double>
  /// The same along the detector's axes [px]: the expected center of mass minus the center.
  public var detectorDeflection: Pair<Double>

  /// How a file of results describes `values`.
  public static let outputs: [OutputDescription] = [
    OutputDescription(
      "phase", .map, quantity: "Phase", unit: "rad", "The object's phase convolved with the probe's intensity."),
    OutputDescription(
      "deflection_y", .map, quantity: "Displacement", unit: "px", signed: true,
      "Expected center of mass minus center, from row to row of the detector."),
    OutputDescription(
      "deflection_x", .map, quantity: "Displacement", unit: "px", signed: true,
      "Expected center of mass minus center, from column to column of the detector."),
    OutputDescription(
      "scan_deflection_y", .map, quantity: "Spatial frequency", unit: "Å⁻¹", signed: true,
      "Slope of the phase from row to row of the scan / 2π."),
    OutputDescription(
      "scan_deflection_x", .map, quantity: "Spatial frequency", unit: "Å⁻¹", signed: true,
      "Slope of the phase from column to column of the scan / 2π."),
  ]

  /// One for each of `outputs`.
  public var values: [Double] {
    [phase, detectorDeflection.y, detectorDeflection.x, deflection.y, deflection.x]
  }
}
