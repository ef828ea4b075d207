import STEM

/// From mean momentum transfers to fields; docs/conventions.md, design "Formulas". Constants: CODATA 2018.
enum FieldFormulas {
  /// Vacuum permittivity [e/(V·Å)].
  static let permittivity = 5.526_349_406e-3
  /// h/e [T·nm²]
  static let fluxQuantum = 4135.667_696

  /// Interaction constant σ = (2π/λE)·(mc² + E)/(2mc² + E) [rad/(V·Å)]: phase = σ·V·t. `energy` in eV.
  /// Kirkland, Advanced Computing in Electron Microscopy (2010), eq. 5.6. 200 keV → 7.288e-4.
  static func interaction(energy: Double) -> Double {
    let restEnergy = 510_998.95
    return 2 * .pi / (electronWavelength(energy: energy) * energy) * (restEnergy + energy) / (2 * restEnergy + energy)
  }

  /// Electric field times thickness [V] for a deflection of 1 Å⁻¹ along it: −2π/σ. Müller et al., Nat. Commun. 5:5653
  /// (2014).
  static func projectedField(energy: Double) -> Double { -2 * .pi / interaction(energy: energy) }

  /// Volts per Å in V/m.
  static let voltsPerMetre = 1e10

  /// Magnetic induction times thickness [T·nm] from the deflection [Å⁻¹]: B_x t = −(h/e) k_y, B_y t = (h/e) k_x.
  /// Chapman, J. Phys. D 17 (1984) 623.
  static func projectedInduction(_ deflection: Pair<Double>) -> Pair<Double> {
    let scale = fluxQuantum * 10  // Å⁻¹ → nm⁻¹
    return Pair(scale * deflection.x, -scale * deflection.y)
  }
}
