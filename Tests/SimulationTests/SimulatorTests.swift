import ComplexModule
import Foundation
import STEM
import Testing

@testable import Simulation

/// A small scan that the detector holds completely.
func smallScan(_ object: SimulationParameters.ObjectKind, _ change: (inout SimulationParameters) -> Void = { _ in })
  -> SimulationParameters
{
  var parameters = SimulationParameters()
  parameters.scanShape = Shape(7, 6)
  parameters.detectorShape = Shape(64, 72)
  parameters.detectorPixel = 0.0015
  parameters.semiangle = 0.02
  parameters.scanStep = Pair(0.31, 0.43)
  parameters.object = object
  parameters.dose = nil
  change(&parameters)
  return parameters
}

extension Simulator {
  func floats(_ position: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: parameters.detectorShape.count) { buffer, count in
      count = parameters.detectorShape.count
      buffer.initialize(repeating: 0)
      simulate(position: position, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
    }
  }

  func counts(_ position: Int) -> [UInt16] {
    [UInt16](unsafeUninitializedCapacity: parameters.detectorShape.count) { buffer, count in
      count = parameters.detectorShape.count
      buffer.initialize(repeating: 0)
      simulate(position: position, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
    }
  }

  /// Center of mass relative to the center [px].
  func deflection(_ position: Int) -> Pair<Double> {
    let pattern = floats(position).map(Double.init)
    let total = pattern.reduce(0, +)
    let width = parameters.detectorShape.x
    let y = pattern.indices.reduce(0.0) { $0 + pattern[$1] * Double($1 / width) } / total
    let x = pattern.indices.reduce(0.0) { $0 + pattern[$1] * Double($1 % width) } / total
    return Pair(y - Double(parameters.center.y), x - Double(parameters.center.x))
  }
}

@Suite("A simulated scan")
struct SimulatorTests {
  @Test(
    "A vacuum pattern is a disk of the semi-angle around the center",
    arguments: [
      Shape(64, 64), Shape(63, 65), Shape(48, 90), Shape(45, 50),
    ])
  func vacuum(shape: Shape) throws {
    let simulator = try Simulator(smallScan(.vacuum) { $0.detectorShape = shape })
    let radius = 0.02 / 0.0015
    for position in [0, 17, 41] {
      let pattern = simulator.floats(position)
      let center = pattern[simulator.parameters.center.y * shape.x + simulator.parameters.center.x]
      #expect(abs(pattern.reduce(0, +) - 1) < 1e-5)
      // The disk's area follows from the sum: π·radius² pixels of the center's intensity.
      #expect(abs((1 / (Double.pi * Double(center))).squareRoot() - radius) < 0.05)
      for (index, value) in pattern.enumerated() {
        let r = hypot(
          Double(index / shape.x - simulator.parameters.center.y),
          Double(index % shape.x - simulator.parameters.center.x))
        if r < radius - 1 { #expect(abs(value / center - 1) < 1e-4) }
        if r > radius + 1 { #expect(value / center < 1e-6) }
      }
      let deflection = simulator.deflection(position)
      #expect(abs(deflection.y) < 1e-3 && abs(deflection.x) < 1e-3)
    }
  }

  @Test("The total of the counts is the dose within the Poisson error")
  func dose() throws {
    let simulator = try Simulator(smallScan(.lattice) { $0.dose = 3000 })
    let totals = (0..<42).map { simulator.counts($0).reduce(0) { $0 + Double($1) } }
    let mean = totals.reduce(0, +) / 42
    #expect(abs(mean - 3000) < 4 * (3000.0 / 42).squareRoot())
    let variance = totals.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 41
    #expect(variance > 3000 * 0.45 && variance < 3000 * 1.9)
  }

  @Test("Counts follow the expected pattern: χ² of all pixels is one per pixel")
  func noise() throws {
    let simulator = try Simulator(smallScan(.atoms) { $0.dose = 2e5 })
    let expected = simulator.floats(5)
    let counts = simulator.counts(5)
    let bright = expected.indices.filter { expected[$0] > 5 }
    let chiSquare = bright.reduce(0.0) {
      let difference = Double(counts[$1]) - Double(expected[$1])
      return $0 + difference * difference / Double(expected[$1])
    }
    #expect(abs(chiSquare / Double(bright.count) - 1) < 5 * (2 / Double(bright.count)).squareRoot())
  }

  @Test("Counts saturate at the largest a pixel can hold")
  func saturation() throws {
    let simulator = try Simulator(smallScan(.vacuum) { $0.dose = 1e9 })
    #expect(simulator.counts(0).max() == UInt16.max)
  }

  @Test("A position has the same bits in any order and on any rank; another seed gives others")
  func reproducible() throws {
    let parameters = smallScan(.lattice) { $0.dose = 500 }
    let first = try Simulator(parameters)
    let forward = (0..<42).map { first.counts($0) }
    let second = try Simulator(parameters)
    for position in (0..<42).reversed() {
      #expect(second.counts(position) == forward[position])
      #expect(second.floats(position) == first.floats(position))
    }
    var other = parameters
    other.seed = 2
    #expect(try Simulator(other).counts(3) != forward[3])
    #expect(Set(forward).count == 42)
  }

  @Test(
    "A pattern is the squared Fourier transform of probe times object, by the definition",
    arguments: [
      (Shape(16, 16), 0.0), (Shape(15, 18), -40.0),
    ])
  func definition(shape: Shape, c10: Double) throws {
    let parameters = smallScan(.atoms) {
      $0.detectorShape = shape
      $0.detectorPixel = 0.005
      $0.c10 = c10
      $0.scanRotation = 0.3
      $0.transpose = true
      $0.objectWidth = 0.6
    }
    let simulator = try Simulator(parameters)
    for position in [0, 10, 40] {
      let reference = naivePattern(simulator, position)
      for (value, truth) in zip(simulator.floats(position), reference) { #expect(abs(Double(value) - truth) < 1e-6) }
    }
  }
}

/// The pattern by sums over all samples and frequencies, in double precision, from the object's phase alone.
private func naivePattern(_ simulator: Simulator, _ position: Int) -> [Double] {
  let parameters = simulator.parameters
  let (shape, center) = (parameters.detectorShape, parameters.center)
  let (row, column) = (position / parameters.scanShape.x, position % parameters.scanShape.x)
  let sy = (Double(row) - Double(parameters.scanShape.y - 1) / 2) * parameters.scanStep.y
  let sx = (Double(column) - Double(parameters.scanShape.x - 1) / 2) * parameters.scanStep.x
  let (c, s) = (cos(parameters.scanRotation), sin(parameters.scanRotation))
  // R⁻¹ then T (true here).
  let place = (y: s * sy + c * sx, x: c * sy - s * sx)
  let step = parameters.sampling
  let object = simulator.object
  let exact = (
    y: Double(object.shape.y / 2) + place.y / step.y, x: Double(object.shape.x / 2) + place.x / step.x
  )
  let frequencies = { (count: Int, middle: Int) in (0..<count).map { Double($0 - middle) * parameters.reciprocalPixel }
  }
  let (ky, kx) = (frequencies(shape.y, center.y), frequencies(shape.x, center.x))
  let radius = parameters.semiangle / parameters.detectorPixel
  var exit: [(wave: Complex<Double>, y: Double, x: Double)] = []
  for wy in 0..<shape.y {
    for wx in 0..<shape.x {
      let sample = (y: Int(exact.y.rounded()) - shape.y / 2 + wy, x: Int(exact.x.rounded()) - shape.x / 2 + wx)
      let distance = (y: (Double(sample.y) - exact.y) * step.y, x: (Double(sample.x) - exact.x) * step.x)
      var probe = Complex<Double>.zero
      for (i, y) in ky.enumerated() {
        for (j, x) in kx.enumerated() {
          let r = hypot(Double(i - center.y), Double(j - center.x))
          let amplitude = sin(.pi / 2 * min(1, max(0, (radius - r) / 2 + 0.5)))
          let angle = parameters.wavelength * hypot(y, x)
          let chi = 2 * Double.pi / parameters.wavelength * 0.5 * angle * angle * parameters.c10
          probe += Complex(length: amplitude, phase: 2 * .pi * (y * distance.y + x * distance.x) - chi)
        }
      }
      let py = (sample.y % object.shape.y + object.shape.y) % object.shape.y
      let px = (sample.x % object.shape.x + object.shape.x) % object.shape.x
      let phase = Double(object.phase[px * object.stride + py])
      exit.append((probe * Complex(length: 1, phase: phase), Double(wy) * step.y, Double(wx) * step.x))
    }
  }
  var pattern: [Double] = []
  for y in ky {
    for x in kx {
      let sum = exit.reduce(Complex<Double>.zero) {
        $0 + $1.wave * Complex(length: 1, phase: -2 * .pi * (y * $1.y + x * $1.x))
      }
      pattern.append(sum.lengthSquared)
    }
  }
  let total = pattern.reduce(0, +)
  return pattern.map { $0 / total }
}
