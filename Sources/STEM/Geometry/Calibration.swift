import Foundation

/// Where a value came from; every value of a plan carries one.
public enum Origin: String, Sendable, Codable {
  case job, commandLine = "command line", file, instrument, measured, `default`
}

/// A value and its source.
public struct Sourced<Value: Sendable>: Sendable {
  public var value: Value
  public var origin: Origin

  public init(_ value: Value, _ origin: Origin) {
    self.value = value
    self.origin = origin
  }
}

extension Sourced: Equatable where Value: Equatable {}
extension Sourced: Codable where Value: Codable {}

/// A pair in array order: y (slow, axis 0, down), x (fast, axis 1, right).
public struct Pair<Value: Sendable>: Sendable {
  public var y: Value
  public var x: Value

  public init(_ y: Value, _ x: Value) {
    self.y = y
    self.x = x
  }
}

extension Pair: Equatable where Value: Equatable {}
extension Pair: Hashable where Value: Hashable {}
extension Pair: Codable where Value: Codable {}

public typealias Shape = Pair<Int>

extension Pair where Value == Int {
  public var count: Int { y * x }
  public var text: String { "\(y) × \(x)" }
}

extension Pair where Value == Double {
  /// Of both, which stands for the size of pixels that are not square.
  public var mean: Double { (y + x) / 2 }
}

/// Elliptical distortion: what should be a circle appears on the detector as an ellipse.
public struct Ellipse: Sendable, Codable, Equatable {
  /// Long axis over short axis, at least 1.
  public var ratio: Double
  /// Of the long axis [rad], counter-clockwise on screen from +x (y down), in 0 ..< π.
  public var angle: Double

  public init(ratio: Double, angle: Double) {
    self.ratio = ratio
    self.angle = angle
  }

  /// A vector on the detector [px] without the distortion: the circle whose area is that of the ellipse.
  public func corrected(_ vector: Pair<Double>) -> Pair<Double> {
    let (c, s) = (cos(angle), sin(angle))
    // Along and across the long axis; on screen, y is down.
    let along = (c * vector.x - s * vector.y) / ratio.squareRoot()
    let across = (s * vector.x + c * vector.y) * ratio.squareRoot()
    return Pair(c * across - s * along, c * along + s * across)
  }
}

/// What is known of the experiment. Units inside: eV, rad, Å, px. nil: unknown.
public struct Calibration: Sendable, Equatable, Codable {
  public var energy: Sourced<Double>?
  /// Convergence semi-angle [rad].
  public var semiangle: Sourced<Double>?
  /// Size of a detector pixel, as an angle (`.radian`) or as `.inverseAngstrom`: files give one or the other.
  public var detectorPixel: Sourced<Pair<Quantity>>?
  /// Distance between neighboring positions [Å].
  public var scanStep: Sourced<Pair<Double>>?
  /// Rotation of the detector against the scan [rad], clockwise on screen (conventions.md).
  public var scanRotation: Sourced<Double>?
  public var transpose: Sourced<Bool>?
  /// Optical axis on the detector [px]; pixel centers are at whole numbers.
  public var center: Sourced<Pair<Double>>?
  /// Radius of the bright disk [px], when it was measured.
  public var diskRadius: Sourced<Double>?
  /// Elliptical distortion of the detector's image.
  public var ellipse: Sourced<Ellipse>?
  /// Detector counts for one electron.
  public var countsPerElectron: Sourced<Double>?

  public init() {}

  /// Wavelength [Å].
  public var wavelength: Double? { energy.map { electronWavelength(energy: $0.value) } }

  /// Size of a detector pixel [rad], angle = λk.
  public var pixelAngle: Pair<Double>? {
    guard let pixel = detectorPixel?.value else { return nil }
    guard pixel.y.unit.dimension == .reciprocalLength else { return Pair(pixel.y.base, pixel.x.base) }
    return wavelength.map { Pair(pixel.y.base * $0, pixel.x.base * $0) }
  }

  /// Size of a detector pixel [Å⁻¹].
  public var pixelReciprocal: Pair<Double>? {
    guard let pixel = detectorPixel?.value else { return nil }
    guard pixel.y.unit.dimension == .angle else { return Pair(pixel.y.base, pixel.x.base) }
    return wavelength.map { Pair(pixel.y.base / $0, pixel.x.base / $0) }
  }

  /// Returns the values of `self`, completed by those of `other`.
  public func completed(by other: Calibration) -> Calibration {
    var result = self
    result.energy = energy ?? other.energy
    result.semiangle = semiangle ?? other.semiangle
    result.detectorPixel = detectorPixel ?? other.detectorPixel
    result.scanStep = scanStep ?? other.scanStep
    result.scanRotation = scanRotation ?? other.scanRotation
    result.transpose = transpose ?? other.transpose
    result.center = center ?? other.center
    result.diskRadius = diskRadius ?? other.diskRadius
    result.ellipse = ellipse ?? other.ellipse
    result.countsPerElectron = countsPerElectron ?? other.countsPerElectron
    return result
  }
}
