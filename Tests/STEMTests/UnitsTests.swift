import Testing

@testable import STEM

@Suite struct UnitsTests {
  @Test(
    "a quantity is a number and a unit, however it is spaced",
    arguments: [
      ("300 keV", 300_000.0), ("0.4 Å", 0.4), ("0.04nm", 0.4), ("20 mrad", 0.02), ("0.5 Å⁻¹", 0.5), ("0.5 1/Å", 0.5),
      ("5 1/nm", 0.5), ("180 deg", Double.pi), ("-3 px", -3), ("1e3 eV", 1000), ("1e-1 Å", 0.1), ("1 eV", 1),
    ])
  func parses(text: String, base: Double) throws {
    let quantity = try #require(Quantity(text))
    #expect(abs(quantity.base - base) <= 1e-12 * abs(base))
  }

  @Test(
    "what is no quantity is refused",
    arguments: ["", "20", "mrad", "20 kg", "nan mrad", "inf Å", "1 2 px", "0x10 px", "--1 px"])
  func refuses(text: String) { #expect(Quantity(text) == nil) }

  @Test("a printed quantity reads back as the same value")
  func roundTrip() throws {
    for unit in Unit.allCases {
      let quantity = Quantity(12.5, unit)
      #expect(Quantity(quantity.description) == quantity)
    }
  }

  @Test(
    "the wavelength at tabulated energies (pm, Kirkland, Advanced Computing in Electron Microscopy)",
    arguments: [
      (80_000.0, 4.1757), (100_000, 3.7014), (200_000, 2.5079), (300_000, 1.9687),
    ])
  func wavelength(energy: Double, picometres: Double) {
    #expect(abs(electronWavelength(energy: energy) * 100 - picometres) < 1e-4)
  }

  @Test("an angle and a reciprocal length of one pixel belong together by λ")
  func pixelSizes() throws {
    var calibration = Calibration()
    calibration.detectorPixel = Sourced(Pair(Quantity(0.05, .inverseAngstrom), Quantity(0.5, .inverseNanometre)), .file)
    #expect(calibration.pixelAngle == nil)
    calibration.energy = Sourced(200_000, .job)
    let angle = try #require(calibration.pixelAngle)
    #expect(abs(angle.y - 0.0012539670158664236) < 1e-9)
    #expect(abs(angle.x - angle.y) < 1e-15)
  }

  @Test("a name from another program leads to ours")
  func hints() {
    #expect(
      unknownKey("convergence_angle", allowed: ["energy", "semiangle"]).message.contains("did you mean 'semiangle'?"))
    #expect(unknownKey("outer_radus", allowed: ["outer_radius"]).message.contains("did you mean 'outer_radius'?"))
    #expect(!unknownKey("zebra", allowed: ["outer_radius"]).message.contains("did you mean"))
  }
}
