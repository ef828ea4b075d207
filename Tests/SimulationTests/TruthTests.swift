import Foundation
import STEM
import Testing

@testable import Simulation

@Suite("What a simulated scan shows")
struct TruthTests {
  /// The largest difference between measured and expected deflection, relative to the largest deflection.
  private func error(_ parameters: SimulationParameters) throws -> Double {
    let simulator = try Simulator(parameters)
    var (worst, range) = (0.0, 0.0)
    for position in 0..<parameters.scanShape.count {
      let (measured, truth) = (simulator.deflection(position), simulator.truth(position: position).detectorDeflection)
      worst = max(worst, abs(measured.y - truth.y), abs(measured.x - truth.x))
      range = max(range, abs(truth.y), abs(truth.x))
    }
    return worst / range
  }

  @Test(
    "The mean deflection is the gradient of the phase that the probe sees / 2π",
    arguments: [SimulationParameters.ObjectKind.lattice, .atoms, .charge], [0.0, 60])
  func ehrenfest(object: SimulationParameters.ObjectKind, c10: Double) throws {
    #expect(
      try error(
        smallScan(object) {
          $0.c10 = c10
          $0.scanRotation = 0.4
        }) < 1e-3)
  }

  @Test("The expected deflection is the slope of the expected phase along the scan's axes", arguments: [false, true])
  func slope(transpose: Bool) throws {
    let simulator = try Simulator(
      smallScan(.atoms) {
        $0.scanShape = Shape(3, 3)
        $0.scanStep = Pair(0.01, 0.015)
        $0.scanRotation = -0.7
        $0.transpose = transpose
      })
    let phase = (0..<9).map { simulator.truth(position: $0).phase }
    let deflection = simulator.truth(position: 4).deflection
    let slope = Pair((phase[7] - phase[1]) / 0.02 / (2 * .pi), (phase[5] - phase[3]) / 0.03 / (2 * .pi))
    let size = max(abs(slope.y), abs(slope.x))
    #expect(abs(deflection.y - slope.y) < 2e-3 * size && abs(deflection.x - slope.x) < 2e-3 * size)
  }

  @Test("Around a positive charge all deflections point to it, and the phase has its maximum there")
  func charge() throws {
    let parameters = smallScan(.charge) {
      $0.scanShape = Shape(7, 7)
      $0.scanStep = Pair(0.4, 0.4)
    }
    let simulator = try Simulator(parameters)
    let at = { (row: Int, column: Int) in simulator.deflection(row * 7 + column) }
    #expect(at(1, 3).y > 0.05 && at(5, 3).y < -0.05)
    #expect(at(3, 1).x > 0.05 && at(3, 5).x < -0.05)
    #expect(abs(at(1, 3).x) < 1e-3 && abs(at(3, 1).y) < 1e-3)
    let phases = (0..<49).map { simulator.truth(position: $0).phase }
    #expect(phases.firstIndex(of: phases.max()!) == 24)
  }

  @Test("deflection_scan = R(rotation) · T · deflection_detector, R clockwise on screen")
  func convention() throws {
    let degrees = Double.pi / 180
    for (rotation, transpose) in [(0.0, false), (90.0, false), (0.0, true), (90.0, true), (17.0, true), (-30.0, false)]
    {
      let simulator = try Simulator(
        smallScan(.charge) {
          $0.scanShape = Shape(7, 7)
          $0.scanStep = Pair(0.4, 0.4)
          $0.scanRotation = rotation * degrees
          $0.transpose = transpose
        })
      // The position left of the charge: in the scan's axes its deflection points right, (0, +).
      let measured = simulator.deflection(3 * 7 + 1)
      let swapped = transpose ? Pair(measured.x, measured.y) : measured
      let (c, s) = (cos(rotation * degrees), sin(rotation * degrees))
      let scan = Pair(c * swapped.y + s * swapped.x, -s * swapped.y + c * swapped.x)
      #expect(scan.x > 0.05 && abs(scan.y) < 2e-3, "\(rotation)° transpose \(transpose)")
      if rotation == 90, !transpose {
        // Right is what up becomes when turned clockwise by 90°: on the detector the deflection points up.
        #expect(measured.y < -0.05 && abs(measured.x) < 2e-3)
      }
    }
  }

  @Test("Large scans keep a bounded object that repeats")
  func bounded() throws {
    let parameters = smallScan(.lattice) { $0.scanShape = Shape(1024, 1024) }
    let simulator = try Simulator(parameters)
    #expect(simulator.object.shape == Shape(1024, 1024))
    let last = parameters.scanShape.count - 1
    #expect(abs(simulator.floats(last).reduce(0, +) - 1) < 1e-5)
    let (measured, truth) = (simulator.deflection(last), simulator.truth(position: last).detectorDeflection)
    #expect(abs(measured.y - truth.y) < 2e-3 && abs(measured.x - truth.x) < 2e-3)
  }

  @Test("A scan of the object's period repeats its patterns")
  func period() throws {
    let parameters = smallScan(.atoms) {
      $0.scanShape = Shape(1, 2)
      $0.scanStep = Pair(1, 1024 * $0.sampling.x)
    }
    let simulator = try Simulator(parameters)
    for (a, b) in zip(simulator.floats(0), simulator.floats(1)) { #expect(abs(a - b) < 1e-6) }
  }
}
