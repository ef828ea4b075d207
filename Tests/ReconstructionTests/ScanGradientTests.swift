import Foundation
import STEM
import Testing

@testable import Reconstruction

@Suite("Derivatives over the scan")
struct ScanGradientTests {
  private let shape = Shape(9, 11)
  private let step = Pair(0.3, 0.7)

  /// y and x [Å] of a position.
  private func field(_ body: (_ y: Double, _ x: Double) -> Pair<Double>) -> VectorMap {
    let values = (0..<shape.count).map { body(Double($0 / shape.x) * step.y, Double($0 % shape.x) * step.x) }
    return VectorMap(shape, y: values.map(\.y), x: values.map(\.x))
  }

  @Test("divergence and curl of a linear field are its coefficients, also at the edges")
  func linear() {
    let linear = field { y, x in Pair(1 + 2 * y - 3 * x, 5 * y + 7 * x) }
    let gradient = ScanGradient(shape, step: step)
    #expect(gradient.divergence(linear).allSatisfy { abs($0 - 9) < 1e-12 })
    // ∂x v_y − ∂y v_x
    #expect(gradient.curl(linear).allSatisfy { abs($0 + 8) < 1e-12 })
  }

  @Test("differences and loops are exact for a parabola inside of the scan")
  func parabola() {
    let curved = field { y, x in Pair(y * y + x * y, 3 * x * x) }
    let gradient = ScanGradient(shape, step: step)
    let divergence = gradient.divergence(curved), curl = gradient.curl(curved)
    let inside = gradient.interior(curved)
    var place = 0
    for row in 1..<shape.y - 1 {
      for column in 1..<shape.x - 1 {
        let (y, x) = (Double(row) * step.y, Double(column) * step.x)
        let expected = (2 * y + x + 6 * x, y)
        #expect(abs(divergence[row * shape.x + column] - expected.0) < 1e-12)
        #expect(abs(curl[row * shape.x + column] - expected.1) < 1e-12)
        #expect(abs(inside.divergence[place] - expected.0) < 1e-12 && abs(inside.curl[place] - expected.1) < 1e-12)
        place += 1
      }
    }
    #expect(inside.curl.count == place)
  }

  @Test("a missing position is missing, its neighbors use the other side")
  func missing() {
    var linear = field { y, x in Pair(2 * y, 7 * x) }
    let hole = 4 * shape.x + 5
    linear.y[hole] = .nan
    linear.x[hole] = .nan
    let gradient = ScanGradient(shape, step: step)
    let divergence = gradient.divergence(linear)
    for index in divergence.indices {
      #expect(index == hole ? divergence[index].isNaN : abs(divergence[index] - 9) < 1e-12)
    }
    // The hole has all its neighbors, they do not.
    #expect(gradient.interior(linear).curl.count == 7 * 9 - 8)
    #expect(gradient.interior(linear).divergence.allSatisfy { abs($0 - 9) < 1e-12 })
  }
}
