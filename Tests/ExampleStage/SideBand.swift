import STEM

/// The Fourier coefficient of every detector pixel at one frequency of the scan, without the mean pattern: an example of a
/// stage that works on the whole scan, on all ranks.
///
/// It shows what such a stage can do: a pass whose sums every rank gets, a look at the frames of its own, a sum over
/// ranks whose bits do not depend on their number, a state that survives a kill, and a complex output.
struct SideBand: Stage {
  var frequency = Pair(1, 0)
  var repeats = 1
  var forgetsMean = false

  static let declaration = Declaration<Self>(
    "side_band", "Fourier coefficient of every detector pixel at one frequency of the scan.",
    source: "Rodenburg, McCallum & Nellist, Ultramicroscopy 48 (1993) 304, eq. 8",
    parameters: [
      .init("frequency", \.frequency, .pair(.integer(-4096...4096)), "Periods over the scan, along y and x."),
      .init("repeats", \.repeats, .integer(1...100_000), "How often the sum is made again: work for tests."),
      .init("forgets_mean", \.forgetsMean, .flag, "A mistake for tests: one output is not written."),
    ],
    outputs: [
      OutputDescription("mean", .pattern, quantity: "Intensity", unit: "counts", "Mean pattern."),
      OutputDescription(
        "coefficient", .pattern, quantity: "Amplitude", unit: "counts", element: .complex128, "Fourier coefficient."),
    ], example: "- side_band: {frequency: [1, 0]}")

  func run(_ context: any StageContext) throws {
    let mean = try meanPattern(context)
    var sums = [Double](repeating: 0, count: 2 * context.frame.detector.count)
    var first = 1
    if let saved = try context.savedState() {
      first = saved.iteration + 1
      sums = saved.parts[0]!.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
    }
    for iteration in first..<(repeats + 1) {
      let found = try coefficients(context, mean)
      for index in sums.indices { sums[index] += found[index] / Double(repeats) }
      try context.ended(iteration: iteration, of: repeats, residual: 0) {
        context.ranks.rank == 0 ? [0: sums.withUnsafeBytes { Array($0) }] : [:]
      }
    }
    try context.onFirst {
      if !forgetsMean { try context.write("mean", rows: nil, mean) }
      try context.write("coefficient", rows: nil, sums)
      context.keep("frequency", frequency.setting)
    }
  }

  /// The first pass: sums of all frames, which rank 0 has in the end.
  private func meanPattern(_ context: any StageContext) throws -> [Double] {
    let kernel = SumKernel(context.frame)
    try context.pass([try context.bind("side_band") { _ in kernel }], over: .all)
    var sum = [Double](repeating: 0, count: context.frame.detector.count)
    if context.ranks.rank == 0 { sum = Array(kernel.sums.values) }
    try sum.withUnsafeMutableBytes { try context.ranks.broadcast($0, from: 0) }
    return sum.map { $0 / Double(context.positions.count) }
  }

  /// A line of the scan is a cell of the sum, whoever reads it. Pairs of real and imaginary part.
  private func coefficients(_ context: any StageContext, _ mean: [Double]) throws -> [Double] {
    let scan = context.frame.scan
    let cells = try context.together {
      let reader = try context.makeReader()
      return try stride(from: context.ranks.rank, to: scan.y, by: context.ranks.count).map { line in
        SumCell(line, try lineSum(line, scan, mean, reader))
      }
    }
    return try context.ranks.sum(cells: cells, of: 2 * mean.count)
  }

  private func lineSum(_ line: Int, _ scan: Shape, _ mean: [Double], _ reader: any FrameReader) throws -> [Double] {
    var sums = [Double](repeating: 0, count: 2 * mean.count)
    try reader.forEachFrame(in: line * scan.x..<(line + 1) * scan.x) { position, frame in
      let turns =
        Double(frequency.y * line) / Double(scan.y) + Double(frequency.x * (position % scan.x)) / Double(scan.x)
      let (c, s) = (cosine(turns), sine(turns))
      for (pixel, value) in frame.doubles().enumerated() {
        sums[2 * pixel] += (value - mean[pixel]) * c
        sums[2 * pixel + 1] -= (value - mean[pixel]) * s
      }
    }
    return sums
  }
}

/// The sum of all frames.
private final class SumKernel: FrameKernel, PixelVisitor {
  let sums: PixelSum<Double>
  var accumulators: [any Accumulator] { [sums] }

  init(_ context: FrameContext) { sums = PixelSum(context.detector.count) }

  func add(_ frame: Frame, row: Int) { frame.visit(self) }

  func visit<Stored: StoredPixel>(_ pixels: Pixels<Stored>) {
    for (index, value) in pixels.enumerated() { sums.values[index] += value.double }
  }
}
