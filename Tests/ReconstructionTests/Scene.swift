import Foundation
import Kernels
import STEM
import Simulation

@testable import Reconstruction

/// Reproducible numbers in −1…1.
struct Noise {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 &+ 1 }

  mutating func next() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 11) / Double(1 << 52) - 1
  }

  mutating func map(_ count: Int) -> [Double] { (0..<count).map { _ in next() } }
}

func rootMeanSquare(_ values: [Double]) -> Double {
  (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
}

func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
  a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
}

func range(_ values: [Double]) -> Double { (values.max() ?? 0) - (values.min() ?? 0) }

/// A map without its best plane.
func flattened(_ map: [Double], _ shape: Shape) -> [Double] {
  let plane = DescanPlane(VectorMap(shape, y: map, x: map))
  return plane.removed(.plane, from: VectorMap(shape, y: map, x: map)).y
}

/// What a measured map has in common with the true one, both without mean and plane.
struct Comparison {
  /// Of the measured over the true one.
  let slope: Double
  /// Difference, in parts of the true range.
  let error: Double

  init(_ measured: [Double], _ truth: [Double], _ shape: Shape) {
    let (a, b) = (flattened(measured, shape), flattened(truth, shape))
    slope = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / b.reduce(0) { $0 + $1 * $1 }
    error = rootMeanSquare(zip(a, b).map { $0 - $1 }) / range(b)
  }
}

/// A noise-free simulated scan, its truth, and the context of a run on it.
struct SimulatedScan {
  let parameters: SimulationParameters
  let frames: [[Float]]
  let truth: [Truth]

  init(_ object: SimulationParameters.ObjectKind, _ change: (inout SimulationParameters) -> Void = { _ in }) throws {
    var parameters = SimulationParameters()
    parameters.scanShape = Shape(30, 26)
    parameters.detectorShape = Shape(50, 54)
    parameters.detectorPixel = 0.0025
    parameters.semiangle = 0.02
    parameters.scanStep = Pair(0.3, 0.3)
    parameters.object = object
    parameters.dose = nil
    change(&parameters)
    self.parameters = parameters
    let simulator = try Simulator(parameters)
    frames = (0..<parameters.scanShape.count).map { position in
      [Float](unsafeUninitializedCapacity: parameters.detectorShape.count) { buffer, count in
        count = parameters.detectorShape.count
        buffer.initialize(repeating: 0)
        simulator.simulate(position: position, into: buffer)
      }
    }
    truth = (0..<parameters.scanShape.count).map { simulator.truth(position: $0) }
  }

  var context: FrameContext {
    FrameContext(
      scan: parameters.scanShape, detector: parameters.detectorShape, pixelType: .f32,
      calibration: parameters.calibration)
  }

  func solve(_ change: (inout DifferentialPhaseContrast) -> Void = { _ in }, _ context: FrameContext? = nil) throws
    -> Solved
  {
    var analysis = DifferentialPhaseContrast()
    change(&analysis)
    return try Solved(analysis, context ?? self.context, frames)
  }
}

/// A run of `dpc` without a program around it.
struct Solved {
  let solution: Solution
  let outputs: [OutputDescription]
  private let rows: [String: [Double]]

  init(_ analysis: DifferentialPhaseContrast, _ context: FrameContext, _ frames: [[Float]]) throws {
    let bound = try BoundKernel(analysis, context), kernel = bound.kernel
    outputs = bound.outputs.outputs
    bound.outputs.prepare(rows: frames.count)
    for (index, frame) in frames.enumerated() {
      frame.withUnsafeBytes { kernel.add(Frame(context.frameLayout, $0.baseAddress!), row: index) }
    }
    kernel.flush()
    var rows: [String: [Double]] = [:]
    for row in bound.outputs.rows.map(\.rows) {
      rows[row.name] = (0..<frames.count).flatMap { index in (0..<row.width).map { row.doubles(index)[$0] } }
    }
    self.rows = rows
    kernel.finish()
    let found = PassResults(rows: rows, sums: try bound.outputs.finishedSums())
    solution = try analysis.solve(found, context, NoControl())
    _ = try bound.outputs.solved(solution.values)
  }

  func map(_ name: String) -> [Double] { solution.values[name] ?? rows[name] ?? [] }

  func number(_ name: String) -> Double {
    switch solution.attributes.first(where: { $0.key == name })?.value {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: .nan
    }
  }

  func flag(_ name: String) -> Bool? {
    guard case .bool(let value)? = solution.attributes.first(where: { $0.key == name })?.value else { return nil }
    return value
  }
}

/// Deflections [Å⁻¹] of positive Gaussians at random places, along the axes of the scan.
func attraction(_ shape: Shape, _ step: Pair<Double>, seed: Int) -> VectorMap {
  var noise = Noise(seed)
  let height = Double(shape.y) * step.y, width = Double(shape.x) * step.x
  let atoms = (0..<14).map { _ in Pair((noise.next() + 1) / 2 * height, (noise.next() + 1) / 2 * width) }
  var forces: [Pair<Double>] = []
  for index in 0..<shape.count {
    let (y, x) = (Double(index / shape.x) * step.y, Double(index % shape.x) * step.x)
    var force = Pair(0.0, 0.0)
    for atom in atoms {
      let (dy, dx) = (atom.y - y, atom.x - x)
      let weight = exp(-(dy * dy + dx * dx) / (2 * 0.6 * 0.6))
      force = Pair(force.y + dy * weight, force.x + dx * weight)
    }
    forces.append(force)
  }
  return VectorMap(shape, y: forces.map(\.y), x: forces.map(\.x))
}

/// What `dpc` says against parameters on a scan, all in one text.
func problems(_ scan: SimulatedScan, _ change: (inout FrameContext, inout DifferentialPhaseContrast) -> Void)
  -> String
{
  var context = scan.context, analysis = DifferentialPhaseContrast()
  change(&context, &analysis)
  do {
    _ = try analysis.outputs(context)
    return "no problem"
  } catch { return "\(error)" }
}
