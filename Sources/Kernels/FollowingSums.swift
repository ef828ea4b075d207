internal import CKernels
import STEM

/// Sums of a frame over shapes about a center that differs from frame to frame; exact for integer pixels. Like
/// `MaskSums`, but where the pixels of a shape move.
public final class FollowingSums {
  private let type: PixelType
  private let pixels: Int
  private let moving: MovingRuns
  private let sums: Fixed<ck_sum>

  /// - Parameter kept: pixels that may take part; they do not move
  public init(_ shapes: [MovingShape], kept: PixelSelection, type: PixelType) {
    self.type = type
    pixels = kept.shape.count
    moving = MovingRuns(shapes, kept: kept)
    sums = Fixed(Array(repeating: ck_sum(), count: shapes.count))
  }

  /// `output(shape, value)` for each shape about `center` [px]; NaN where it has no pixel on the detector.
  public func sum(
    _ frame: Frame, around center: Pair<Double>, _ output: (_ shape: Int, Double) -> Void
  ) {
    moving.move(to: center)
    sums.values.update(repeating: ck_sum())
    ck_sum_runs(
      type.c, frame.pixels(type, pixels), Int64(pixels), moving.runs, moving.first, moving.targets,
      Int64(moving.shapes.count),
      Int64(moving.shapes.count), sums.pointer)
    for shape in moving.shapes.indices {
      output(shape, moving.isEmpty(shape) ? .nan : type.value(sums.values[shape]))
    }
  }
}

/// Intensity-weighted mean position within a disk that differs from frame to frame.
public final class FollowingMoments {
  private let type: PixelType
  private let pixels: Int
  private let columns: Int
  private let moving: MovingRuns
  private let work: Fixed<UInt64>
  private var sums: (ck_sum, ck_sum, ck_sum) = (ck_sum(), ck_sum(), ck_sum())

  /// - Parameters:
  ///   - radius: of the disk [px]
  ///   - kept: pixels that may take part; they do not move
  public init(radius: Double, kept: PixelSelection, type: PixelType) {
    self.type = type
    pixels = kept.shape.count
    columns = kept.shape.x
    work = Moments.work(columns: columns)
    moving = MovingRuns([.annulus(inner: 0, outer: radius)], kept: kept)
  }

  /// Σ v·(y, x) / Σ v over r < radius about `disk` [px]; NaN where Σ v = 0, or with a NaN pixel.
  public func center(_ frame: Frame, around disk: Pair<Double>) -> Pair<Double> {
    moving.move(to: disk)
    withUnsafeMutablePointer(to: &sums) {
      $0.withMemoryRebound(to: ck_sum.self, capacity: 3) {
        ck_moments(
          type.c, frame.pixels(type, pixels), Int64(pixels), moving.runs, Int64(moving.first[1]), Int64(columns), $0,
          work.pointer)
      }
    }
    let total = type.value(sums.0)
    guard total != 0 else { return Pair(.nan, .nan) }
    return Pair(type.value(sums.1) / total, type.value(sums.2) / total)
  }

  /// The mean position with the disk around itself: the disk follows what it finds until it moves by less than
  /// `tolerance` [px], at most `steps` times.
  public func settled(
    _ frame: Frame, from start: Pair<Double>, tolerance: Double = 0.02, steps: Int = 12
  ) -> Pair<Double> {
    var place = start
    for _ in 0..<steps {
      let next = center(frame, around: place)
      let moved = max(abs(next.y - place.y), abs(next.x - place.x))
      place = next
      // Also where the disk holds nothing: NaN.
      if !(moved > tolerance) { break }
    }
    return place
  }
}
