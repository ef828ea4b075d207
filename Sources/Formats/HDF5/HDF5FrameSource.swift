import Foundation
import HDF5
import STEM

/// Frames in a dataset of an HDF5 file.
struct HDF5FrameSource: FrameSource, InputLayout {
  private(set) var description: SourceDescription
  let entry: HDF5Entry
  let layout: HDF5FrameLayout
  private(set) var plan: HDF5ReadPlan
  private static let largestFrame = 1 << 30

  /// Checks that the dataset can be read and fills in how it is stored; `about` says the rest.
  /// Throws `Problem` (`.badData`) for a pixel type or a storage that is not read.
  init(
    _ entry: HDF5Entry, _ layout: HDF5FrameLayout, about: SourceDescription, limits: HDF5ReadPlan.Limits = .init()
  ) throws {
    let place = "\(about.path):\(entry.path)"
    let stored = try entry.readableLayout(at: place)
    guard about.frameBytes <= Self.largestFrame else {
      throw Problem(
        .badData, at: place,
        "frames of \(layout.detector.text) pixels are larger than 1 GiB; name another dataset, or cut this one")
    }
    var chunk: [Int]?
    if case .chunked(let shape, _) = stored { chunk = shape }
    plan = HDF5ReadPlan(layout, frameBytes: about.frameBytes, chunk: chunk, limits: limits)
    description = about
    description.dataset = entry.path
    description.files = entry.place.files
    description.chunkPositions = plan.chunkPositions
    description.storage = stored.text
    if plan.repeats > 1 { description.notes.append(plan.repeatNote(chunk ?? [])) }
    if chunk == nil, !layout.isStandard, !layout.isTransposed {
      description.notes.append(
        "the pixels of a frame lie far apart: every part of the scan is gathered from the whole file, which is slow")
    }
    self.entry = entry
    self.layout = layout
  }

  // MARK: - memory

  /// A window, twice where axes are reordered; a chunk as stored, decoded and between filters; HDF5's own.
  var readerBytes: Int {
    let window = max(plan.limits.batchBytes, plan.rows * plan.columns * description.frameBytes)
    return (layout.isStandard ? 1 : 2) * window + storageBytes
  }

  private var storageBytes: Int {
    guard case .chunked(let chunk, let filters)? = entry.layout else { return 4 << 20 }
    let bytes = chunk.reduce(Double(description.pixelType.size)) { $0 * Double($1) } * Double(1 + min(3, filters.count))
    return Int(min(bytes, 0x1p60)) + 4 << 20
  }

  func limited(to bytes: Int) -> any FrameSource {
    let left = max(description.frameBytes, bytes - storageBytes)
    guard left < plan.limits.mostBytes else { return self }
    var limits = plan.limits
    limits.mostBytes = left
    limits.usualBytes = min(limits.usualBytes, left)
    limits.batchBytes = min(limits.batchBytes, layout.isStandard ? left : left / 2)
    var copy = self
    var chunk: [Int]?
    if case .chunked(let shape, _)? = entry.layout { chunk = shape }
    copy.plan = HDF5ReadPlan(layout, frameBytes: description.frameBytes, chunk: chunk, limits: limits)
    if copy.plan.repeats > plan.repeats { copy.description.notes.append(copy.plan.repeatNote(chunk ?? [])) }
    return copy
  }

  var source: any FrameSource { self }

  func makeReader() throws -> any FrameReader {
    if let flat = try flatSource() { return try flat.makeReader() }
    let reader = try HDF5FrameReader(self)
    return try HDF5StoredFrames(self, beside: reader, mode: ReadMode.chosen()) ?? reader
  }

  /// The same frames as plain bytes of the file, where they are contiguous and need no call of HDF5.
  private func flatSource() throws -> FlatFileSource? {
    guard case .contiguous(let offset?)? = entry.layout, entry.place.file == description.path,
      layout.isStandard || layout.isTransposed
    else { return nil }
    let size = try FileDescriptor(entry.place.file).size
    let bytes = description.frameBytes
    let flat = FlatLayout(offset: offset, stored: bytes, stride: bytes, frames: layout.frameCount)
    try flat.check(path: description.path, size: size)
    return FlatFileSource(
      description, layout: flat,
      coding: layout.isStandard ? .plain(description.byteOrder, description.pixelType) : turnedCoding())
  }

  /// Turns each frame: the file has columns first.
  private func turnedCoding() -> FrameCoding {
    let (detector, pixel) = (layout.detector, description.pixelType)
    let strides = HDF5Strides(y: 0, x: 0, pixelY: 1, pixelX: detector.y)
    let counts = (1, 1, detector.y, detector.x)
    guard case .swapped = FrameCoding.plain(description.byteOrder, pixel) else {
      return .decoded { reorderFrames($0, strides, counts: counts, size: pixel.size, into: $1) }
    }
    return .decoded { stored, pixels in
      reorderFrames(stored, strides, counts: counts, size: pixel.size, into: pixels)
      swapBytes(UnsafeRawPointer(pixels), pixels, pixels: detector.count, size: pixel.size)
    }
  }
}

extension HDF5Entry {
  /// How the pixels are stored, when they can be read. Throws `Problem` (`.badData`).
  func readableLayout(at place: String) throws -> StorageLayout {
    guard type.pixel != nil else {
      throw Problem(
        .badData, at: place,
        "the elements are \(type); pixels of \(PixelType.allCases.map(\.numpyName).joined(separator: ", ")) or bool "
          + "are read; convert the dataset")
    }
    guard !shape.contains(0) else { throw Problem(.badData, at: place, "the dataset is empty (\(shapeText))") }
    switch layout {
    case .external(let files):
      throw Problem(
        .badData, at: place,
        "the pixels lie in other files (\(files.joined(separator: ", "))); external storage is not followed; pack "
          + "everything into one file with h5repack")
    case .virtual:
      throw Problem(
        .badData, at: place,
        "the dataset is virtual, its pixels lie in other datasets; a source that is missing would read as zeros "
          + "without notice; name the source file as the input, or pack everything into one file with h5repack")
    case .chunked(_, let filters):
      if HDF5Codec(filters) == nil, let missing = filters.first(where: { !$0.isAvailable }) {
        throw Problem(
          .badData, at: place,
          "the pixels are compressed with \(missing) (HDF5 filter \(missing.number)), which is not installed; "
            + adviceOnFilter("its plugin (\(missing.packages))"))
      }
    default: break
    }
    guard let layout else { throw Problem(.badData, at: place, "HDF5 cannot tell how the dataset is stored") }
    return layout
  }
}
