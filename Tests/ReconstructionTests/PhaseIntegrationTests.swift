import Foundation
import STEM
import Testing

@testable import Reconstruction

/// Remembers what a solver says, keeps its state and can stop it.
final class RecordingControl: SolverControl {
  var savedState: [UInt8]?
  var residuals: [Double] = []
  private let last: Int

  init(stopAfter last: Int = .max, state: [UInt8]? = nil) {
    self.last = last
    savedState = state
  }

  func ended(iteration: Int, of total: Int, residual: Double, state: () -> [UInt8]) throws {
    residuals.append(residual)
    guard iteration == last else { return }
    savedState = state()
    throw Problem(.tryAgain, "stopped")
  }
}

@Suite("From the slope of a phase to the phase")
struct PhaseIntegrationTests {
  /// A sum of waves that fit the scan, and its exact gradient.
  private func waves(_ boundary: Boundary, _ shape: Shape, _ step: Pair<Double>) -> (map: [Double], slope: VectorMap) {
    let turn = boundary == .mirror ? Double.pi : 2 * .pi
    let height = Double(shape.y) * step.y, width = Double(shape.x) * step.x
    var (map, y, x): ([Double], [Double], [Double]) = ([], [], [])
    for index in 0..<shape.count {
      let shift = boundary == .mirror ? 0.5 : 0
      let (u, v) = ((Double(index / shape.x) + shift) * step.y, (Double(index % shape.x) + shift) * step.x)
      var sums = (0.0, 0.0, 0.0)
      for (amplitude, ky, kx) in [(1.0, 1, 0), (0.7, 2, 3), (-0.4, 0, 2), (0.3, 5, 1)] {
        let (p, q) = (turn * Double(ky) / height, turn * Double(kx) / width)
        sums.0 += amplitude * cos(p * u) * cos(q * v)
        sums.1 -= amplitude * p * sin(p * u) * cos(q * v)
        sums.2 -= amplitude * q * cos(p * u) * sin(q * v)
      }
      map.append(sums.0)
      y.append(sums.1)
      x.append(sums.2)
    }
    return (map, VectorMap(shape, y: y, x: x))
  }

  private func centered(_ map: [Double]) -> [Double] {
    let mean = map.reduce(0, +) / Double(map.count)
    return map.map { $0 - mean }
  }

  @Test(
    "waves that fit the boundary come back exactly, also on odd scans with unequal steps",
    arguments: Boundary.allCases, [Shape(16, 24), Shape(17, 23), Shape(12, 15)])
  func analytic(boundary: Boundary, shape: Shape) {
    let step = Pair(0.3, 0.2)
    let (map, slope) = waves(boundary, shape, step)
    let space = makeSpace(boundary, shape, step: step)
    var result: [Double] = []
    space.synthesize(LeastSquares.direct(slope, in: space, smoothing: 0), into: &result)
    #expect(largestDifference(result, centered(map)) < 1e-10)
  }

  @Test(
    "the adjoint is the adjoint, analysis undoes synthesis", arguments: Boundary.allCases, [Shape(8, 10), Shape(7, 9)])
  func adjoint(boundary: Boundary, shape: Shape) {
    var noise = Noise(3)
    let space = makeSpace(boundary, shape, step: Pair(0.4, 0.7))
    let (map, y, x) = (noise.map(shape.count), noise.map(shape.count), noise.map(shape.count))
    var spectrum: [Double] = [], back: [Double] = [], gradient = VectorMap(shape, y: y, x: x), slope: [Double] = []
    space.analyze(map, into: &spectrum)
    space.synthesize(spectrum, into: &back)
    #expect(largestDifference(map, back) < 1e-13)
    space.gradient(spectrum, y: &gradient.y, x: &gradient.x)
    space.adjoint(y: y, x: x, into: &slope)
    let left = zip(gradient.y, y).reduce(0) { $0 + $1.0 * $1.1 } + zip(gradient.x, x).reduce(0) { $0 + $1.0 * $1.1 }
    let right = zip(spectrum, slope).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs(left - right) < 1e-11)
  }

  /// Gaussians of which some are cut by the edges.
  private func cut(_ shape: Shape, _ step: Pair<Double>) -> (map: [Double], slope: VectorMap) {
    var noise = Noise(21)
    let height = Double(shape.y) * step.y, width = Double(shape.x) * step.x, size = 0.7
    let atoms = (0..<24).map { _ in Pair((noise.next() + 1) / 2 * height, (noise.next() + 1) / 2 * width) }
    var (map, y, x): ([Double], [Double], [Double]) = ([], [], [])
    for index in 0..<shape.count {
      let (u, v) = (Double(index / shape.x) * step.y, Double(index % shape.x) * step.x)
      var sums = (0.0, 0.0, 0.0)
      for atom in atoms {
        let value = exp(-((u - atom.y) * (u - atom.y) + (v - atom.x) * (v - atom.x)) / (2 * size * size))
        sums.0 += value
        sums.1 -= value * (u - atom.y) / (size * size)
        sums.2 -= value * (v - atom.x) / (size * size)
      }
      map.append(sums.0)
      y.append(sums.1)
      x.append(sums.2)
    }
    return (map, VectorMap(shape, y: y, x: x))
  }

  @Test("atoms cut by the edges leave no trace: the mirror alone would ring")
  func edges() throws {
    let shape = Shape(40, 33), step = Pair(0.25, 0.3)
    let (map, slope) = cut(shape, step)
    let found = try PhaseIntegration().integrate(slope, step: step, NoControl())
    let comparison = Comparison(found.map, map, shape)
    #expect(abs(comparison.slope - 1) < 1e-3 && comparison.error < 1.5e-3)
    let space = makeSpace(.mirror, shape, step: step)
    var mirrored: [Double] = []
    space.synthesize(LeastSquares.direct(slope, in: space, smoothing: 0), into: &mirrored)
    #expect(comparison.error < 0.5 * Comparison(mirrored, map, shape).error)
  }

  @Test("least squares give the spectral result where nothing is missing", arguments: Boundary.allCases)
  func iterative(boundary: Boundary) throws {
    let shape = Shape(21, 18), step = Pair(0.25, 0.3)
    var integration = PhaseIntegration()
    integration.boundary = boundary
    for regularization in [0, 0.3] {
      integration.regularization = regularization
      integration.method = .spectral
      let spectral = try integration.integrate(cut(shape, step).slope, step: step, NoControl())
      integration.method = .iterative
      let control = RecordingControl()
      let found = try integration.integrate(cut(shape, step).slope, step: step, control)
      #expect(largestDifference(spectral.map, found.map) < 1e-10)
      #expect(found.hasConverged && control.residuals.count == found.iterations && found.iterations < 3)
    }
  }

  /// Every tenth position at random and a whole corner are missing.
  private func holes(_ slope: VectorMap) -> VectorMap {
    var result = slope
    var noise = Noise(4)
    for index in slope.y.indices {
      let inCorner = index / slope.shape.x < 9 && index % slope.shape.x < 7
      if noise.next() > 0.8 || inCorner { (result.y[index], result.x[index]) = (.nan, .nan) }
    }
    return result
  }

  @Test("missing positions are missing, not zero", arguments: [PhaseIntegration.Method.spectral, .iterative])
  func missing(method: PhaseIntegration.Method) throws {
    let shape = Shape(36, 31), step = Pair(0.25, 0.3)
    let (map, slope) = cut(shape, step)
    let gaps = holes(slope)
    var integration = PhaseIntegration()
    integration.method = method
    let found = try integration.integrate(gaps, step: step, NoControl())
    #expect(found.method == .iterative && found.hasConverged)
    let known = gaps.isKnown
    #expect(zip(found.map, known).allSatisfy { $0.isNaN != $1 })
    let masked = zip(map, known).map { $1 ? $0 : .nan }
    let (a, b) = (flattened(found.map, shape), flattened(masked, shape))
    let differences = zip(a, b).map { $0 - $1 }.filter(\.isFinite)
    #expect(rootMeanSquare(differences) < 0.01 * range(b.filter(\.isFinite)))
  }

  @Test("the misfit falls with every iteration, also with regularization", arguments: [0, 0.5], Boundary.allCases)
  func monotonic(regularization: Double, boundary: Boundary) throws {
    var noise = Noise(6)
    let shape = Shape(26, 19), step = Pair(0.3, 0.2)
    var slope = cut(shape, step).slope
    for index in slope.y.indices { slope.y[index] += noise.next() }
    var integration = PhaseIntegration()
    (integration.method, integration.boundary) = (.iterative, boundary)
    (integration.regularization, integration.tolerance, integration.iterations) = (regularization, 0, 60)
    let control = RecordingControl()
    _ = try integration.integrate(holes(slope), step: step, control)
    // Ends before where nothing is left but rounding.
    #expect(control.residuals.count > 10)
    for (before, after) in zip(control.residuals, control.residuals.dropFirst()) {
      #expect(after <= before * (1 + 1e-12))
    }
  }

  @Test("stopped after any iteration, the solver goes on to the same bits", arguments: [1, 4, 11])
  func resume(stop: Int) throws {
    let shape = Shape(22, 25), step = Pair(0.3, 0.2)
    let slope = holes(cut(shape, step).slope)
    var integration = PhaseIntegration()
    (integration.method, integration.iterations, integration.tolerance) = (.iterative, 12, 0)
    let whole = try integration.integrate(slope, step: step, NoControl())
    let stopped = RecordingControl(stopAfter: stop)
    #expect(throws: Problem.self) { try integration.integrate(slope, step: step, stopped) }
    let rest = RecordingControl(state: stopped.savedState)
    let resumed = try integration.integrate(slope, step: step, rest)
    #expect(rest.residuals.count == 12 - stop)
    #expect(zip(whole.map, resumed.map).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) })
  }

  @Test("a rectangle of known positions is integrated as a scan of its own")
  func window() throws {
    let shape = Shape(14, 17), step = Pair(0.3, 0.2)
    let (_, slope) = cut(shape, step)
    let inside = PhaseIntegration()
    let alone = try inside.integrate(slope, step: step, NoControl())
    let large = Shape(20, 30)
    var framed = VectorMap(
      large, y: Array(repeating: .nan, count: large.count), x: Array(repeating: .nan, count: large.count))
    for index in 0..<shape.count {
      let place = (index / shape.x + 4) * large.x + index % shape.x + 9
      (framed.y[place], framed.x[place]) = (slope.y[index], slope.x[index])
    }
    let found = try inside.integrate(framed, step: step, NoControl())
    #expect(found.method == .spectral)
    #expect(found.map.filter { !$0.isNaN } == alone.map)
  }

  @Test("filters pass half at their frequency, all of the rest; a rough phase costs with regularization")
  func filters() throws {
    var integration = PhaseIntegration()
    integration.lowpass = 0.5
    #expect(abs(integration.filter(0.25) - 0.5) < 1e-15 && integration.filter(1e-6) > 0.999999)
    #expect(integration.filter(4) < 0.005 && integration.filter(0) == 1)
    integration = PhaseIntegration()
    (integration.highpass, integration.order) = (0.5, 4)
    #expect(abs(integration.filter(0.25) - 0.5) < 1e-15 && integration.filter(1e-4) < 1e-10)
    #expect(integration.filter(25) > 0.999999)

    let shape = Shape(32, 24), step = Pair(0.3, 0.2)
    let (map, slope) = waves(.periodic, shape, step)
    integration = PhaseIntegration()
    (integration.boundary, integration.lowpass, integration.order) = (.periodic, 0.15, 10)
    let found = try integration.integrate(slope, step: step, NoControl())
    // Only the slowest wave, of 1/9.6 Å⁻¹, passes.
    let slow = (0..<shape.count).map { cos(2 * .pi * Double($0 / shape.x) / 32) }
    #expect(largestDifference(found.map, slow) < 0.02 && largestDifference(centered(map), slow) > 0.5)
  }
}
