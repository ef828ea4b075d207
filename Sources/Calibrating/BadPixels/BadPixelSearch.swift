import Kernels
import STEM

/// Hot and dead pixels in the frames of the file, before anything is corrected.
public struct BadPixelSearch: CalibratingStage {
  public init() {}

  public static let jobPlace = "detector.dead_pixels"
  public static let declaration = Declaration<Self>(
    "bad_pixels", "Hot and dead pixels of a sample of the frames in the file.",
    source: "outliers in mean and variance against the neighbors", parameters: [], outputs: [], example: "")

  private static let mostPositions = 4096

  public var provides: Set<Fact> { [.deadPixels] }

  /// The sums, and the larger of one more of them and the maps of the search.
  public func memoryBytes(_ context: FrameContext) -> Int {
    let sums = MomentsKernel(context).accumulators.reduce(0) { $0 + $1.bytes.count }
    return sums + max(sums, 88 * context.detector.count)
  }

  public func run(_ context: any StageContext) throws {
    let frame = context.fileFrame
    let kernel = MomentsKernel(frame)
    let positions = try context.pass([BoundKernel(measuring: kernel)], over: .fileSample(atMost: Self.mostPositions))
    var facts = Facts()
    try context.onFirst {
      let bad = BadPixels.find(kernel.moments.sample(), shape: frame.detector)
      let found = bad.indices.filter { bad[$0] }
      facts.deadPixels = found
      context.note("\(Self.text(found, width: frame.detector.x)) in \(positions) frames")
      context.keep("dead_pixels_found", .integer(found.count))
      let places = Self.places(found, width: frame.detector.x, atMost: 1000)
      if !places.isEmpty { context.keep("dead_pixels_found_at", .list(places.map { .text($0) })) }
    }
    try context.provide(facts)
  }

  /// `(12, 40), (90, 3), …`
  private static func places(_ pixels: [Int], width: Int, atMost most: Int) -> [String] {
    pixels.prefix(most).map { "(\($0 / width), \($0 % width))" }
  }

  private static func text(_ pixels: [Int], width: Int) -> String {
    let number = "\(pixels.count) hot or dead \(pixels.count == 1 ? "pixel" : "pixels") found"
    if pixels.isEmpty { return "no hot or dead pixels found" }
    return
      "\(number): \(places(pixels, width: width, atMost: 8).joined(separator: ", "))\(pixels.count > 8 ? ", …" : "")"
  }
}

private final class MomentsKernel: FrameKernel {
  let moments: PixelMoments
  var accumulators: [any Accumulator] { moments.accumulators }

  init(_ context: FrameContext) { moments = PixelMoments(pixels: context.detector.count, type: context.pixelType) }

  func add(_ frame: Frame, row: Int) { moments.add(frame) }
  func flush() { moments.flush() }
}
