import Foundation
import STEM

/// One output in a form that other programs read.
public enum ExportFormat: String, CaseIterable, Sendable {
  /// NumPy array, as stored: float32 or float64, N-dimensional, slow first.
  case npy
  /// 32-bit float image, uncompressed, with ImageJ's scale.
  case tif
  /// The picture of the quick-looks.
  case png
  /// Text with axis values and units.
  case csv

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
  /// Writes the array to a file; the suffix decides the format. An existing file is replaced. Throws `Problem`: 64 for
  /// an unknown suffix, 73 and 74 for what the disk refuses.
  public func export(to path: String) throws(Problem) {
    switch try ExportFormat(path: path) {
    case .npy: try writeNPY(to: path)
    case .tif: try writeTIFF(to: path)
    case .png: try picture().write(to: path)
    case .csv: try writeCSV(to: path)
    }
  }

  /// NumPy's format 1.0 (NEP 1).
  private func writeNPY(to path: String) throws(Problem) {
    let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let type = isSinglePrecision ? "<f4" : "<f8"
    var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sizes)), }"
    // The data begin at a multiple of 64 bytes; 10 bytes precede the header, a line feed ends it.
    header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
    try ByteSink.write(path) { sink in
      try sink.append([0x93] + Array("NUMPY".utf8) + [1, 0] + UInt16(header.utf8.count).littleEndianBytes)
      try sink.append(header)
      try sink.append(values, asSingle: isSinglePrecision)
    }
  }

  /// One line of axis names and values, then one line a value (1-D) or a row.
  private func writeCSV(to path: String) throws(Problem) {
    try ByteSink.write(path) { sink in
      guard axes.count > 1, let last = axes.last else {
        try sink.append("\(quoted(axes.first?.label ?? "")),\(quoted(quantityLabel))\n")
        for (place, value) in values.enumerated() { try sink.append("\(axes[0].values[place]),\(text(value))\n") }
        return
      }
      let names = axes.dropLast(2).map(\.label) + ["\(axes[axes.count - 2].label) \\ \(last.label)"]
      try sink.append(names.map(quoted).joined(separator: ",") + "," + joined(last.values.map { "\($0)" }))
      for row in 0..<values.count / max(1, last.values.count) {
        let first = row * last.values.count
        let places = coordinates(ofRow: row).map { "\($0)" }
        try sink.append(joined(places + values[first..<first + last.values.count].map(text)))
      }
    }
  }

  private func joined(_ fields: [String]) -> String { fields.joined(separator: ",") + "\n" }

  private func quoted(_ field: String) -> String {
    guard field.contains(where: { ",\"\n".contains($0) }) else { return field }
    return "\"" + field.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }

  /// The shortest digits that give the stored number back.
  private func text(_ value: Double) -> String { isSinglePrecision ? "\(Float(value))" : "\(value)" }

  /// The values of all axes but the last at a row.
  private func coordinates(ofRow row: Int) -> [Double] {
    var rest = row
    var places: [Double] = []
    for axis in axes.dropLast().reversed() {
      places.append(axis.values[rest % axis.values.count])
      rest /= axis.values.count
    }
    return places.reversed()
  }
}
