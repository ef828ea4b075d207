import STEM

/// NumPy arrays: 4-D (scan y, scan x, detector y, detector x), or 3-D (frame, detector y, detector x).
struct NpyFormat: InputFormat {
  static let name = "npy"
  static let summary = "NumPy array, 4-D, or 3-D with scan_shape; C or Fortran order, either byte order"
  static let suffixes = ["npy"]

  static func recognizes(_ probe: FileProbe) -> Bool { probe.starts(with: NpyHeader.magic) }

  static func open(_ request: InputRequest, _ options: NoOptions, probe: FileProbe) throws -> NpyInput {
    let header = try NpyHeader.read(probe)
    try checkShape(header, path: request.path)
    let description = try describe(header, request, size: probe.size)
    let shape = header.shape
    let coding = FrameCoding.plain(header.byteOrder, description.pixelType)
    if header.fortranOrder {
      // The first axis varies fastest in memory.
      let steps = shape.indices.map { shape[..<$0].reduce(1, *) }
      let y = shape.count - 2
      return .strided(
        StridedSource(
          description, offset: header.dataOffset,
          strides: StridedLayout(
            scan: shape.count == 4 ? Pair(shape[0], shape[1]) : Pair(1, shape[0]),
            scanSteps: shape.count == 4 ? Pair(steps[0], steps[1]) : Pair(0, 1),
            detectorSteps: Pair(steps[y], steps[y + 1])),
          swapped: coding.isSwapped))
    }
    let frameBytes = description.frameBytes
    let layout = FlatLayout(
      offset: header.dataOffset, stored: frameBytes, stride: frameBytes, frames: description.frameCount)
    return .flat(try FlatInput(description, layout, size: probe.size))
  }

  private static func describe(_ header: NpyHeader, _ request: InputRequest, size: Int) throws -> SourceDescription {
    let shape = header.shape
    try checkSize(header, path: request.path, size: size)
    guard let pixelType = header.element.pixelType else {
      throw Problem(
        .badData, at: request.path,
        "frames of 64-bit integers are not read; allowed are \(NpyElement.allowed); convert the array")
    }
    // From here on, products of dimensions are known to fit.
    let detector = Shape(shape[shape.count - 2], shape[shape.count - 1])
    let frames = shape.dropLast(2).reduce(1, *)
    let stored = shape.count == 4 ? Shape(shape[0], shape[1]) : frames == 1 ? Shape(1, 1) : nil
    var description = SourceDescription(
      format: name, path: request.path, scanShape: try request.resolvedScanShape(frames: frames, stored: stored),
      frameCount: frames, detectorShape: detector, pixelType: pixelType, byteOrder: header.byteOrder)
    if shape.count == 4, let stored, let scan = description.scanShape, scan != stored {
      description.notes.append("scan read as \(scan.text), the file says \(stored.text)")
    }
    if header.element == .bool { description.notes.append("booleans read as 0 and 1") }
    if header.fortranOrder {
      description.storage = "Fortran order"
      description.chunkPositions = StridedLayout.tilePositions(
        scan: shape.count == 4 ? Pair(shape[0], shape[1]) : Pair(1, shape[0]), frameBytes: description.frameBytes)
      description.notes.append("Fortran order: frames are gathered in tiles of \(description.chunkPositions) positions")
    }
    if let end = header.end, end < size { description.notes.append("\(size - end) bytes behind the array are ignored") }
    return description
  }

  private static func checkShape(_ header: NpyHeader, path: String) throws {
    guard header.shape.count == 3 || header.shape.count == 4 else {
      throw Problem(
        .badData, at: path,
        "the array is \(header.shape.count)-D, \(header.shapeText); allowed are 4-D (scan y, scan x, detector y, "
          + "detector x) and 3-D (frame, detector y, detector x) with scan_shape; reshape it")
    }
    guard header.shape.allSatisfy({ $0 > 0 }) else {
      throw Problem(.badData, at: path, "the array \(header.shapeText) is empty; every dimension must be at least 1")
    }
  }

  private static func checkSize(_ header: NpyHeader, path: String, size: Int) throws {
    guard let end = header.end else {
      throw Problem(
        .badData, at: path,
        "the shape \(header.shapeText) has more elements than any file holds (\(size) bytes found); copy the file again"
      )
    }
    if header.fortranOrder, end > size {
      // Every frame is spread over the whole file: none is complete in a file that is too short.
      throw Problem(
        .badData, at: path,
        "the file is too short: \(header.shapeText) announced, \(end) bytes expected, \(size) found; frame 0 is "
          + "already incomplete (Fortran order); copy the file again")
    }
    let frameBytes = header.shape.suffix(2).reduce(header.element.size, *)
    try FlatLayout(
      offset: header.dataOffset, stored: frameBytes, stride: frameBytes, frames: header.shape.dropLast(2).reduce(1, *)
    ).check(path: path, size: size)
  }
}

/// By the order of the array's axes.
enum NpyInput: InputLayout {
  case flat(FlatInput)
  case strided(StridedSource)

  var source: any FrameSource {
    switch self {
    case .flat(let input): input.source
    case .strided(let source): source
    }
  }
}
