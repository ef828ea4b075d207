import Foundation
import STEM

extension ResultArray {
  /// One line of axis names and values, then one line a value (1-D) or a row.
  func writeCSV(to path: String) throws(Problem) {
    try ByteSink.write(path) { sink in
      guard axes.count > 1, let last = axes.last else {
        try sink.append("\(quoted(axes.first?.label ?? "")),\(quoted(quantityLabel))\n")
        for place in values.indices { try sink.append("\(axes[0].values[place]),\(text(place))\n") }
        return
      }
      let names = axes.dropLast(2).map(\.label) + ["\(axes[axes.count - 2].label) \\ \(last.label)"]
      try sink.append(names.map(quoted).joined(separator: ",") + "," + joined(last.values.map { "\($0)" }))
      for row in 0..<values.count / max(1, last.values.count) {
        let first = row * last.values.count
        let places = coordinates(ofRow: row).map { "\($0)" }
        try sink.append(joined(places + (first..<first + last.values.count).map(text)))
      }
    }
  }

  /// One line a row of the table that is in use: its position, its rank, its columns.
  func writeTable(to path: String) throws(Problem) {
    try ByteSink.write(path) { sink in
      let columns = (columns ?? []).map { $0.unit.isEmpty ? $0.name : "\($0.name) [\($0.unit)]" }
      try sink.append(joined((axes.dropLast(2).map(\.label) + ["rank"] + columns).map(quoted)))
      let width = axes.last?.values.count ?? 1
      for row in 0..<values.count / max(1, width) {
        let places = row * width..<(row + 1) * width
        guard places.contains(where: { !values[$0].isNaN }) else { continue }
        let position = coordinates(ofRow: row)
        try sink.append(joined(position.dropLast().map { "\($0)" } + ["\(Int(position.last ?? 0))"] + places.map(text)))
      }
    }
  }

  private func joined(_ fields: [String]) -> String { fields.joined(separator: ",") + "\n" }

  private func quoted(_ field: String) -> String {
    guard field.contains(where: { ",\"\n".contains($0) }) else { return field }
    return "\"" + field.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }

  /// The shortest digits that give the stored number back; `1.5-0.25j` for complex ones, as Python reads them.
  private func text(_ place: Int) -> String {
    let real = text(values[place])
    guard let imaginary = imaginary?[place] else { return real }
    return "\(real)\(imaginary.sign == .minus && !imaginary.isNaN ? "" : "+")\(text(imaginary))j"
  }

  private func text(_ value: Double) -> String {
    switch element {
    case .float32, .complex64: "\(Float(value))"
    case .float64, .complex128: "\(value)"
    case .int32, .uint8: value.isNaN ? "nan" : "\(Int(value))"
    }
  }

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
