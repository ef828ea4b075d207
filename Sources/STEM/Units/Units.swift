/// Units that job files and input files carry. Inside the program: eV, Å, rad, Å⁻¹, px.
public enum Unit: String, Sendable, CaseIterable, Codable {
  case electronvolt = "eV"
  case kiloelectronvolt = "keV"
  case angstrom = "Å"
  case nanometre = "nm"
  case micrometre = "µm"
  case picometre = "pm"
  case millimetre = "mm"
  case centimetre = "cm"
  case metre = "m"
  case radian = "rad"
  case milliradian = "mrad"
  case degree = "deg"
  case inverseAngstrom = "Å⁻¹"
  case inverseNanometre = "nm⁻¹"
  case pixel = "px"
  case second = "s"
  case minute = "min"
  case megabyte = "MB"
  case gigabyte = "GB"
  case mebibyte = "MiB"
  case gibibyte = "GiB"

  public enum Dimension: String, Sendable { case energy, length, angle, reciprocalLength, pixels, time, memory }

  public var dimension: Dimension {
    switch self {
    case .electronvolt, .kiloelectronvolt: .energy
    case .angstrom, .nanometre, .micrometre, .picometre, .millimetre, .centimetre, .metre: .length
    case .radian, .milliradian, .degree: .angle
    case .inverseAngstrom, .inverseNanometre: .reciprocalLength
    case .pixel: .pixels
    case .second, .minute: .time
    case .megabyte, .gigabyte, .mebibyte, .gibibyte: .memory
    }
  }

  /// Factor to the unit used inside: eV, Å, rad, Å⁻¹, px, s, bytes.
  public var factor: Double {
    switch self {
    case .electronvolt, .angstrom, .radian, .inverseAngstrom, .pixel, .second: 1
    case .minute: 60
    case .megabyte: 1e6
    case .gigabyte: 1e9
    case .mebibyte: 1_048_576
    case .gibibyte: 1_073_741_824
    case .kiloelectronvolt: 1000
    case .nanometre: 10
    case .micrometre: 1e4
    case .picometre: 0.01
    case .millimetre: 1e7
    case .centimetre: 1e8
    case .metre: 1e10
    case .milliradian: 1e-3
    case .degree: Double.pi / 180
    case .inverseNanometre: 0.1
    }
  }

  /// Reads the spellings found in job files and in vendors' metadata; nil for an unknown one.
  public init?(spelling: String) {
    // Metadata bracket and space their units in several ways: "[n_m^-1]", "1 / Å", "$A^{-1}$".
    let text = spelling.filter { !" []{}$_".contains($0) }
    switch text {
    case "eV", "ev": self = .electronvolt
    case "keV", "kev", "kV", "KeV": self = .kiloelectronvolt
    case "Å", "A", "Ang", "ang", "angstrom", "Angstrom", "Ångström", "AA": self = .angstrom
    case "nm", "nanometer", "nanometre": self = .nanometre
    case "µm", "μm", "um", "micron": self = .micrometre
    case "pm": self = .picometre
    case "mm": self = .millimetre
    case "cm": self = .centimetre
    case "m": self = .metre
    case "rad", "radian", "radians": self = .radian
    case "mrad", "mradian", "millirad": self = .milliradian
    case "deg", "degree", "degrees", "°": self = .degree
    case "Å⁻¹", "1/Å", "A^-1", "Å^-1", "1/A", "1/angstrom", "A-1", "Ang^-1": self = .inverseAngstrom
    case "nm⁻¹", "1/nm", "nm^-1", "nm-1": self = .inverseNanometre
    case "px", "pixel", "pixels": self = .pixel
    case "s", "sec", "second", "seconds": self = .second
    case "min", "minute", "minutes": self = .minute
    case "MB": self = .megabyte
    case "GB": self = .gigabyte
    case "MiB": self = .mebibyte
    case "GiB": self = .gibibyte
    default: return nil
    }
  }
}

/// A number with the unit in which it was given.
public struct Quantity: Hashable, Sendable, Codable, CustomStringConvertible {
  public var value: Double
  public var unit: Unit

  public init(_ value: Double, _ unit: Unit) {
    self.value = value
    self.unit = unit
  }

  /// In eV, Å, rad, Å⁻¹ or px.
  public var base: Double { value * unit.factor }
  public var description: String { "\(shortNumber(value)) \(unit.rawValue)" }

  /// Reads `300 keV`, `0.5 Å⁻¹`, `12deg`; nil when it is not a finite number followed by a known unit.
  public init?(_ text: String) {
    let trimmed = text.drop(while: \.isWhitespace)
    var end = trimmed.startIndex
    var previous: Character = " "
    // An "e" belongs to the number only when a digit or sign follows: 1e3 eV, but 1 eV.
    while end < trimmed.endIndex {
      let c = trimmed[end]
      let next = trimmed.index(after: end)
      let exponent =
        (c == "e" || c == "E") && next < trimmed.endIndex
        && (trimmed[next].isASCIIDigit || "+-".contains(trimmed[next]))
        && previous.isASCIIDigitOrPoint
      let sign = "+-".contains(c) && (end == trimmed.startIndex || previous == "e" || previous == "E")
      guard c.isASCIIDigit || c == "." || exponent || sign else { break }
      previous = c
      end = next
    }
    let unitText = trimmed[end...].filter { !$0.isWhitespace }
    guard let value = Double(trimmed[..<end]), value.isFinite, let unit = Unit(spelling: String(unitText)) else {
      return nil
    }
    self.init(value, unit)
  }
}

extension Character {
  var isASCIIDigit: Bool { self >= "0" && self <= "9" }
  var isASCIIDigitOrPoint: Bool { isASCIIDigit || self == "." }
}

/// The shortest text for messages: `12`, not `12.0`; at most six significant digits after rounding to them.
public func shortNumber(_ value: Double) -> String {
  if value == value.rounded(.towardZero), abs(value) < 1e15 { return String(Int(value)) }
  guard value.isFinite, value != 0 else { return String(value) }
  guard abs(value) > 1e-100, abs(value) < 1e100 else { return String(value) }
  var scale = 1.0
  while abs(value) * scale < 1e5 { scale *= 10 }
  while abs(value) * scale >= 1e6 { scale /= 10 }
  return String((value * scale).rounded() / scale)
}

/// `value` with three significant digits.
public func threeDigits(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return shortNumber(value) }
  var scale = 1.0
  while value.magnitude * scale < 100 { scale *= 10 }
  return shortNumber((value * scale).rounded() / scale)
}

/// Relativistic electron wavelength [Å]; `energy` in eV, positive. 300 keV → 0.019687 Å.
public func electronWavelength(energy: Double) -> Double {
  let restEnergy = 510_998.95  // eV (CODATA 2018)
  let hc = 12_398.419_84  // eV·Å
  return hc / (energy * (2 * restEnergy + energy)).squareRoot()
}
