import Foundation
import HDF5
import STEM

/// How the ranks open a file that was laid out.
public struct FileAccess {
  let open: (String) throws -> File
  let flushesAtEnd: Bool

  /// - Parameters:
  ///   - flushesAtEnd: whether something is kept back until a flush: by the library, or by other machines
  ///   - open: opens the file for reading and writing; `Runner` makes one with a communicator.
  public init(flushesAtEnd: Bool, _ open: @escaping (String) throws -> File) {
    self.flushesAtEnd = flushesAtEnd
    self.open = open
  }

  /// For a single process. Closing a dataset hides the errors of buffered writes; flushing reports them.
  public static var serial: FileAccess { FileAccess(flushesAtEnd: true) { try File($0, .readWrite) } }
}

/// Fills a file that `ResultFile` or `ScanFile` laid out. Opening, `flush` and `close` are made by all ranks together;
/// everything else by any rank when it likes. Only raw data is written: no object is created or resized.
public final class ResultWriter {
  private let path: String
  private let places: ResultPlaces
  private let access: FileAccess
  // Declared in this order so that datasets close before the file, as HDF5 requires (`close`, `deinit`).
  private var file: File?
  private var outputs: [[OpenDataset]] = []
  private var completed: [Int: OpenDataset] = [:]
  private var badFrames: [Int: OpenDataset] = [:]
  private var frames: OpenDataset?

  public init(_ path: String, places: ResultPlaces, access: FileAccess = .serial) throws {
    self.path = path
    self.places = places
    self.access = access
    let file = try using(path, .writing) { try access.open(path) }
    // Opening may read metadata together, so every rank opens everything in the same order.
    try using(path, .writing) {
      for group in places.groups {
        outputs.append(try group.outputs.map { OpenDataset(try file.openDataset($0.path)) })
      }
      for pass in places.completed.keys.sorted() {
        completed[pass] = OpenDataset(try file.openDataset(places.completed[pass]!))
      }
      for pass in places.badFrames.keys.sorted() {
        badFrames[pass] = OpenDataset(try file.openDataset(places.badFrames[pass]!))
      }
      if let place = places.frames { frames = OpenDataset(try file.openDataset(place.path)) }
    }
    self.file = consume file
  }

  deinit { releaseDatasets() }

  /// Rows of an output: `positions.count` × columns elements of its type. Positions are those of the scan where the output
  /// has a row a scan position; otherwise rows in the order of the output's own dimensions, such as a part of an object.
  /// Throws `Problem` 74 naming file, dataset, positions and reason.
  public func writeRows(group: Int, output: Int, positions: Range<Int>, _ bytes: UnsafeRawBufferPointer) throws {
    let place = places.groups[group].outputs[output]
    try write(outputs[group][output], place.path, positions, columns: place.columns, place.element.stored, bytes)
  }

  /// As above, from numbers that are converted as `writeWhole` converts them.
  public func writeRows(group: Int, output: Int, positions: Range<Int>, _ values: [Double]) throws {
    let place = places.groups[group].outputs[output]
    try place.element.withStored(values, at: "\(path):\(place.path)") {
      try writeRows(group: group, output: output, positions: positions, $0)
    }
  }

  /// A whole output, row-major; converted to the output's type. Complex values are pairs of real and imaginary part.
  /// Integers are rounded, NaN stands for a missing one. Throws `Problem` where the number of values is wrong, or a value
  /// does not fit the type.
  public func writeWhole(group: Int, output: Int, _ values: [Double]) throws {
    let place = places.groups[group].outputs[output]
    guard values.count == place.rows * place.columns * place.element.parts else {
      let pairs = place.element.isComplex ? " pairs" : ""
      throw Problem(
        .internalError, at: "\(path):\(place.path)",
        "\(values.count) values given; the output has \(place.rows) × \(place.columns)\(pairs)")
    }
    try writeRows(group: group, output: output, positions: 0..<place.rows, values)
  }

  /// A whole output, row-major, as `writeWhole` takes it. What other ranks wrote is seen after a `flush`.
  public func readWhole(group: Int, output: Int) throws -> [Double] {
    let dataset = outputs[group][output]
    return try using(path, .reading) { try dataset.value.doubles(of: places.groups[group].outputs[output].element) }
  }

  /// Frames of a scan, in its pixel type, row-major.
  public func writeFrames(_ positions: Range<Int>, _ bytes: UnsafeRawBufferPointer) throws {
    guard let place = places.frames, let frames else {
      throw Problem(.internalError, at: path, "has no place for frames")
    }
    let type = HDF5.ElementType.number(NumberType(rawValue: place.pixelType.rawValue) ?? .f64)
    try write(frames, place.path, positions, columns: place.pixels, type, bytes)
  }

  /// Marks positions whose rows were written by this rank before, in every results group of the pass.
  public func markCompleted(_ positions: Range<Int>, pass: Int = 0) throws {
    try mark(completed[pass], positions, Names.completed)
  }

  /// Marks positions whose frames could not be read.
  public func markBad(_ positions: Range<Int>, pass: Int = 0) throws {
    try mark(badFrames[pass], positions, Names.badFrames)
  }

  /// How many positions are marked so, by all ranks and by earlier runs. What other ranks marked is seen after a `flush`.
  public func badCount(pass: Int = 0) throws -> Int {
    guard let dataset = badFrames[pass] else { return 0 }
    return try using(path, .reading) { try dataset.value.values(as: UInt8.self).count { $0 != 0 } }
  }

  private func mark(_ dataset: OpenDataset?, _ positions: Range<Int>, _ name: String) throws {
    guard let dataset else { throw Problem(.internalError, at: path, "has no \(name) for this pass") }
    let marks = [UInt8](repeating: 1, count: positions.count)
    try marks.withUnsafeBytes {
      try write(dataset, dataset.value.path, positions, columns: nil, .number(.u8), $0)
    }
  }

  /// Flushes everything to the operating system. Collective.
  public func flush() throws {
    try using(path, .writing) { try file?.flush() }
  }

  /// Collective. Errors that the library kept back come now.
  public func close() throws {
    let flushed = Result { if access.flushesAtEnd { try flush() } }
    releaseDatasets()
    guard let open = file.take() else { return }
    try open.finish()
    try flushed.get()
  }

  private func releaseDatasets() {
    outputs = []
    completed = [:]
    badFrames = [:]
    frames = nil
  }

  private func write(
    _ dataset: OpenDataset, _ place: String, _ positions: Range<Int>, columns: Int?, _ type: HDF5.ElementType,
    _ bytes: UnsafeRawBufferPointer
  ) throws {
    guard !positions.isEmpty else { return }
    let label = "\(path):\(place), positions \(positions.lowerBound) to \(positions.upperBound - 1)"
    guard positions.lowerBound >= 0, positions.upperBound <= dataset.value.shape[0],
      bytes.count == positions.count * (columns ?? 1) * type.size
    else {
      throw Problem(.internalError, at: label, "\(bytes.count) bytes given; they are not the rows of these positions")
    }
    let start = columns == nil ? [positions.lowerBound] : [positions.lowerBound, 0]
    let count = columns.map { [positions.count, $0] } ?? [positions.count]
    do {
      try dataset.value.write(Hyperslab(start: start, count: count), from: bytes, as: type)
    } catch {
      var problem = Problem(error, .writing, path)
      problem.place = label
      throw problem
    }
  }
}

/// A dataset in an array: Swift's arrays hold no values that cannot be copied.
private final class OpenDataset {
  let value: Dataset
  init(_ value: consuming Dataset) { self.value = value }
}
