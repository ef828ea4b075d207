import Foundation
import HDF5
import STEM

/// Any 4-D or 3-D dataset of an HDF5 file, in the order (scan y, scan x, detector y, detector x).
enum HDF5Format: InputFormat {
  static let name = "hdf5"
  static let summary = "any 4-D or 3-D dataset of an HDF5 file, by its path"
  static let suffixes = ["h5", "hdf5", "he5", "nxs", "hdf"]
  static let holdsDatasets = true

  static func recognizes(_ probe: FileProbe) -> Bool { probe.isHDF5 }

  static func open(_ request: InputRequest, _ options: NoOptions, probe: FileProbe) throws -> HDF5FrameSource {
    guard let dataset = request.dataset else { return try open(try onlyCandidate(request), request) }
    return try open(try request.namedEntry(dataset), request)
  }

  /// Reads a dataset in the usual order of axes.
  static func open(_ entry: HDF5Entry, _ request: InputRequest) throws -> HDF5FrameSource {
    let place = "\(request.path):\(entry.path)"
    guard let layout = HDF5FrameLayout(standard: entry.shape) else { throw wrongRank(entry, at: place) }
    guard let pixel = entry.type.pixel else {
      _ = try entry.readableLayout(at: place)
      throw Problem(.badData, at: place, "pixels of \(entry.type) are not read")
    }
    let stored = entry.squeezedRank == 4 ? layout.grid : nil
    var about = SourceDescription(
      format: name, path: request.path, dataset: entry.path,
      scanShape: try request.resolvedScanShape(frames: layout.frameCount, stored: stored),
      frameCount: layout.frameCount, detectorShape: layout.detector, pixelType: pixel.0, byteOrder: pixel.1)
    about.notes.append("axes taken as \(stored == nil ? "frame" : "scan y, scan x"), detector y, detector x")
    if entry.shape.count > 4 { about.notes.append("extra dimensions of size 1 dropped from \(entry.shapeText)") }
    var metadata = HDF5Metadata()
    try metadata.readAttributes(of: entry.place)
    metadata.complete(&about)
    return try HDF5FrameSource(entry, layout, about: about)
  }

  private static func wrongRank(_ entry: HDF5Entry, at place: String) -> Problem {
    let what = "the dataset has \(entry.shape.count) dimensions (\(entry.shapeText))"
    let allowed = "4-D (scan y, scan x, detector y, detector x) or 3-D (frame, detector y, detector x) is read"
    return entry.shape.count < 3
      ? Problem(
        .badData, at: place,
        "\(what); \(allowed); name another dataset, or let the h5USID attributes describe positions × pixels")
      : Problem(.badData, at: place, "\(what), more than four of them longer than 1; \(allowed); cut the others out")
  }

  // MARK: - the dataset that is meant

  /// The only dataset that can be a scan: 4-D ones before 3-D ones.
  private static func onlyCandidate(_ request: InputRequest) throws -> HDF5Entry {
    if try isVelox(request.path) {
      throw Problem(
        .badData, at: request.path,
        "is a Velox file; its image stacks have another order of axes and are not read yet; export it as .emd of "
          + "py4DSTEM, .hspy or .mrc first")
    }
    let entries = try HDF5Walk.entries(of: request.path)
    let likely = entries.filter(\.isScanLike)
    let scans = likely.isEmpty ? entries.filter(\.isReadable) : likely
    let fourD = scans.filter { $0.squeezedRank == 4 }
    let candidates = fourD.isEmpty ? scans : fourD
    if candidates.count == 1 { return candidates[0] }
    guard candidates.isEmpty else { throw several(candidates, request) }
    let largest = entries.filter { !$0.shape.isEmpty }
      .sorted { $0.shape.reduce(1, *) > $1.shape.reduce(1, *) }.prefix(5)
    throw Problem(
      .badData, at: request.path,
      "holds no 4-D or 3-D dataset of pixels (u8 u16 u32 i8 i16 i32 f32 f64); "
        + (largest.isEmpty
          ? "it holds no array at all, or only links that lead nowhere"
          : "the largest datasets are \(largest.map(\.line).joined(separator: ", "))")
        + "; name a file with frames, or say what is meant with input.dataset or --dataset to learn why it is not read")
  }

  /// More than one dataset could be meant.
  static func several(_ candidates: [HDF5Entry], _ request: InputRequest) -> Problem {
    let shown = candidates.prefix(12).map(\.line).joined(separator: ", ")
    let more = candidates.count > 12 ? " and \(candidates.count - 12) more" : ""
    return Problem(
      .badData, at: request.path,
      "holds \(candidates.count) datasets that can be a scan: \(shown)\(more); name one with input.dataset or "
        + "--dataset")
  }

  private static func isVelox(_ path: String) throws -> Bool {
    try withHDF5(path) { file in
      guard try file.exists("/Version"), try file.exists("/Data/Image") || file.exists("/Data/SpectrumStream")
      else { return false }
      return try file.kind(of: "/Version") == .dataset
    }
  }
}
