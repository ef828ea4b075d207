import STEM
import TestSupport

@testable import Analyses

/// A context with all calibrations: 1 mrad per pixel at 200 keV, disk of 20 mrad.
func context(
  _ shape: Shape, _ type: PixelType = .u16, center: Pair<Double>? = nil, semiangle: Double? = 0.02
) -> FrameContext {
  var calibration = Calibration()
  calibration.energy = Sourced(200e3, .job)
  calibration.detectorPixel = Sourced(Pair(Quantity(1, .milliradian), Quantity(1, .milliradian)), .job)
  calibration.semiangle = semiangle.map { Sourced($0, .job) }
  calibration.center = center.map { Sourced($0, .job) }
  return FrameContext(scan: Shape(1, 8), detector: shape, pixelType: type, calibration: calibration)
}

func decode<Analysis: FrameAnalysis>(_: Analysis.Type, _ items: [(key: String, value: Setting)]) throws -> Analysis {
  var analysis = Analysis()
  try Analysis.declaration.decode(.map(items), into: &analysis)
  return analysis
}

/// The problems of a body that must have some, one a line.
func problems(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no problem"
  } catch { return "\(error)" }
}

struct Results {
  var rows: [String: [[Double]]] = [:]
  var whole: [String: [Double]] = [:]

  init(_ kernel: BoundKernel, rows count: Int) throws {
    whole = try kernel.finish()
    for rows in kernel.rows {
      self.rows[rows.name] = (0..<count).map { row in
        (0..<rows.width).map {
          rows.element == .float64 ? rows.doubles(row)[$0] : Double(rows.floats(row)[$0])
        }
      }
    }
  }

  /// Of all outputs; NaN equals itself.
  var bits: [String: [UInt64]] {
    rows.mapValues { $0.flatMap { $0 } }.merging(whole) { $1 }.mapValues { $0.map(\.bitPattern) }
  }

  func map(_ name: String) -> [Double] { rows[name]!.map { $0[0] } }
}

/// Runs frames through one kernel in blocks of `block`.
func run(_ analysis: some FrameAnalysis, _ context: FrameContext, _ frames: [[Double]], block: Int = 3) throws
  -> Results
{
  let kernel = try BoundKernel(analysis, context)
  feed(kernel, context, frames, block: block)
  return try Results(kernel, rows: frames.count)
}

/// The frames are those of the positions from `start` on.
func feed(
  _ bound: BoundKernel, _ context: FrameContext, _ frames: [[Double]], block: Int = 3, from start: Int = 0
) {
  let kernel = bound.kernel
  kernel.begin(at: start)
  bound.outputs.prepare(rows: frames.count)
  for (row, frame) in frames.enumerated() {
    withPixels(frame, context.pixelType) { kernel.add($0, row: row) }
    if row % block == block - 1 { kernel.flush() }
  }
  kernel.flush()
}

/// The frame in memory, in the pixel type.
func withPixels(_ values: [Double], _ type: PixelType, _ body: (Frame) -> Void) {
  withGroups([values], type, 1) { body($0[0]) }
}

/// Counts of a disk with a bright spot, different for each `seed`.
func counts(_ shape: Shape, seed: Int) -> [Double] {
  (0..<shape.count).map { Double(($0 &* 7919 &+ seed &* 104_729) % 101 % 64) }
}

/// Frames one after the other in memory, in groups of `size` and a last one that may be smaller.
func withGroups(_ frames: [[Double]], _ type: PixelType, _ size: Int, _ body: (FrameGroup) -> Void) {
  let layout = FrameLayout(Shape(1, frames[0].count), type)
  func convert<Stored: StoredPixel>(_: Stored.Type) {
    frames.joined().map { Stored(storing: Stored.Number(truncating: $0)) }.withUnsafeBytes { bytes in
      for start in stride(from: 0, to: frames.count, by: size) {
        body(
          FrameGroup(
            layout, start..<min(start + size, frames.count), first: bytes.baseAddress! + start * layout.bytes,
            strideBytes: layout.bytes))
      }
    }
  }
  convert(type.stored)
}
