import STEM

/// Binary files without a header that we understand: the job says what they hold.
struct RawFormat: InputFormat {
  static let name = "raw"
  static let summary = "headerless binary; needs detector_shape, pixel_type and scan_shape; byte_order, offset, gap"
  static let suffixes = ["raw", "bin", "dat"]

  /// Any bytes could be raw: only `input.format` or `detector_shape` with `pixel_type` choose it.
  static func recognizes(_ probe: FileProbe) -> Bool { false }

  static let needsScanShape = true

  struct Options: FormatOptions {
    var detectorShape = Shape(0, 0)
    var pixelType = PixelType.u8
    var byteOrder: ByteOrder?
    var offset = 0
    var gap = 0

    static let parameters: [Parameter<Options>] = [
      .init(
        "detector_shape", \.detectorShape, .pair(.integer(1...65_535)), required: true, "Pixels of a frame [y, x]."),
      .init("pixel_type", \.pixelType, PixelType.form, required: true, "Type of a pixel."),
      .init(
        "byte_order", \.byteOrder, ByteOrder.form, "Order of the bytes of a pixel; little when not given."),
      .init("offset", \.offset, .integer(0...(1 << 50)), "Bytes before the first frame."),
      .init("gap", \.gap, .integer(0...(1 << 40)), "Bytes between two frames, which are dropped."),
    ]
  }

  static func open(_ request: InputRequest, _ options: Options, probe: FileProbe) throws -> FlatInput {
    let scan = try scanShape(request)
    let layout = try layout(options, scan)
    try checkSize(layout, options, path: request.path, scan: scan, size: probe.size)
    let order = options.byteOrder ?? .little
    var description = SourceDescription(
      format: name, path: request.path, scanShape: scan, frameCount: layout.frames,
      detectorShape: options.detectorShape, pixelType: options.pixelType, byteOrder: order)
    if options.byteOrder == nil, options.pixelType.size > 1 {
      description.notes.append("byte order taken as little endian (input.byte_order not given)")
    }
    return try FlatInput(description, layout, size: probe.size)
  }

  private static func scanShape(_ request: InputRequest) throws -> Shape {
    guard let scan = request.scanShape, scan.y >= 1, scan.x >= 1 else {
      throw Problem(
        .badConfiguration, at: InputKey.scanShape.place,
        "\(request.scanShape?.text ?? "nothing") given; two numbers, both at least 1, are allowed")
    }
    return scan
  }

  private static func layout(_ options: Options, _ scan: Shape) throws -> FlatLayout {
    // What the parameters allow can be multiplied; a scan shape that comes from elsewhere may not.
    let frame = options.detectorShape.count * options.pixelType.size
    let (frames, overflow) = scan.y.multipliedReportingOverflow(by: scan.x)
    let layout = FlatLayout(
      offset: options.offset, stored: frame, stride: frame + options.gap, frames: overflow ? .max : frames)
    guard layout.checkedEnd != nil else {
      throw Problem(
        .badConfiguration, at: InputKey.scanShape.place,
        "\(scan.text) frames of \(frame) bytes with a gap of \(options.gap) are more than any file holds; check the "
          + "numbers")
    }
    return layout
  }

  private static func checkSize(_ layout: FlatLayout, _ options: Options, path: String, scan: Shape, size: Int) throws {
    let gap = layout.stride - layout.stored
    guard size != layout.end, size != layout.end + gap else { return }
    let fitting = size < layout.offset + layout.stored ? 0 : (size - layout.offset - layout.stored) / layout.stride + 1
    let rest = size - layout.offset - fitting * layout.stride
    let whole = fitting > 0 && (rest == 0 || rest == -gap)
    let start = layout.offset > 0 ? "\(layout.offset) bytes offset + " : ""
    let frame =
      "\(options.detectorShape.text) \(options.pixelType.rawValue) = \(layout.stored) bytes"
      + (gap > 0 ? " + \(gap) gap" : "")
    let missing = layout.end > size ? "; frame \(fitting) (counted from 0) is the first that is missing" : ""
    throw Problem(
      .badData, at: path,
      "\(start)\(scan.text) frames of \(frame) make \(layout.end) bytes, the file has \(size): \(fitting) frames fit"
        + (whole ? " exactly" : ", \(max(0, rest)) bytes are left over") + missing
        + "; correct scan_shape, detector_shape, pixel_type, offset or gap")
  }
}
