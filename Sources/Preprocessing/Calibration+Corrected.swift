import Foundation
import STEM

extension Calibration {
  /// What was known of the frames in the file, for the corrected ones.
  func corrected(_ frame: FrameGeometry, _ scan: ScanReduction) -> Calibration {
    var result = self
    let orientation = frame.orientation
    result.center = center.map { Sourced(frame.point($0.value), $0.origin) }
    result.detectorPixel = detectorPixel.map { pixel in
      let seen = orientation.isTransposed ? Pair(pixel.value.x, pixel.value.y) : pixel.value
      func larger(_ size: Quantity, _ bin: Int) -> Quantity { Quantity(size.value * Double(bin), size.unit) }
      return Sourced(Pair(larger(seen.y, frame.bin.y), larger(seen.x, frame.bin.x)), pixel.origin)
    }
    result.diskRadius = diskRadius.map {
      Sourced($0.value / Double(frame.bin.count).squareRoot(), $0.origin)
    }
    result.ellipse = ellipse.map { Sourced($0.value.corrected(frame), $0.origin) }
    result.scanStep = scanStep.map {
      Sourced(Pair($0.value.y * Double(scan.bin.y), $0.value.x * Double(scan.bin.x)), $0.origin)
    }
    result.turnScan(against: orientation)
    return result
  }

  /// R(θ)·T maps a deflection on the raw detector into the scan. One on the oriented detector, D·v, needs R(θ)·T·D⁻¹,
  /// which is again a rotation behind a transposition or none.
  private mutating func turnScan(against orientation: Orientation) {
    guard orientation != .identity else { return }
    let isTransposed = (transpose?.value ?? false) != orientation.isMirrored
    if let transpose { self.transpose = Sourced(isTransposed, transpose.origin) }
    guard let rotation = scanRotation else { return }
    if transpose == nil { transpose = Sourced(isTransposed, rotation.origin) }
    // The raw vector that the oriented detector shows as (1, 0), or as (0, 1) where a transposition comes before the
    // rotation: its image in the scan is R'(1, 0) = (cos θ', −sin θ').
    let wasTransposed = isTransposed != orientation.isMirrored
    let raw = orientation.inverse(isTransposed ? Pair(0, 1) : Pair(1, 0))
    let before = wasTransposed ? Pair(raw.x, raw.y) : raw
    let (c, s) = (cos(rotation.value), sin(rotation.value))
    let seen = Pair(c * before.y + s * before.x, -s * before.y + c * before.x)
    scanRotation = Sourced(atan2(-seen.x, seen.y), rotation.origin)
  }
}

extension Orientation {
  /// The raw vector that is seen as `vector`.
  func inverse(_ vector: Pair<Double>) -> Pair<Double> {
    let turned = Pair(reversesRows ? -vector.y : vector.y, reversesColumns ? -vector.x : vector.x)
    return isTransposed ? Pair(turned.x, turned.y) : turned
  }
}

extension Ellipse {
  /// As it is seen on corrected frames: the axes of the matrix Σ a²·uuᵀ over the two axes, which turns as D·Σ·Dᵀ.
  fileprivate func corrected(_ frame: FrameGeometry) -> Ellipse {
    func seen(_ y: Double, _ x: Double, _ length: Double) -> Pair<Double> {
      let turned = frame.orientation.vector(Pair(y * length, x * length))
      return Pair(turned.y / Double(frame.bin.y), turned.x / Double(frame.bin.x))
    }
    let long = seen(-sin(angle), cos(angle), ratio), short = seen(cos(angle), sin(angle), 1)
    let yy = long.y * long.y + short.y * short.y, xx = long.x * long.x + short.x * short.x
    let yx = long.y * long.x + short.y * short.x
    let mean = (yy + xx) / 2, difference = hypot((xx - yy) / 2, yx)
    var turned = atan2(-2 * yx, xx - yy) / 2
    if turned < 0 { turned += .pi }
    return Ellipse(ratio: ((mean + difference) / max(mean - difference, 1e-300)).squareRoot(), angle: turned)
  }
}
