/// Everything an analysis may know about the scan.
public struct FrameContext: Sendable {
  public var scan: Shape
  public var detector: Shape
  public var pixelType: PixelType
  /// Pixels of at least this value count as saturated; nil: none.
  public var saturation: Double?
  /// The calibration as far as it is known; it fulfills the `requirements` of the analysis.
  public var calibration: Calibration
  /// Detector pixels to leave out, row-major, true = dead; nil: none.
  public var deadPixels: [Bool]?
  /// The arrays of `FrameAnalysis.files`, by the path as given.
  public var arrays: [String: DenseArray] = [:]
  /// Whether the optical axis is known position by position (`calibration.center: fitted`): kernels are then told it
  /// by `FrameKernel.follow` before every frame, and `center` is only its mean.
  public var followsOrigin = false

  public init(scan: Shape, detector: Shape, pixelType: PixelType, calibration: Calibration = Calibration()) {
    self.scan = scan
    self.detector = detector
    self.pixelType = pixelType
    self.calibration = calibration
    saturation = pixelType.largest
  }

  /// Of the frames that kernels are given.
  public var frameLayout: FrameLayout { FrameLayout(detector, pixelType) }

  /// The optical axis [px]; the detector's middle until it is known (`requirements` make sure it is).
  public var center: Pair<Double> {
    calibration.center?.value ?? Pair(Double(detector.y - 1) / 2, Double(detector.x - 1) / 2)
  }

  /// Radius of the bright disk [px]: semiangle / pixel size, or as measured; nil when neither is known.
  public var diskRadius: Double? {
    if let semiangle = calibration.semiangle, let pixel = calibration.pixelAngle {
      return Self.withoutRounding(semiangle.value / pixel.mean)
    }
    return calibration.diskRadius?.value
  }

  /// One of `FrameAnalysis.files`.
  func array(_ path: String) throws(Problem) -> DenseArray {
    guard let array = arrays[path] else { throw Problem(.internalError, "\(path) has not been loaded") }
    return array
  }

  /// One of `FrameAnalysis.files` with a value for every pixel of the detector.
  public func detectorValues(_ path: String) throws(Problem) -> [Double] {
    try array(path).values(on: detector, of: "the detector", name: path)
  }

  /// One of `FrameAnalysis.files` with a value for every position of the scan.
  public func scanValues(_ path: String) throws(Problem) -> [Double] {
    try array(path).values(on: scan, of: "the scan", name: path)
  }

  /// To 10⁻⁹ px: 0.9 mrad are 3 pixels of 0.3 mrad, and the pixels at that radius are outside of a disk.
  private static func withoutRounding(_ pixels: Double) -> Double {
    abs(pixels) < 1e6 ? (pixels * 1e9).rounded() / 1e9 : pixels
  }

  /// A length on the detector in px.
  public func pixels(_ length: Quantity) throws(Problem) -> Double {
    switch length.unit.dimension {
    case .pixels: return length.value
    case .angle:
      guard let pixel = calibration.pixelAngle else {
        throw Problem(
          .badConfiguration,
          "\(length) given, but the detector's pixel size in mrad is not known; give the value in px, or calibration.detector_pixel"
            + (calibration.detectorPixel == nil ? "" : " and calibration.energy"))
      }
      return Self.withoutRounding(length.base / pixel.mean)
    case .reciprocalLength:
      guard let pixel = calibration.pixelReciprocal else {
        throw Problem(
          .badConfiguration,
          "\(length) given, but the detector's pixel size in Å⁻¹ is not known; give the value in px, or calibration.detector_pixel"
            + (calibration.detectorPixel == nil ? "" : " and calibration.energy"))
      }
      return Self.withoutRounding(length.base / pixel.mean)
    default: throw Problem(.badConfiguration, "\(length) is no length on the detector; use px, mrad or Å⁻¹")
    }
  }
}
