import STEM

/// What a synthetic scan is made of. Units: eV, rad, Å. The defaults give a demo scan of a few seconds.
public struct SimulationParameters: Sendable, Equatable {
  /// What the beam passes through.
  public enum ObjectKind: String, Sendable, CaseIterable {
    /// A hexagonal layer of two kinds of atoms; some of the lighter ones are missing.
    case lattice
    /// Atoms of three strengths without order.
    case atoms
    /// One positive Gaussian charge in the middle of the scan.
    case charge
    /// Nothing: every pattern is the bright disk.
    case vacuum = "none"
  }

  public var scanShape = Shape(64, 64)
  public var detectorShape = Shape(128, 128)
  /// [eV]
  public var energy = 200_000.0
  /// Convergence semi-angle [rad].
  public var semiangle = 0.020
  /// Angle of a detector pixel [rad], the same along both axes.
  public var detectorPixel = 0.001
  /// Distance of neighboring positions [Å].
  public var scanStep = Pair(0.25, 0.25)
  /// Mean number of electrons in a pattern; nil: no noise, patterns of `Float` with the sum 1.
  public var dose: Double? = 5000
  public var seed = 1
  /// Aberration C10 [Å], positive = overfocus; defocus = −C10.
  public var c10 = 0.0
  /// As in `Calibration.scanRotation` [rad].
  public var scanRotation = 0.0
  public var transpose = false
  public var object = ObjectKind.lattice
  /// The object's largest phase shift [rad].
  public var peakPhase = 0.6
  /// Standard deviation of the Gaussian that is an atom or the charge [Å]; nil: chosen to suit the sampling.
  public var objectWidth: Double?

  public init() {}

  /// Wavelength [Å].
  public var wavelength: Double { electronWavelength(energy: energy) }

  /// Size of a detector pixel [Å⁻¹].
  public var reciprocalPixel: Double { detectorPixel / wavelength }

  /// Pixel of the optical axis: the shape halved, rounded down.
  public var center: Shape { Shape(detectorShape.y / 2, detectorShape.x / 2) }

  /// Edge lengths of the square or rectangular area in which a wave is computed [Å].
  public var window: Double { 1 / reciprocalPixel }

  /// Distance of the wave's samples [Å] along the detector's axes: the window divided by the detector's pixels.
  public var sampling: Pair<Double> {
    Pair(window / Double(detectorShape.y), window / Double(detectorShape.x))
  }

  /// How a pattern is stored: counts, or `Float` without noise.
  public var pixelType: PixelType { dose == nil ? .f32 : .u16 }

  /// What a file with this scan has to say.
  public var calibration: Calibration {
    var result = Calibration()
    result.energy = Sourced(energy, .file)
    result.semiangle = Sourced(semiangle, .file)
    let pixel = Quantity(detectorPixel, .radian)
    result.detectorPixel = Sourced(Pair(pixel, pixel), .file)
    result.scanStep = Sourced(scanStep, .file)
    result.scanRotation = Sourced(scanRotation, .file)
    result.transpose = Sourced(transpose, .file)
    result.center = Sourced(Pair(Double(center.y), Double(center.x)), .file)
    if dose != nil { result.countsPerElectron = Sourced(1, .file) }
    return result
  }
}
