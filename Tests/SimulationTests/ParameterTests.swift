import STEM
import Simulation
import Testing

@Suite("Parameters of a simulation")
struct ParameterTests {
  private func places(_ change: (inout SimulationParameters) -> Void) -> [String] {
    var parameters = SimulationParameters()
    change(&parameters)
    do {
      try parameters.check()
      return []
    } catch {
      #expect(error.list.allSatisfy { $0.code == .badConfiguration })
      return error.list.map(\.place)
    }
  }

  @Test("The defaults are possible")
  func defaults() throws { try SimulationParameters().check() }

  @Test("Impossible values are named by their keys, all at once")
  func impossible() {
    #expect(places { $0.scanShape = Shape(0, 3) } == ["scan_shape"])
    #expect(places { $0.scanShape = Shape(Int.max, 3) } == ["scan_shape"])
    #expect(places { $0.detectorShape = Shape(64, 5000) } == ["detector_shape"])
    #expect(places { $0.energy = .nan } == ["energy"])
    #expect(places { $0.semiangle = 0.1 } == ["semiangle"])
    #expect(places { $0.semiangle = 0 } == ["semiangle"])
    #expect(places { $0.semiangle = .nan } == ["semiangle"])
    #expect(places { $0.c10 = 5000 } == ["defocus"])
    #expect(places { $0.c10 = .nan } == ["defocus"])
    #expect(places { $0.scanStep = Pair(0.3, 0) } == ["scan_step"])
    #expect(places { $0.dose = -1 } == ["dose"])
    #expect(places { $0.peakPhase = .infinity } == ["peak_phase"])
    #expect(places { $0.objectWidth = 0.01 } == ["object_width"])
    #expect(places { ($0.energy, $0.dose) = (0, .nan) } == ["energy", "dose"])
  }

  @Test("The calibration states the parameters in the units inside")
  func calibration() throws {
    var parameters = SimulationParameters()
    parameters.scanRotation = 0.2
    parameters.transpose = true
    parameters.detectorShape = Shape(65, 80)
    let calibration = parameters.calibration
    #expect(calibration.center?.value == Pair(32, 40))
    #expect(calibration.pixelAngle == Pair(0.001, 0.001))
    #expect(calibration.scanRotation?.value == 0.2 && calibration.transpose?.value == true)
    let reciprocal = try #require(calibration.pixelReciprocal)
    #expect(abs(reciprocal.y - parameters.reciprocalPixel) < 1e-15)
    #expect(abs(parameters.sampling.x * 80 * parameters.reciprocalPixel - 1) < 1e-12)
  }
}
