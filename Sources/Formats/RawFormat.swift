import STEM

/// Binary files without a header that we understand: the job says what they hold.
struct RawFormat: InputFormat {
  static let name = "raw"
  static let summary = "headerless binary; needs detector_shape, pixel_type and scan_shape; byte_order, offset, gap"
  static let suffixes = ["raw", "bin", "dat"]

  /// Any bytes could be raw: only `input.format` or `detector_shape` with `pixel_type` choose it.
  static func recognizes(_ probe: FileProbe) -> Bool { false }

  static func open(_ request: InputRequest, probe: FileProbe) throws -> any FrameSource {
    try request.accept(only: [.scanShape, .detectorShape, .pixelType, .byteOrder, .offset, .gap], format: name)
    let (scan, detector, pixel) = try required(request)
    let order = request.byteOrder ?? .little
    let layout = try layout(request, scan: scan, detector: detector, pixel: pixel)
    try checkSize(layout, request: request, scan: scan, detector: detector, pixel: pixel, size: probe.size)
    var description = SourceDescription(
      format: name, path: request.path, scanShape: scan, frameCount: layout.frames, detectorShape: detector,
      pixelType: pixel, byteOrder: order)
    if request.byteOrder == nil, pixel.size > 1 {
      description.notes.append("byte order taken as little endian (input.byte_order not given)")
    }
    return try FlatFileSource(
      description, layout: layout, coding: .plain(order, pixel), size: probe.size)
  }

  /// All keys that are missing or impossible, at once.
  private static func required(_ request: InputRequest) throws -> (Shape, Shape, PixelType) {
    var problems: [Problem] = []
    func needed<Value>(_ value: Value?, _ key: InputKey, _ form: String) -> Value? {
      if value == nil {
        problems.append(
          Problem(.badConfiguration, at: key.place, "missing; raw files do not say it themselves; give \(form)"))
      }
      return value
    }
    let detector = needed(request.detectorShape, .detectorShape, "[rows, columns], such as [256, 256]")
    let types = PixelType.allCases.map(\.rawValue).joined(separator: " ")
    let pixel = needed(request.pixelType, .pixelType, "one of \(types)")
    let scan = needed(request.scanShape, .scanShape, "[rows, columns] of the scan, such as [128, 128]")
    for (shape, key) in [(detector, InputKey.detectorShape), (scan, .scanShape)] {
      if let shape, shape.y < 1 || shape.x < 1 {
        problems.append(Problem(.badConfiguration, at: key.place, "\(shape.text) given; both must be at least 1"))
      }
    }
    for (bytes, key) in [(request.offset, InputKey.offset), (request.gap, .gap)] {
      if let bytes, bytes < 0 {
        problems.append(Problem(.badConfiguration, at: key.place, "\(bytes) bytes given; must be 0 or more"))
      }
    }
    try problems.throwIfAny()
    return (scan!, detector!, pixel!)
  }

  private static func layout(_ request: InputRequest, scan: Shape, detector: Shape, pixel: PixelType) throws
    -> FlatLayout
  {
    func product(_ a: Int, _ b: Int, _ key: InputKey) throws -> Int {
      let (value, overflow) = a.multipliedReportingOverflow(by: b)
      guard !overflow, value < 1 << 60 else {
        throw Problem(.badConfiguration, at: key.place, "\(a) × \(b) is more than any file holds; check the numbers")
      }
      return value
    }
    let pixels = try product(detector.y, detector.x, .detectorShape)
    let frame = try product(pixels, pixel.size, .detectorShape)
    let frames = try product(scan.y, scan.x, .scanShape)
    let gap = min(request.gap ?? 0, 1 << 60)
    let layout = FlatLayout(
      offset: min(request.offset ?? 0, 1 << 60), stored: frame, stride: frame + gap, frames: frames)
    guard layout.checkedEnd != nil else {
      throw Problem(
        .badConfiguration, at: InputKey.scanShape.place,
        "\(scan.text) frames of \(frame) bytes with a gap of \(gap) are more than any file holds; check the numbers")
    }
    return layout
  }

  private static func checkSize(
    _ layout: FlatLayout, request: InputRequest, scan: Shape, detector: Shape, pixel: PixelType, size: Int
  ) throws {
    let gap = layout.stride - layout.stored
    guard size != layout.end, size != layout.end + gap else { return }
    let fitting = size < layout.offset + layout.stored ? 0 : (size - layout.offset - layout.stored) / layout.stride + 1
    let rest = size - layout.offset - fitting * layout.stride
    let whole = fitting > 0 && (rest == 0 || rest == -gap)
    let start = layout.offset > 0 ? "\(layout.offset) bytes offset + " : ""
    let frame = "\(detector.text) \(pixel.rawValue) = \(layout.stored) bytes" + (gap > 0 ? " + \(gap) gap" : "")
    let missing = layout.end > size ? "; frame \(fitting) (counted from 0) is the first that is missing" : ""
    throw Problem(
      .badData, at: request.path,
      "\(start)\(scan.text) frames of \(frame) make \(layout.end) bytes, the file has \(size): \(fitting) frames fit"
        + (whole ? " exactly" : ", \(max(0, rest)) bytes are left over") + missing
        + "; correct scan_shape, detector_shape, pixel_type, offset or gap")
  }
}
