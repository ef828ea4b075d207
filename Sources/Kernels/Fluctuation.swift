internal import CKernels
import STEM

/// Normalized variances of diffraction intensity over rings, pixels and positions: fluctuation electron microscopy.
///
/// With v the counts, n positions i, N pixels φ in a ring, ⟨⟩ means and Var variances divided by the number of values
/// (Daulton, Bondi & Kelton, Ultramicroscopy 110 (2010) 1279):
///
///     V_Ω  = Var_i(⟨v⟩_φ) / ⟨⟨v⟩_φ⟩_i²        of the ring's mean over positions
///     V_r  = ⟨ Var_φ(v) / ⟨v⟩_φ² ⟩_i           mean over positions of the variance inside of the ring
///     V_re = Var_iφ(v) / ⟨v⟩_iφ²               of all pixels of the ring at all positions, one ensemble
///     Ω_V  = ⟨ Var_i(v) / ⟨v⟩_i² ⟩_φ           mean over the ring of the variance image
///
/// Shot noise adds g·⟨v⟩ to the variance of a pixel of mean ⟨v⟩, g counts per electron. Its share of a variance over m
/// values is (1 − 1/m) of that, so that it adds
///
///     V_Ω: g (1 − 1/n) / (N ⟨v⟩_iφ)       V_r: g ⟨ (1 − 1/N) / ⟨v⟩_φ ⟩_i
///     V_re: g (1 − 1/nN) / ⟨v⟩_iφ          Ω_V: g ⟨ (1 − 1/n) / ⟨v⟩_i ⟩_φ
///
/// A ring without counts at a position takes no part in V_r, a pixel without counts none in Ω_V.
public final class Fluctuation {
  public let accumulators: [any Accumulator]
  private let rings: RingSums
  private let ring: [Int?]
  private let statistics: PixelStatistics
  private let means: Fixed<Double>
  private let spreads: Fixed<Double>
  private let work: Fixed<Double>
  /// Over positions, of a ring's Σv, (Σv)², Var/⟨v⟩² and (1 − 1/N)/⟨v⟩.
  private let sums: PixelSum<DoubleDouble>
  private let squares: PixelSum<DoubleDouble>
  private let ratios: PixelSum<DoubleDouble>
  private let noises: PixelSum<DoubleDouble>
  /// Positions with counts in the ring.
  private let used: PixelSum<UInt64>

  /// - Parameter ring: of each pixel, row-major, in 0 ..< `bins`; nil: the pixel takes part in none
  public init(_ ring: [Int?], bins: Int, shape: Shape, type: PixelType) {
    self.ring = ring
    rings = RingSums(ring, bins: bins, shape: shape, type: type)
    statistics = PixelStatistics(pixels: shape.count, type: type)
    means = Fixed(Array(repeating: 0, count: bins))
    spreads = Fixed(Array(repeating: 0, count: bins))
    work = Fixed(Array(repeating: 0, count: 4 * bins))
    sums = PixelSum(bins)
    squares = PixelSum(bins)
    ratios = PixelSum(bins)
    noises = PixelSum(bins)
    used = PixelSum(bins)
    accumulators = statistics.accumulators + [sums, squares, ratios, noises, used]
  }

  /// Writes Var_φ(v)/⟨v⟩_φ² of each ring of a frame; NaN for a ring without counts.
  public func add(_ frame: Frame, variances: UnsafeMutablePointer<Float>) {
    statistics.add(frame)
    rings.sum(frame)
    for k in 0..<rings.bins { means.values[k] = rings.type.value(rings.sums.values[k]) / Double(rings.pixels[k]) }
    ck_spread_bins(
      rings.type.c, frame.pixels(rings.type, ring.count), rings.runs.pointer, Int64(rings.runs.values.count),
      rings.bin.pointer, Int64(rings.bins),
      means.pointer, spreads.pointer, work.pointer)
    for k in 0..<rings.bins {
      let sum = rings.type.value(rings.sums.values[k]), mean = means.values[k], pixels = Double(rings.pixels[k])
      sums.values[k].add(sum)
      squares.values[k].addSquare(sum)
      guard rings.pixels[k] > 0, sum != 0 else {
        variances[k] = .nan
        continue
      }
      let ratio = spreads.values[k] / pixels / (mean * mean)
      ratios.values[k].add(ratio)
      noises.values[k].add((1 - 1 / pixels) / mean)
      used.values[k] += 1
      variances[k] = Float(ratio)
    }
  }

  public var workBytes: Int { statistics.workBytes }

  /// Must be called before the accumulators are read.
  public func flush() { statistics.flush() }

  /// One curve over the rings.
  public struct Curve: Sendable {
    public var values: [Double]
    /// What shot noise adds for one count per electron.
    public var noise: [Double]

    /// Without the shot noise.
    public func corrected(countsPerElectron: Double) -> [Double] {
      zip(values, noise).map { $0 - countsPerElectron * $1 }
    }
  }

  public struct Curves: Sendable {
    public var omega, ring, ensemble, image: Curve
    /// Var_i(v)/⟨v⟩_i² of each pixel; NaN where there are no counts and outside of all rings.
    public var varianceImage: [Double]
  }

  /// NaN for a ring without pixels or without counts.
  public func curves() -> Curves {
    let patterns = statistics.patterns()
    let image = ring.indices.map { pixel in
      let mean = patterns.mean[pixel]
      return ring[pixel] == nil || mean == 0 ? .nan : patterns.variance[pixel] / (mean * mean)
    }
    return Curves(
      omega: omega(), ring: ringMean(), ensemble: ensemble(patterns), image: imageMean(patterns, image),
      varianceImage: image)
  }

  private func omega() -> Curve {
    let frames = Double(statistics.count)
    let values = (0..<rings.bins).map { k -> Double in
      let sum = sums.values[k]
      // n Σ S² − (Σ S)² in pairs of doubles: nothing cancels.
      let spread = (squares.values[k] * DoubleDouble(frames)).minus(sum * sum)
      guard sum.rounded != 0, rings.pixels[k] > 0, spread.isFinite else { return .nan }
      return max(0, spread) / (sum.rounded * sum.rounded)
    }
    let noise = (0..<rings.bins).map { (frames - 1) / nonzero(sums.values[$0].rounded) }
    return Curve(values: values, noise: noise)
  }

  private func ringMean() -> Curve {
    func mean(_ sum: PixelSum<DoubleDouble>) -> [Double] {
      (0..<rings.bins).map { sum.values[$0].rounded / nonzero(Double(used.values[$0])) }
    }
    return Curve(values: mean(ratios), noise: mean(noises))
  }

  /// The variance of all values is the mean of the pixels' variances and the variance of their means.
  private func ensemble(_ patterns: PixelStatistics.Patterns) -> Curve {
    let mean = overRings { patterns.mean[$0] }
    let within = overRings { patterns.variance[$0] }
    let between = overRings { pixel in
      let distance = patterns.mean[pixel] - mean[ring[pixel]!]
      return distance * distance
    }
    let values = (0..<rings.bins).map { (within[$0] + between[$0]) / nonzero(mean[$0] * mean[$0]) }
    let noise = (0..<rings.bins).map { k in
      (1 - 1 / (Double(rings.pixels[k]) * Double(statistics.count))) / nonzero(mean[k])
    }
    return Curve(values: values, noise: noise)
  }

  private func imageMean(_ patterns: PixelStatistics.Patterns, _ image: [Double]) -> Curve {
    let frames = Double(statistics.count)
    let hasCounts = { (pixel: Int) in patterns.mean[pixel] != 0 }
    return Curve(
      values: overRings(where: hasCounts) { image[$0] },
      noise: overRings(where: hasCounts) { (1 - 1 / frames) / patterns.mean[$0] })
  }

  /// Means over the pixels of each ring, in the order of the pixels; NaN without any.
  private func overRings(where takesPart: (Int) -> Bool = { _ in true }, _ value: (Int) -> Double) -> [Double] {
    var sums = Array(repeating: 0.0, count: rings.bins), counts = sums
    for (pixel, ring) in ring.enumerated() {
      guard let ring, takesPart(pixel) else { continue }
      sums[ring] += value(pixel)
      counts[ring] += 1
    }
    return zip(sums, counts).map { $0 / nonzero($1) }
  }

  private func nonzero(_ value: Double) -> Double { value == 0 ? .nan : value }
}
