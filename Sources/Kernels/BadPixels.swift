import Foundation
import STEM

/// Detector pixels that do not measure: hot, noisy, stuck.
///
/// What a pixel must differ from is its second-brightest (second-darkest) neighbor, at the detector's border the brightest
/// (darkest) one, which no pixel of an edge, a plateau or a line does. A sharp peak of the pattern itself differs too, but
/// its neighbors stand out as well.
///
/// A pixel is bad when one of these holds, with t the threshold:
/// - *hot*: its mean is above that of its second-brightest neighbor by more than t times the noise and by more than
///   half of what the 24 pixels around differ (without the brightest of them), and it is isolated. The noise consists of that of
///   the two means and of the texture of the 24 pixels (1.4826 times their median absolute deviation).
/// - *noisy*: its standard deviation is more than t times that of its second-noisiest neighbor, more than what its own
///   counts explain by the same factor, and isolated.
/// - *stuck*: it never changes, its neighbors do, all but one of them, and its mean is outside of theirs by more than
///   t/2 times the noise. A dead pixel is stuck at 0.
/// - it has no finite mean; of a single frame, which has no variance, nothing else can be said.
///
/// Isolated: along rows or along columns its neighbors rise above the pixels beyond them by less than a twentieth of what
/// the pixel rises above the neighbor; a point spread of 0.3 px (rms) and more makes them rise by more than that.
///
/// Finds single pixels and pairs; not clusters, columns or rows, nor, beside a bright disk, what is dimmer than it, and
/// may take good pixels beside a dead row or column at the edge of a disk for bad ones. The noise of a mean is
/// √(q·variance), with q such that it explains the difference of pixels from their neighbors in the calmest quarter of the
/// detector, and at least 1 / number of frames, which is all there is of it where frames are independent: of few counts
/// that calmest quarter does not differ at all.
///
/// What one frame alone says, such as a cosmic ray, counts for nothing: a pixel must be bad without its largest value too.
public enum BadPixels {
  /// What is known of every pixel over the scan or a part of it, row-major.
  public struct Sample: Sendable {
    /// Counts.
    public var mean: [Double]
    /// Divided by the number of frames (ddof 0).
    public var variance: [Double]
    /// nil: not known, outliers in single frames are not left out.
    public var largest: [Double]?
    public var frames: Int

    public init(mean: [Double], variance: [Double], largest: [Double]? = nil, frames: Int) {
      (self.mean, self.variance, self.largest, self.frames) = (mean, variance, largest, frames)
    }

    /// Mean and variance of these pixels without the frame in which they are largest.
    fileprivate func withoutLargest(_ pixels: [Int]) -> Sample {
      var result = self
      let count = Double(frames)
      guard let largest, frames > 2 else { return self }
      for pixel in pixels where largest[pixel].isFinite && mean[pixel].isFinite {
        let excess = largest[pixel] - mean[pixel]
        let rest = mean[pixel] - excess / (count - 1)
        let squares = variance[pixel] - excess * excess / (count - 1)
        // What is left of a pixel that shows nothing else is rounding.
        result.mean[pixel] = abs(rest) > 1e-9 * abs(mean[pixel]) ? rest : 0
        result.variance[pixel] = squares > 1e-9 * variance[pixel] ? squares * count / (count - 1) : 0
      }
      return result
    }
  }

  /// - Parameter threshold: t
  /// - Returns: true where a pixel is bad, row-major
  public static func find(_ sample: Sample, shape: Shape, threshold: Double = 10) -> [Bool] {
    let found = judge(sample, shape, threshold)
    guard sample.largest != nil, found.contains(true) else { return found }
    let again = judge(sample.withoutLargest(found.indices.filter { found[$0] }), shape, threshold)
    return zip(found, again).map { $0 && $1 }
  }

  private static func judge(_ sample: Sample, _ shape: Shape, _ threshold: Double) -> [Bool] {
    let (mean, variance) = (sample.mean, sample.variance)
    precondition(mean.count == shape.count && variance.count == shape.count)
    guard shape.y > 2, shape.x > 2, variance.contains(where: { $0 > 0 }) else { return mean.map { !$0.isFinite } }
    let means = PixelNeighbors(mean, shape)
    let deviations = PixelNeighbors(variance.map { $0.squareRoot() }, shape)
    let scale = max(noiseScale(means, variance), 1 / Double(max(1, sample.frames)))
    let dispersion = median(zip(mean, variance).filter { $0.1 > 0 && $0.0 != 0 }.map { $0.1 / abs($0.0) })
    return mean.indices.map { pixel in
      guard mean[pixel].isFinite, variance[pixel].isFinite else { return true }
      guard let level = means.ranks(pixel), let spread = deviations.ranks(pixel) else { return false }
      func noise(_ neighbor: Double) -> Double { (scale * (variance[pixel] + neighbor * neighbor)).squareRoot() }
      let excess = mean[pixel] - level.upper
      if excess > 0, excess > threshold * noise(spread.upper), means.isIsolated(pixel, excess) {
        let (texture, range) = means.texture(pixel)
        if excess > range / 2, excess > threshold * hypot(noise(spread.upper), texture) { return true }
      }
      let deviation = variance[pixel].squareRoot()
      if deviation > threshold * spread.upper, variance[pixel] > threshold * dispersion * abs(mean[pixel]),
        spread.upper > 0 || mean[pixel] == 0, deviations.isIsolated(pixel, deviation - spread.upper)
      {
        return true
      }
      guard variance[pixel] == 0, spread.lower > 0 else { return false }
      return excess > threshold / 2 * noise(spread.upper)
        || level.lower - mean[pixel] > threshold / 2 * noise(spread.lower)
    }
  }

  /// q without its bound: the variance of a mean is q times that of the pixel. The lower quartile of a squared normal deviate is 0.1015;
  /// the median of eight neighbors adds a fifth of a pixel's variance (π/2 / 8).
  private static func noiseScale(_ means: PixelNeighbors, _ variance: [Double]) -> Double {
    let ratios = variance.indices.compactMap { pixel -> Double? in
      guard variance[pixel] > 0, let level = means.ranks(pixel) else { return nil }
      let difference = means.values[pixel] - level.middle
      return difference.isFinite ? difference * difference / variance[pixel] : nil
    }
    return ratios.isEmpty ? 0 : ratios.sorted()[ratios.count / 4] / (0.1015 * 1.196)
  }
}

/// Values of pixels and of those around them; what is not finite is left out.
private struct PixelNeighbors {
  let values: [Double]
  let shape: Shape

  init(_ values: [Double], _ shape: Shape) {
    self.values = values
    self.shape = shape
  }

  struct Ranks {
    /// Second-smallest, median and second-largest neighbor; at the border the smallest and the largest.
    var lower: Double
    var middle: Double
    var upper: Double
  }

  /// Of the up to eight neighbors; nil with fewer than three.
  func ranks(_ pixel: Int) -> Ranks? {
    withAround(pixel, 1) { sorted in
      let count = sorted.count
      guard count >= 3 else { return nil }
      // Of a spot that the border cuts, a strip one pixel wide may be left: its end has one neighbor in it.
      let rank = count > 5 ? 1 : 0
      return Ranks(
        lower: sorted[rank], middle: (sorted[(count - 1) / 2] + sorted[count / 2]) / 2, upper: sorted[count - 1 - rank])
    }
  }

  /// 1.4826 times the median absolute deviation of the 24 pixels around, and their range, inside of the detector
  /// without the brightest.
  func texture(_ pixel: Int) -> (deviation: Double, range: Double) {
    withAround(pixel, 2) { sorted in
      let middle = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
      return (
        1.4826 * median(sorted.map { abs($0 - middle) }), sorted[sorted.count - (sorted.count > 14 ? 2 : 1)] - sorted[0]
      )
    }
  }

  /// Whether the neighbors along one of the axes rise by less than a twentieth of `excess` above the pixels beyond.
  func isIsolated(_ pixel: Int, _ excess: Double) -> Bool {
    let y = pixel / shape.x, x = pixel % shape.x
    func largest(_ places: [(Int, Int)]) -> Double? {
      places.filter { (0..<shape.y).contains($0.0) && (0..<shape.x).contains($0.1) }
        .map { values[$0.0 * shape.x + $0.1] }.filter(\.isFinite).max()
    }
    func rise(_ near: [(Int, Int)], _ far: [(Int, Int)]) -> Double {
      guard let near = largest(near), let far = largest(far) else { return 0 }
      return near - far
    }
    let columns = rise([(y - 1, x), (y + 1, x)], [(y - 2, x), (y + 2, x)])
    let rows = rise([(y, x - 1), (y, x + 1)], [(y, x - 2), (y, x + 2)])
    return min(columns, rows) < 0.05 * excess
  }

  /// Calls `body` with the finite values up to `reach` pixels away, ascending, without the pixel itself.
  private func withAround<Result>(
    _ pixel: Int, _ reach: Int, _ body: (Slice<UnsafeMutableBufferPointer<Double>>) -> Result
  )
    -> Result
  {
    let y = pixel / shape.x, x = pixel % shape.x
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: 24) { around in
      var count = 0
      for row in max(0, y - reach)...min(shape.y - 1, y + reach) {
        for column in max(0, x - reach)...min(shape.x - 1, x + reach) {
          let value = values[row * shape.x + column]
          guard row != y || column != x, value.isFinite else { continue }
          var place = count
          while place > 0, around[place - 1] > value {
            around[place] = around[place - 1]
            place -= 1
          }
          around[place] = value
          count += 1
        }
      }
      return body(around[..<count])
    }
  }
}
