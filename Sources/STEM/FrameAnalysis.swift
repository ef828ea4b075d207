/// A per-frame analysis: a value type holding its parameters. See `docs/architecture.md`, "a new analysis".
public protocol FrameAnalysis: Sendable {
  init()
  static var declaration: Declaration<Self> { get }
  /// What must be known before the pass; the runner measures what the job and the file do not give.
  var requirements: Set<Requirement> { get }
  /// Whether it keeps to the mean center where others follow the origin frame by frame.
  static var keepsMeanCenter: Bool { get }
  /// Array files (masks) that the parameters name; `Jobs` loads them into `FrameContext.arrays`.
  var files: [String] { get }
  /// The outputs of these parameters on this scan. Throws `Problems`, places relative to the analysis.
  func outputs(_ context: FrameContext) throws -> [OutputDescription]
  /// One kernel for one rank.
  func makeKernel(_ context: FrameContext) throws -> any FrameKernel
}

extension FrameAnalysis {
  public var requirements: Set<Requirement> { [] }
  public static var keepsMeanCenter: Bool { false }
  public var files: [String] { [] }
  public func outputs(_ context: FrameContext) throws -> [OutputDescription] { Self.declaration.outputs }
}

public enum Requirement: String, Sendable, CaseIterable {
  /// `Calibration.center`.
  case center
  /// `Calibration.semiangle` or `Calibration.diskRadius`.
  case semiangle
  /// `Calibration.ellipse`, where the job has it fitted to a ring.
  case ellipse
}

/// Everything an analysis may know about the scan.
public struct FrameContext: Sendable {
  public var scan: Shape
  public var detector: Shape
  public var pixelType: PixelType
  /// Pixels of at least this value count as saturated; nil: none.
  public var saturation: Double?
  /// Complete but for what nobody knows; `requirements` of the analysis are fulfilled.
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

/// The work of one analysis on one rank. Its buffers are its results, and the type of a buffer is the contract.
public protocol FrameKernel: AnyObject {
  /// Row outputs in the order of `outputs`; never communicated.
  var rows: [Rows] { get }
  /// Combined elementwise over leaves, in leaf order.
  var accumulators: [any Accumulator] { get }
  /// What it keeps beside rows and accumulators, where that is as large as a frame.
  var workBytes: Int { get }
  /// The rows to come belong to a stretch of the scan that begins at this position: row r is position `start` + r.
  /// Called before the first frame of every stretch.
  func begin(at start: Int)
  /// The optical axis [px] of the next frame; called before each `add` where `FrameContext.followsOrigin`, else never.
  func follow(_ center: Pair<Double>)
  /// `frame`: the pixels, in `FrameContext.pixelType`; `row`: place in the block's `Rows`.
  func add(_ frame: UnsafeRawPointer, row: Int)
  /// Called before rows are written and sums saved: finishes frames that wait for others, and moves short-lived partial
  /// sums into the accumulators.
  func flush()
  /// The values of all outputs that are not rows, by name, from the combined accumulators.
  func finish() -> [String: [Double]]
}

extension FrameKernel {
  public var workBytes: Int { 0 }
  public func begin(at start: Int) {}
  public func follow(_ center: Pair<Double>) {}
  public func flush() {}
  public func finish() -> [String: [Double]] { [:] }
}

/// A kernel that takes frames together, because its own state is read and written once for all of them. It does not
/// follow the origin. The result does not depend on how frames are grouped.
public protocol GroupKernel: FrameKernel {
  /// `firstRow`: the place in `Rows` of the group's first frame.
  func add(_ group: FrameGroup, firstRow: Int)
}

extension GroupKernel {
  public func add(_ frame: UnsafeRawPointer, row: Int) { add(FrameGroup(row, frame), firstRow: row) }
}
