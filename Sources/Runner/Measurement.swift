import Foundation
import Jobs
import Kernels
import STEM

/// What the mean pattern of the scan tells: center and radius of the bright disk, the ellipse of a ring.
struct Measurement {
  /// At most this many positions go into the mean pattern: the disk of a larger scan is known well enough from a
  /// sample of whole blocks spread evenly over it.
  static let mostPositions = 4096

  /// [px]; nil where only a ring was looked for.
  let disk: BrightDisk?
  let ellipse: EllipseFit?
  let positions: Int

  /// Collective.
  init(_ plan: Plan, _ reader: any FrameReader, ranks: any Ranks, path: String) throws {
    let kernel = MeanPattern(plan.context)
    let pass = FramePass(plan.description, selection: plan.selection, kernels: [kernel])
    pass.masksBadFrames = plan.masksBadFrames
    positions = try pass.runSample(reader, ranks: ranks, path: path)
    var result: [Double] = []
    try ranks.onFirst {
      result = try Self.look(at: kernel.mean, plan)
    }
    result = try ranks.broadcast(result)
    disk =
      result[2].isNaN
      ? nil : BrightDisk(center: Pair(result[0], result[1]), radius: result[2], clipped: result[3] == 1)
    ellipse =
      result[4].isNaN
      ? nil
      : EllipseFit(
        ellipse: Ellipse(ratio: result[4], angle: result[5]), center: Pair(result[6], result[7]), radius: result[8],
        residual: result[9])
  }

  /// Center y, x, radius and clipping of the disk; ratio, angle, center y, x, radius and residual of the ring. NaN for
  /// what was not looked for.
  private static func look(at pattern: [Double], _ plan: Plan) throws -> [Double] {
    let shape = plan.description.detectorShape, dead = plan.context.deadPixels
    var result = [Double](repeating: .nan, count: 10)
    var context = plan.context
    if !plan.toMeasure.isDisjoint(with: [.center, .semiangle]) {
      let disk = try BrightDisk.find(pattern, shape: shape, dead: dead)
      result.replaceSubrange(0..<4, with: [disk.center.y, disk.center.x, disk.radius, disk.clipped ? 1 : 0])
      context = plan.measured(center: disk.center, diskRadius: disk.radius)
    }
    if plan.toMeasure.contains(.ellipse), let ring = plan.ellipseRing {
      let radii = (inner: try context.pixels(ring.y), outer: try context.pixels(ring.x))
      let found = try EllipseFit.find(pattern, shape: shape, dead: dead, center: context.center, ring: radii)
      result.replaceSubrange(
        4..<10,
        with: [
          found.ellipse.ratio, found.ellipse.angle, found.center.y, found.center.x, found.radius, found.residual,
        ])
    }
    return result
  }

  /// Center y, x and disk radius [px]; ratio and angle of the ellipse: what a resumed run takes over.
  var values: [Double] {
    [disk?.center.y, disk?.center.x, disk?.radius, ellipse?.ellipse.ratio, ellipse?.ellipse.angle].map { $0 ?? -1 }
  }

  /// [px]; nil where no disk was looked for.
  static func diskRadius(_ values: [Double]) -> Double? { values.count == 5 && values[2] >= 0 ? values[2] : nil }

  /// `plan.context` with what `values` say.
  static func context(_ plan: Plan, _ values: [Double]) -> FrameContext {
    guard values.count == 5 else { return plan.context }
    let isDisk = values[2] >= 0, isEllipse = values[3] > 0
    return plan.measured(
      center: isDisk ? Pair(values[0], values[1]) : nil, diskRadius: isDisk ? values[2] : nil,
      ellipse: isEllipse ? Ellipse(ratio: values[3], angle: values[4]) : nil)
  }

  /// For the log.
  var notes: [String] {
    var lines: [String] = []
    if let disk {
      lines.append(
        String(
          format: "center %.2f, %.2f px and disk radius %.2f px measured in the mean of %d patterns", disk.center.y,
          disk.center.x, disk.radius, positions))
    }
    if let ellipse {
      lines.append(
        String(
          format: "ellipse %.4f with its long axis at %.1f deg measured on the ring of %.2f px (%.2g px rms)",
          ellipse.ellipse.ratio, ellipse.ellipse.angle * 180 / .pi, ellipse.radius, ellipse.residual))
    }
    return lines
  }

  /// A disk of another size than semiangle and pixel say: at least one of both is wrong. Not of a disk that is cut, the
  /// radius of which is not well known.
  /// - Parameter known: radius from the given semiangle and pixel [px]
  func contradiction(_ known: Double?) -> String? {
    guard let known, let disk, !disk.clipped, abs(disk.radius - known) > 0.05 * known else { return nil }
    return String(
      format: "the bright disk has a radius of %.2f px in the mean pattern, %.2f px by calibration.semiangle and "
        + "calibration.detector_pixel, which are used; check both", disk.radius, known)
  }

  /// Blocks spread evenly over those that hold a selected position.
  static func sample(_ blocks: BlockPlan, _ selection: PositionSelection) -> Set<Int> {
    let eligible = (0..<blocks.blockCount).filter { !selection.runs(in: blocks.positions(ofBlock: $0)).isEmpty }
    let wanted = max(1, mostPositions / blocks.blockPositions)
    guard eligible.count > wanted else { return Set(eligible) }
    return Set((0..<wanted).map { eligible[$0 * eligible.count / wanted] })
  }
}

extension FramePass {
  /// Runs over a sample of the scan, with a checkpoint at `path` that does not outlive it. Collective.
  /// - Returns: how many frames all ranks have read.
  func runSample(_ reader: any FrameReader, ranks: any Ranks, path: String) throws -> Int {
    includes = Measurement.sample(blocks, selection).contains
    isInterrupted = { StopSignals.isRequested }
    let checkpoint = checkpoint(at: path)
    try ranks.onFirst { try checkpoint.create(head: []) }
    defer { if ranks.rank == 0 { checkpoint.remove() } }
    try run(reader, ranks: ranks, checkpoint: checkpoint)
    return try ranks.sum([statistics.frames])[0]
  }
}

extension Ranks {
  func broadcast(_ values: [Double]) throws -> [Double] {
    let bytes = values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian) { Array($0) } }
    let received = try broadcast(bytes)
    return stride(from: 0, to: received.count, by: 8).map { start in
      Double(bitPattern: received[start..<(start + 8)].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) })
    }
  }
}

/// The mean pattern, without what is not a number: one damaged frame must not hide the disk of all others.
private final class MeanPattern: FrameKernel {
  private let type: PixelType
  private let sums: PixelSum<Double>
  private let counts: PixelSum<UInt64>
  private let statistics: PixelStatistics
  let rows: [Rows] = []

  init(_ context: FrameContext) {
    type = context.pixelType
    // Integers have no NaN: their fast exact sums will do.
    let pixels = context.detector.count
    statistics = PixelStatistics(pixels: type.isInteger ? pixels : 0, type: type)
    sums = PixelSum(type.isInteger ? 0 : pixels)
    counts = PixelSum(type.isInteger ? 0 : pixels)
  }

  var accumulators: [any Accumulator] { type.isInteger ? statistics.accumulators : [sums, counts] }

  func add(_ frame: UnsafeRawPointer, row: Int) {
    switch type {
    case .f32: add(frame.assumingMemoryBound(to: Float.self))
    case .f64: add(frame.assumingMemoryBound(to: Double.self))
    default: statistics.add(frame)
    }
  }

  private func add<Pixel: BinaryFloatingPoint>(_ frame: UnsafePointer<Pixel>) {
    for i in sums.values.indices where frame[i].isFinite {
      sums.values[i] += Double(frame[i])
      counts.values[i] += 1
    }
  }

  func flush() { if type.isInteger { statistics.flush() } }

  /// NaN where no frame has a finite value.
  var mean: [Double] {
    type.isInteger ? statistics.patterns().mean : zip(sums.values, counts.values).map { $0 / Double($1) }
  }
}
