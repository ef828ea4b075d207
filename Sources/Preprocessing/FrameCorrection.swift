import STEM

/// What happens to a frame, resolved: immutable, shared by all readers.
struct FrameCorrection: Sendable {
  let geometry: FrameGeometry
  let values: CorrectionValues
  let inputType: PixelType
  let outputType: PixelType
  /// Frames that are summed.
  let framesPerPosition: Int
  /// Whether pixel values change before they are moved or summed.
  let changesValues: Bool
  /// Raw pixels of at least this value become NaN.
  let markedFrom: Double
  let repairs: [PixelRepair]

  /// A bad pixel, and those from which it is interpolated; places in the raw frame.
  struct PixelRepair: Sendable {
    var pixel: Int
    var sources: [Int]
  }

  init(
    _ asked: DetectorCorrection, _ values: CorrectionValues, _ geometry: FrameGeometry, _ type: PixelType,
    framesPerPosition: Int
  ) {
    self.geometry = geometry
    self.values = values
    self.framesPerPosition = framesPerPosition
    inputType = type
    let interpolates = asked.interpolates && (values.bad.contains(true) || asked.findsDeadPixels)
    changesValues = values.dark != nil || values.factor != nil || interpolates
    let summed = geometry.bin.count * framesPerPosition
    // A sum hides that one of its pixels is saturated.
    let marks = summed > 1 && asked.saturation != nil
    markedFrom = marks ? asked.saturation! : .infinity
    if changesValues || marks {
      outputType = type == .f64 ? .f64 : .f32
    } else {
      outputType = summed > 1 ? type.sum(of: summed) : type
    }
    repairs = interpolates ? Self.repairs(values.bad, geometry) : []
  }

  var isIdentity: Bool { geometry.isIdentity && !changesValues && !sums }
  /// Whether a corrected pixel is a sum.
  var sums: Bool { geometry.bin.count * framesPerPosition > 1 }
  /// Whether pixels go through floating point one by one.
  var isFloating: Bool { changesValues || markedFrom < .infinity }
  /// The type in which values are corrected, which that of the file fits exactly.
  var workType: PixelType { [.u32, .i32, .f64].contains(inputType) ? .f64 : .f32 }
  /// The type of corrected values before they are summed.
  var valueType: PixelType { inputType == .f64 ? .f64 : .f32 }
  /// The type in which they are summed.
  var sumType: PixelType { outputType == .u32 || outputType == .i32 ? outputType : .f64 }
  /// Of the sums of a frame.
  var sumBytes: Int { geometry.shape.count * sumType.size }

  /// The threshold `raw` in corrected units, so that no saturated pixel is below it: exact without a gain and a dark,
  /// with them the lowest of all pixels' thresholds. nil for sums, in which it does not show.
  func saturation(_ raw: Double?) -> Double? {
    guard let raw, !sums else { return nil }
    guard changesValues else { return raw }
    var lowest = Double.infinity
    geometry.forEachPixel { _, pixel in
      guard !values.bad[pixel] else { return }
      lowest = min(lowest, (raw - (values.dark?[pixel] ?? 0)) * (values.factor?[pixel] ?? 1))
    }
    // Frames are rounded to floats, by which a saturated pixel must not fall below.
    return outputType == .f32 ? lowest - abs(lowest) * 0x1p-21 : lowest
  }

  /// In the order of the raw frame, for the bad pixels that a corrected frame shows.
  private static func repairs(_ bad: [Bool], _ geometry: FrameGeometry) -> [PixelRepair] {
    let (shape, window) = (geometry.raw, geometry.rawWindow)
    return bad.indices.filter {
      bad[$0] && window.rows.contains($0 / shape.x) && window.columns.contains($0 % shape.x)
    }.map { PixelRepair(pixel: $0, sources: nearestGood($0, bad, shape)) }
  }

  /// The good ones of the eight neighbors; where there are none, of the next ring of 16 pixels, and so on.
  private static func nearestGood(_ pixel: Int, _ bad: [Bool], _ shape: Shape) -> [Int] {
    let (y, x) = (pixel / shape.x, pixel % shape.x)
    for reach in 1...max(shape.y, shape.x) {
      var found: [Int] = []
      for row in max(0, y - reach)...min(shape.y - 1, y + reach) {
        let isEdge = abs(row - y) == reach
        for column in max(0, x - reach)...min(shape.x - 1, x + reach) where isEdge || abs(column - x) == reach {
          if !bad[row * shape.x + column] { found.append(row * shape.x + column) }
        }
      }
      if !found.isEmpty { return found }
    }
    return []
  }
}

extension PixelType {
  /// A type that holds every sum of `count` pixels of this one: exactly for integers up to 2⁵³.
  func sum(of count: Int) -> PixelType {
    switch self {
    case .u8, .u16, .u16Swapped: largest! * Double(count) <= PixelType.u32.largest! ? .u32 : .f64
    case .i8, .i16: (largest! + 1) * Double(count) <= PixelType.i32.largest! ? .i32 : .f64
    case .u32, .i32, .f64: .f64
    case .f32: .f32
    }
  }
}
