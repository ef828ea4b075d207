import Jobs
import Kernels
import STEM

/// Looks for bad pixels in the frames of the file, before anything is corrected.
struct BadPixelSearch {
  /// Indices in a frame of the file, ascending.
  let found: [Int]
  let positions: Int

  /// Collective. Takes the sample of the scan that `Measurement` takes.
  /// - Parameter readerBytes: what the memory of the run leaves to a reader
  init(_ plan: Plan, readerBytes: Int, ranks: any Ranks, path: String) throws {
    let description = plan.rawSource.description
    let kernel = MomentsKernel(description)
    let pass = FramePass(description, selection: plan.selectionInFile, kernels: [kernel])
    pass.masksBadFrames = plan.masksBadFrames
    let reader = try ranks.together { try plan.rawSource.limited(to: readerBytes).makeReader() }
    positions = try pass.runSample(reader, ranks: ranks, path: path)
    var pixels: [Double] = []
    try ranks.onFirst {
      let bad = BadPixels.find(kernel.moments.sample(), shape: description.detectorShape)
      pixels = bad.indices.filter { bad[$0] }.map(Double.init)
    }
    found = try ranks.broadcast(pixels).map { Int($0) }
  }

  /// The sums, and the larger of one more of them and the maps of the search.
  static func memoryBytes(_ description: SourceDescription) -> Int {
    let sums = MomentsKernel(description).accumulators.reduce(0) { $0 + $1.bytes.count }
    return sums + max(sums, 88 * description.detectorShape.count)
  }

  /// `(12, 40), (90, 3), …`
  static func places(_ pixels: [Int], width: Int, atMost most: Int) -> [String] {
    pixels.prefix(most).map { "(\($0 / width), \($0 % width))" }
  }

  static func text(_ pixels: [Int], width: Int) -> String {
    let number = "\(pixels.count) hot or dead \(pixels.count == 1 ? "pixel" : "pixels") found"
    if pixels.isEmpty { return "no hot or dead pixels found" }
    return
      "\(number): \(places(pixels, width: width, atMost: 8).joined(separator: ", "))\(pixels.count > 8 ? ", …" : "")"
  }
}

private final class MomentsKernel: FrameKernel {
  let moments: PixelMoments
  let rows: [Rows] = []
  var accumulators: [any Accumulator] { moments.accumulators }

  init(_ description: SourceDescription) {
    moments = PixelMoments(pixels: description.detectorShape.count, type: description.pixelType)
  }

  func add(_ frame: UnsafeRawPointer, row: Int) { moments.add(frame) }
  func flush() { moments.flush() }
}
