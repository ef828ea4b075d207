import Foundation
import Kernels
import STEM
import TestSupport
import Testing

@testable import Reconstruction

/// Normal and even numbers.
private struct NormalNoise {
  private var random: Random
  init(_ seed: Int) { random = Random(UInt64(seed) &* 7919) }

  mutating func uniform() -> Double { Double(random.next() >> 11) * 0x1p-53 }

  /// Box and Muller.
  mutating func normal() -> Double { (-2 * log(1 - uniform())).squareRoot() * cos(2 * .pi * uniform()) }
}

@Suite("the fit of the origin over the scan")
struct OriginTests {
  private let scan = Shape(24, 37)

  private func context(_ scan: Shape) -> FrameContext {
    var calibration = Calibration()
    calibration.center = Sourced(Pair(63.5, 63.5), .job)
    calibration.diskRadius = Sourced(20, .measured)
    return FrameContext(scan: scan, detector: Shape(128, 128), pixelType: .u16, calibration: calibration)
  }

  /// A parabola over the scan with the given strength of its curved terms.
  private func truth(_ scan: Shape, curved: Double) -> Pair<[Double]> {
    func map(_ c: [Double]) -> [Double] {
      (0..<scan.count).map { position in
        let y = 2 * Double(position / scan.x) / Double(max(1, scan.y - 1)) - 1
        let x = 2 * Double(position % scan.x) / Double(max(1, scan.x - 1)) - 1
        return c[0] + c[1] * y + c[2] * x + curved * (c[3] * y * y + c[4] * y * x + c[5] * x * x)
      }
    }
    return Pair(map([62, 3, -2, 0.7, -0.4, 1.1]), map([65, -1, 4, -0.5, 0.9, 0.3]))
  }

  private func solve(_ analysis: OriginFit, _ maps: Pair<[Double]>, _ scan: Shape) throws -> Solution {
    try analysis.solve(
      PassResults(rows: ["measured_y": maps.y, "measured_x": maps.x]), context(scan), NoControl())
  }

  private func difference(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map { abs($0 - $1) }.max() ?? .nan }

  @Test(
    "a plane and a parabola come out of noise with 5 % gross outliers and gaps",
    arguments: [OriginFit.Surface.plane, .parabola])
  func recovered(fit: OriginFit.Surface) throws {
    let truth = truth(scan, curved: fit == .plane ? 0 : 1)
    var noise = NormalNoise(5), maps = truth, gross = 0
    for position in 0..<scan.count {
      maps.y[position] += 0.05 * noise.normal()
      maps.x[position] += 0.05 * noise.normal()
      if noise.uniform() < 0.05 {
        // All to one side: a mean or a plain least-squares fit would follow.
        maps.y[position] += 15 + 10 * noise.uniform()
        gross += 1
      } else if noise.uniform() < 0.05 {
        maps.x[position] = .nan
      }
    }
    var analysis = OriginFit()
    analysis.fit = fit
    let solution = try solve(analysis, maps, scan)
    let fittedY = try #require(solution.values["fitted_y"]), fittedX = try #require(solution.values["fitted_x"])
    #expect(difference(fittedY, truth.y) < 0.02)
    #expect(difference(fittedX, truth.x) < 0.02)
    let attributes = Dictionary(uniqueKeysWithValues: solution.attributes.map { ($0.key, $0.value) })
    #expect(attributes["outliers"] == .integer(gross))
    #expect(abs(attributes["residual_rms_px"]!.double! - 0.05 * 2.0.squareRoot()) < 0.01)
    #expect(attributes["fit"] == fit.setting)
    let residual = try #require(solution.values["residual_x"])
    for position in 0..<scan.count where maps.x[position].isNaN { #expect(residual[position].isNaN) }
    analysis.robust = false
    #expect(difference(try #require(try solve(analysis, maps, scan).values["fitted_y"]), truth.y) > 0.5)
  }

  @Test("without noise the coefficients are those of the surface")
  func coefficients() throws {
    var analysis = OriginFit()
    analysis.fit = .parabola
    let solution = try solve(analysis, truth(scan, curved: 1), scan)
    let attributes = Dictionary(uniqueKeysWithValues: solution.attributes.map { ($0.key, $0.value) })
    guard case .list(let values)? = attributes["coefficients_y_px"] else { throw Problem(.internalError, "no list") }
    #expect(difference(values.compactMap(\.double), [62, 3, -2, 0.7, -0.4, 1.1]) < 1e-9)
    #expect(attributes["outliers"] == .integer(0))
    #expect(solution.warnings.isEmpty)
  }

  @Test("one line, one position, one known position: what cannot be told is left out")
  func degenerate() throws {
    var analysis = OriginFit()
    analysis.fit = .parabola
    for scan in [Shape(1, 9), Shape(9, 1), Shape(2, 2), Shape(1, 1)] {
      let truth = truth(scan, curved: 0)
      let fitted = try #require(try solve(analysis, truth, scan).values["fitted_y"])
      #expect(difference(fitted, truth.y) < 1e-6, "\(scan)")
    }
    var maps = truth(scan, curved: 1)
    for position in 0..<scan.count where position != 100 { maps.y[position] = .nan }
    let fitted = try #require(try solve(analysis, maps, scan).values["fitted_x"])
    #expect(difference(fitted, Array(repeating: maps.x[100], count: scan.count)) < 1e-9)
    maps.y[100] = .nan
    #expect(throws: Problem.self) { try solve(analysis, maps, scan) }
  }

  @Test("none keeps what was measured and fills gaps with the median")
  func none() throws {
    var maps = Pair((0..<9).map(Double.init), (0..<9).map { Double($0) * 2 })
    maps.y[3] = .nan
    var analysis = OriginFit()
    analysis.fit = .none
    let solution = try solve(analysis, maps, Shape(3, 3))
    #expect(solution.values["fitted_y"]! == [0, 1, 2, 5, 4, 5, 6, 7, 8])
    #expect(solution.values["fitted_x"]![3] == 10)
    #expect(solution.values["residual_y"]![3].isNaN)
  }

  @Test("warnings: a fit below its noise, a disk beyond the detector")
  func warnings() throws {
    var noise = NormalNoise(9)
    let flat = Pair(
      (0..<scan.count).map { _ in 63 + noise.normal() }, (0..<scan.count).map { _ in 63 + noise.normal() })
    #expect(try solve(OriginFit(), flat, scan).warnings.contains { $0.contains("mean field of the specimen") })
    var constant = OriginFit()
    constant.fit = .constant
    #expect(try solve(constant, flat, scan).warnings.isEmpty)
    let moved = Pair(truth(scan, curved: 0).y.map { $0 - 43 }, truth(scan, curved: 0).x)
    let warnings = try solve(OriginFit(), moved, scan).warnings
    #expect(warnings.contains { $0.contains("leaves the detector at") })
  }

  @Test("an origin from files: any array of the scan's size, otherwise named with its place")
  func given() throws {
    let scan = Shape(3, 4)
    var context = context(scan)
    let values = (0..<12).map { 60 + Double($0) / 10 }
    context.arrays = [
      "y.npy": DenseArray(shape: [3, 4], values: values), "x.h5:/a": DenseArray(shape: [12, 1], values: values),
      "bad.npy": DenseArray(shape: [4, 3], values: values),
    ]
    var analysis = OriginFit()
    (analysis.measuredY, analysis.measuredX, analysis.fit) = ("y.npy", "x.h5:/a", .none)
    #expect(analysis.needs.isEmpty && analysis.files == ["y.npy", "x.h5:/a"])
    #expect(analysis.given(context).center == Pair(60.6, 60.6))
    let outputs = try BoundKernel(analysis, context).outputs
    #expect(outputs.rows.isEmpty)
    let solution = try analysis.solve(PassResults(rows: [:]), context, NoControl())
    #expect(solution.values["measured_y"] == values && solution.values["fitted_x"] == values)
    #expect(try outputs.solved(solution.values).map(\.place) == [0, 1, 2, 3, 4, 5])
    #expect(solution.warnings == [])
    context.arrays["y.npy"]?.values[5] = 500
    let outside = try analysis.solve(PassResults(rows: [:]), context, NoControl()).warnings
    #expect(outside.count == 1 && outside[0].contains("outside of the"), "\(outside)")
    #expect(outside[0].contains("at 1 of 12 positions; give measured_y"), "\(outside)")
    analysis.measuredY = "bad.npy"
    #expect { try analysis.outputs(context) } throws: { "\($0)".hasPrefix("measured_y: bad.npy has the shape 4 × 3") }
    analysis.measuredY = nil
    #expect { try analysis.outputs(context) } throws: { "\($0)".hasPrefix("measured_y: missing; measured_x is given") }
  }
}
