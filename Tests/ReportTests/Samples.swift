import Foundation
import Report
import STEM

/// A folder that is gone after the test.
func withFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ronchi-report-\(UUID().uuidString)").path
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try body(folder)
}

func axis(_ name: String, _ unit: String, _ count: Int, step: Double = 0.5) -> ResultArray.Axis {
  ResultArray.Axis(name, unit: unit, values: (0..<count).map { Double($0) * step })
}

func map(_ rows: Int, _ columns: Int, signed: Bool = false, single: Bool = false, _ value: (Int, Int) -> Double)
  -> ResultArray
{
  ResultArray(
    analysis: "test", output: "map", kind: .map, axes: [axis("Y", "nm", rows), axis("X", "nm", columns, step: 0.25)],
    values: (0..<rows * columns).map { value($0 / columns, $0 % columns) }, quantity: "Displacement", unit: "px",
    signed: signed, element: single ? .float32 : .float64)
}

func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

/// A little-endian number.
func little<Number: FixedWidthInteger>(_ bytes: [UInt8], _ place: Int, as type: Number.Type) -> Number {
  (0..<MemoryLayout<Number>.size).reduce(0) { $0 | Number(truncatingIfNeeded: bytes[place + $1]) << ($1 * 8) }
}
