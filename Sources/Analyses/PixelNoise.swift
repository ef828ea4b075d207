import Kernels
import STEM

/// Statistics of every detector pixel over the scan, for spotting those that do not measure.
public struct PixelNoise: FrameAnalysis {
  public var threshold = 10.0

  public init() {}

  public static let declaration = Declaration<Self>(
    "pixel_noise", "Noise of every detector pixel over the scan: mean, variance, Fano factor, and suspect pixels.",
    source: "Fano, Phys. Rev. 72 (1947) 26: variance / mean, 1 for counted electrons; suspects: Kernels/BadPixels",
    parameters: [
      .init(
        "threshold", \.threshold, .number(1...1e6),
        "How far beyond its neighbors, in units of the noise, a pixel is suspect.")
    ],
    outputs: descriptions(unit: "counts", square: "counts²"),
    example: "- pixel_noise: {}")

  private static func descriptions(unit: String, square: String) -> [OutputDescription] {
    func pattern(_ name: String, _ quantity: String, _ unit: String, _ summary: String) -> OutputDescription {
      OutputDescription(name, .pattern, quantity: quantity, unit: unit, summary)
    }
    return [
      pattern("mean", "Intensity", unit, "Mean over all positions."),
      pattern("variance", "Variance", square, "Variance over all positions (ddof 0)."),
      pattern(
        "fano", "Fano factor", unit,
        "Variance / mean: counts_per_electron where shot noise is all there is, more where the specimen varies; NaN where "
          + "the mean is not positive."),
      pattern("min", "Intensity", unit, "Smallest value."),
      pattern("max", "Intensity", unit, "Largest value."),
      pattern(
        "suspect", "Suspect", "",
        "1 for a hot, noisy or stuck pixel and those of detector.dead_pixels, for which it is a mask; else 0."),
    ]
  }

  public func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    let unit = intensityUnit(context)
    return Self.descriptions(unit: unit, square: unit == "counts" ? "counts²" : unit)
  }

  public func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel {
    try NoiseKernel(threshold, context, outputs)
  }
}

private final class NoiseKernel: GroupKernel {
  var accumulators: [any Accumulator] { statistics.accumulators }
  var workBytes: Int { statistics.workBytes }
  private let statistics: PixelStatistics
  private let threshold: Double
  private let shape: Shape
  private let dead: [Bool]?
  private let mean, variance, fano, smallest, largest, suspect: Whole

  init(_ threshold: Double, _ context: FrameContext, _ outputs: OutputBinding) throws {
    (mean, variance, fano) = (try outputs.whole("mean"), try outputs.whole("variance"), try outputs.whole("fano"))
    (smallest, largest) = (try outputs.whole("min"), try outputs.whole("max"))
    suspect = try outputs.whole("suspect")
    statistics = PixelStatistics(pixels: context.detector.count, type: context.pixelType)
    self.threshold = threshold
    shape = context.detector
    dead = context.deadPixels
  }

  func add(_ group: FrameGroup, firstRow: Int) { statistics.add(group) }

  func flush() { statistics.flush() }

  func finish() {
    let found = statistics.patterns()
    // Pixels known to be dead are no neighbors to be compared with.
    let means = found.mean.without(dead), variances = found.variance.without(dead)
    let sample = BadPixels.Sample(
      mean: means, variance: variances, largest: found.largest, frames: Int(statistics.count))
    let isSuspect = BadPixels.find(sample, shape: shape, threshold: threshold)
    let isEmpty = statistics.count == 0
    mean.set(means)
    variance.set(variances)
    fano.set(zip(variances, means).map { $1 > 0 ? $0 / $1 : .nan })
    smallest.set(found.smallest.without(dead))
    largest.set(found.largest.without(dead))
    suspect.set(isSuspect.map { isEmpty ? .nan : $0 ? 1 : 0 })
  }
}
