import Foundation
import STEM

/// One output in a form that other programs read.
public enum ExportFormat: String, CaseIterable, Sendable {
  /// NumPy array in the type that is stored, N-dimensional, slow first.
  case npy
  /// 32-bit float image, uncompressed, with ImageJ's scale.
  case tif
  /// The picture of the quick-looks.
  case png
  /// Text with axis values and units; of a table the rows in use.
  case csv

  /// Whether what has several frames, or amplitude and phase, needs several files.
  var isImage: Bool { self == .tif || self == .png }

  /// Recognized from the suffix. Throws `Problem` 64.
  public init(path: String) throws(Problem) {
    let suffix = URL(fileURLWithPath: path).pathExtension.lowercased()
    guard let format = ExportFormat(rawValue: suffix == "tiff" ? "tif" : suffix) else {
      let given = suffix.isEmpty ? "no suffix" : "'.\(suffix)'"
      let allowed = Self.allCases.map { ".\($0.rawValue)" }.joined(separator: ", ")
      throw Problem(.usage, at: path, "\(given) given; allowed: \(allowed); the suffix decides the format")
    }
    self = format
  }
}

extension ResultArray {
  /// The files that `export` writes: `path`, except for images of complex numbers and of stacks, which need one for each
  /// part: `object_amplitude.tif`, `components_3.png`. Throws `Problem` 64 for an unknown suffix, and for images of
  /// what is none.
  public func exportPaths(to path: String) throws(Problem) -> [String] {
    let format = try ExportFormat(path: path)
    guard format.isImage else { return [path] }
    if let reason = Self.reasonNotToDraw(kind, axisCount: axes.count) {
      throw Problem(.usage, at: path, "\(output) \(reason), not an image; export it to .npy or .csv")
    }
    let url = URL(fileURLWithPath: path)
    let stem = path.dropLast(url.pathExtension.count + 1)
    return views().map { "\(stem)\($0.suffix).\(url.pathExtension)" }
  }

  /// Writes the array to the files of `exportPaths`; the suffix decides the format. Existing files are replaced. Throws
  /// `Problem`: 64 as `exportPaths`, 73 and 74 for what the disk refuses.
  public func export(to path: String) throws(Problem) {
    let paths = try exportPaths(to: path)
    switch try ExportFormat(path: path) {
    case .npy: try writeNPY(to: path)
    case .tif: for (path, view) in zip(paths, views()) { try view.array().writeTIFF(to: path) }
    case .png: for (path, view) in zip(paths, views()) { try view.array().picture().write(to: path) }
    case .csv: try kind == .table ? writeTable(to: path) : writeCSV(to: path)
    }
  }

  /// NumPy's format 1.0 (NEP 1).
  private func writeNPY(to path: String) throws(Problem) {
    let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var header = "{'descr': '\(element.npyDescription)', 'fortran_order': False, 'shape': (\(sizes)), }"
    // The data begin at a multiple of 64 bytes; 10 bytes precede the header, a line feed ends it.
    header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
    try ByteSink.write(path) { sink in
      try sink.append([0x93] + Array("NUMPY".utf8) + [1, 0] + UInt16(header.utf8.count).littleEndianBytes)
      try sink.append(header)
      try sink.append(imaginary.map { zip(values, $0).flatMap { [$0, $1] } } ?? values, as: element)
    }
  }
}

extension ElementType {
  /// As NumPy's header of a file spells it.
  fileprivate var npyDescription: String {
    switch self {
    case .float32: "<f4"
    case .float64: "<f8"
    case .complex64: "<c8"
    case .complex128: "<c16"
    case .int32: "<i4"
    case .uint8: "|u1"
    }
  }
}
