import STEM

/// Arrays of the size of the file's frames.
struct CorrectionValues: Sendable {
  /// Dark and offset; nil: none.
  var dark: [Double]?
  /// Mean gain over gain; nil: none.
  var factor: [Double]?
  /// Dead, or without a usable dark or gain.
  var bad: [Bool]
}

/// Holds what a job asks for against the file's shapes, and collects every problem.
struct CorrectionChecks {
  private(set) var problems: [Problem] = []
  private(set) var warnings: [String] = []

  private mutating func refuse(_ place: String, _ message: String, _ code: ExitCode = .badConfiguration) {
    problems.append(Problem(code, at: place, message))
  }

  // MARK: windows

  mutating func scan(_ asked: ScanCorrection, _ raw: Shape) -> ScanReduction {
    let window = checked(asked.crop, raw, "scan.crop", "scan")
    let bin = checked(asked.bin, window.shape, "scan.bin", "scan")
    return ScanReduction(raw: raw, window: whole(window, bin, "scan.bin", "positions"), bin: bin)
  }

  mutating func frame(_ asked: DetectorCorrection, _ raw: Shape) -> FrameGeometry {
    let window = checked(asked.crop, asked.orientation.shape(raw), "detector.crop", "detector")
    let bin = checked(asked.bin, window.shape, "detector.bin", "detector")
    return FrameGeometry(
      raw: raw, orientation: asked.orientation, window: whole(window, bin, "detector.bin", "pixels"), bin: bin)
  }

  private mutating func checked(_ crop: Window?, _ shape: Shape, _ place: String, _ owner: String) -> Window {
    guard let crop else { return Window(shape) }
    guard !crop.rows.isEmpty, !crop.columns.isEmpty, crop.rows.lowerBound >= 0, crop.columns.lowerBound >= 0,
      crop.rows.upperBound <= shape.y, crop.columns.upperBound <= shape.x
    else {
      refuse(
        place,
        "\(crop.text) given; [[y begin, y end], [x begin, x end]] within the \(shape.text) \(owner), begin < end, is allowed"
      )
      return Window(shape)
    }
    return crop
  }

  private mutating func checked(_ bin: Shape, _ shape: Shape, _ place: String, _ owner: String) -> Shape {
    guard bin.y >= 1, bin.x >= 1, bin.y <= shape.y, bin.x <= shape.x else {
      refuse(place, "\(bin.text) given; 1 to \(shape.y) and 1 to \(shape.x) are allowed, the size of the \(owner)")
      return Shape(1, 1)
    }
    return bin
  }

  private mutating func whole(_ window: Window, _ bin: Shape, _ place: String, _ what: String) -> Window {
    let whole = window.whole(bin)
    let rows = window.rows.count - whole.rows.count, columns = window.columns.count - whole.columns.count
    if rows > 0 || columns > 0 {
      func rest(_ count: Int, _ line: String) -> [String] {
        count == 0 ? [] : [count == 1 ? "the last \(line)" : "the last \(count) \(line)s"]
      }
      warnings.append(
        "\(place): \(bin.text) does not divide \(window.shape.text) \(what); left out: "
          + (rest(rows, "row") + rest(columns, "column")).joined(separator: ", "))
    }
    return whole
  }

  // MARK: arrays

  mutating func values(_ asked: DetectorCorrection, _ raw: Shape) -> CorrectionValues {
    var bad = asked.deadPixels ?? [Bool](repeating: false, count: raw.count)
    if bad.count != raw.count {
      refuse("detector.dead_pixels", "a map of \(bad.count) pixels given; the detector has \(raw.text)", .badData)
      bad = [Bool](repeating: false, count: raw.count)
    }
    var dark = array(asked.dark, raw, "detector.dark")
    if let given = dark {
      warn(&bad, given.map(\.isFinite), raw, "detector.dark: not a finite number")
      dark = given.map { ($0.isFinite ? $0 : 0) + asked.offset }
    } else if asked.offset != 0 {
      dark = [Double](repeating: asked.offset, count: raw.count)
    }
    let gain = array(asked.gain, raw, "detector.gain")
    if let gain { warn(&bad, gain.map { $0 > 0 && $0.isFinite }, raw, "detector.gain: no number above 0") }
    let factor = gain.map { factors($0, bad) }
    if !bad.contains(false) {
      refuse("detector", "every pixel is dead, or has no dark or gain of use; give a map with good pixels", .badData)
    }
    return CorrectionValues(dark: dark, factor: factor, bad: bad)
  }

  private mutating func array(_ array: DenseArray?, _ raw: Shape, _ place: String) -> [Double]? {
    var values: [Double]?
    problems += gather(at: place) { values = try array?.values(on: raw, of: "the file's frames") }
    return values
  }

  /// Pixels without a usable value become bad ones.
  private mutating func warn(_ bad: inout [Bool], _ usable: [Bool], _ raw: Shape, _ what: String) {
    let found = usable.indices.filter { !usable[$0] && !bad[$0] }
    guard let first = found.first else { return }
    for pixel in found { bad[pixel] = true }
    warnings.append(
      "\(what) at pixel [\(first / raw.x), \(first % raw.x)]"
        + (found.count > 1 ? " and \(found.count - 1) more" : "") + "; taken for dead")
  }

  /// Mean over the good pixels, divided by the gain.
  private func factors(_ gain: [Double], _ bad: [Bool]) -> [Double] {
    var sum = 0.0, count = 0.0
    for (value, isBad) in zip(gain, bad) where !isBad {
      sum += value
      count += 1
    }
    return zip(gain, bad).map { $1 ? 1 : sum / count / $0 }
  }
}
