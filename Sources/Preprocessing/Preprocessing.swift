import STEM

/// What is to be done to every frame. Arrays and thresholds belong to the frames as they are in the file.
public struct DetectorCorrection: Sendable {
  /// Subtracted from every frame.
  public var dark: DenseArray?
  /// The response to even illumination, without dark: frames are multiplied by its mean over its value.
  public var gain: DenseArray?
  /// Subtracted from every pixel.
  public var offset = 0.0
  /// Row-major, true where a pixel is bad.
  public var deadPixels: [Bool]?
  /// Whether `deadPixels` will be found in the scan's frames: the frames' type then does not wait for them.
  public var findsDeadPixels = false
  /// Bad pixels take the mean of the nearest good ones instead of being left out.
  public var interpolates = false
  /// Pixels of at least this value are saturated; nil: as the file says.
  public var saturation: Double?
  public var orientation = Orientation.identity
  /// In pixels of the oriented frame.
  public var crop: Window?
  public var bin = Shape(1, 1)

  public init() {}
}

/// Which part of the scan is used, and how finely.
public struct ScanCorrection: Sendable {
  /// In positions of the file.
  public var crop: Window?
  /// The frames of a bin are summed.
  public var bin = Shape(1, 1)

  public init() {}
}

public struct Preprocessing: Sendable {
  public var detector = DetectorCorrection()
  public var scan = ScanCorrection()

  public init() {}

  /// A source of corrected frames; `source` as it is stored where there is nothing to correct.
  /// - Parameter scan: positions of the file
  /// - Throws: `Problems`, places `detector.…` and `scan.…`
  public func applied(to source: any FrameSource, scan shape: Shape) throws(Problems) -> CorrectedScan {
    var checks = CorrectionChecks()
    let description = source.description
    let scan = checks.scan(self.scan, shape)
    let frame = checks.frame(detector, description.detectorShape)
    let values = checks.values(detector, description.detectorShape)
    try checks.problems.throwIfAny()
    let correction = FrameCorrection(
      detector, values, frame, description.pixelType, framesPerPosition: scan.bin.count)
    let needed = !(correction.isIdentity && scan.isIdentity)
    let corrected = needed ? CorrectedSource(source, correction, scan) : nil
    return CorrectedScan(
      source: corrected ?? source.asStored, scan: scan.shape, reduction: scan, frame: frame,
      deadPixels: detector.interpolates ? nil : frame.mask(values.bad),
      saturation: correction.saturation(detector.saturation ?? description.saturation ?? description.pixelType.largest),
      summary: summary(correction, values, scan), warnings: checks.warnings)
  }

  /// What is done, in words: `detector: dark, gain, bin 2 × 2 -> 64 × 64 float32`.
  private func summary(_ correction: FrameCorrection, _ values: CorrectionValues, _ scan: ScanReduction) -> [String] {
    var lines: [String] = []
    var parts: [String] = []
    if detector.dark != nil { parts.append("dark") }
    if detector.offset != 0 { parts.append("offset \(shortNumber(detector.offset))") }
    if detector.gain != nil { parts.append("gain") }
    let bad = values.bad.reduce(0) { $0 + ($1 ? 1 : 0) }
    let waits = detector.findsDeadPixels && detector.deadPixels == nil
    if bad > 0 || waits {
      parts.append(
        (waits ? "bad pixels found and " : "\(bad) \(bad == 1 ? "pixel" : "pixels") ")
          + (detector.interpolates ? "interpolated" : "left out"))
    }
    parts += detector.orientation.words
    if let crop = detector.crop { parts.append("crop \(crop.text)") }
    if detector.bin != Shape(1, 1) { parts.append("bin \(detector.bin.text)") }
    let target = "\(correction.geometry.shape.text) \(correction.outputType.numpyName)"
    if !parts.isEmpty { lines.append("detector: \(parts.joined(separator: ", ")) -> \(target)") }
    if !scan.isIdentity {
      var parts: [String] = []
      if let crop = self.scan.crop { parts.append("crop \(crop.text)") }
      if scan.bin != Shape(1, 1) { parts.append("bin \(scan.bin.text)") }
      lines.append("scan: \(parts.joined(separator: ", ")) -> \(scan.shape.text)")
    }
    return lines
  }
}

/// A scan as analyses see it.
public struct CorrectedScan: Sendable {
  public let source: any FrameSource
  public let scan: Shape
  let reduction: ScanReduction
  let frame: FrameGeometry
  /// Pixels to leave out, row-major; nil: none.
  public let deadPixels: [Bool]?
  /// Pixels of at least this value are saturated; nil: none can be told.
  public let saturation: Double?
  /// A line for the detector and one for the scan, where something is done to them.
  public let summary: [String]
  public let warnings: [String]

  /// What is known of the frames in the file, for the corrected ones: sizes of bins, places, directions.
  public func calibration(_ raw: Calibration) -> Calibration { raw.corrected(frame, reduction) }

  /// The positions of the file behind selected ones.
  public func positionsInFile(_ selection: PositionSelection) -> PositionSelection { reduction.expanded(selection) }
}

extension Orientation {
  /// A short description: `rotate 90`, `transpose`, `flip_y`.
  var words: [String] {
    switch (isTransposed, reversesRows, reversesColumns) {
    case (false, false, false): []
    case (false, true, false): ["flip_y"]
    case (false, false, true): ["flip_x"]
    case (false, true, true): ["rotate 180"]
    case (true, false, false): ["transpose"]
    case (true, false, true): ["rotate 90"]
    case (true, true, false): ["rotate 270"]
    case (true, true, true): ["transpose, rotate 180"]
    }
  }
}

extension Window {
  var text: String {
    "[[\(rows.lowerBound), \(rows.upperBound)], [\(columns.lowerBound), \(columns.upperBound)]]"
  }
}
