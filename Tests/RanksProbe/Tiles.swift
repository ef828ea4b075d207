import Foundation
import Runner
import STEM
import USID

/// Writes an object in every element type, and a table, into one file: tiles and positions go round the ranks. Element e
/// of each is e modulo 200 and 1; the last line of the objects and the last position stay missing.
func writeTiles(_ ranks: MPIRanks, _ path: String) throws {
  let size = (y: 9, x: 10)
  let object = [OutputAxis.counted("object_y", size.y), OutputAxis.counted("object_x", size.x)]
  let table = OutputTable("peaks", rows: 3, columns: [TableColumn("y", unit: "px")], quantity: "Peak", "Peaks.")
  let outputs =
    ElementType.allCases.map {
      OutputDescription(
        $0.rawValue, rows: .axes(object), columns: .single, quantity: "Q", unit: "", element: $0, "An object.")
    } + table.outputs
  var coded: [UInt8] = []
  if ranks.rank == 0 {
    let layout = ResultFileLayout(
      scan: Shape(4, 5), detector: Shape(3, 3), source: SourceReference(filePath: "/scan.h5", datasetPath: "/frames"),
      groups: [ResultGroupLayout(analysis: "tiles", algorithm: "None.", outputs: outputs)])
    coded = [UInt8](try JSONEncoder().encode(ResultFile.create(path, layout)))
  }
  let places = try JSONDecoder().decode(ResultPlaces.self, from: Data(ranks.broadcast(coded)))
  let writer = try ResultWriter(path, places: places, access: .parallel(ranks))
  for (output, place) in places.groups[0].outputs.enumerated() {
    let width = place.columns * place.element.parts
    let isObject = place.rows == size.y * size.x
    // Half a line of an object, or one position.
    let part = isObject ? size.x / 2 : 1
    let end = isObject ? place.rows - size.x : place.rows - 1
    for (tile, first) in stride(from: 0, to: end, by: part).enumerated() where tile % ranks.count == ranks.rank {
      let values = (first * width..<(first + part) * width).map { Double($0 % 200 + 1) }
      try writer.writeRows(group: 0, output: output, positions: first..<first + part, values)
    }
  }
  try writer.flush()
  try ranks.barrier()
  for (output, place) in places.groups[0].outputs.enumerated() {
    let stored = try writer.readWhole(group: 0, output: output)
    let missing = (place.rows == size.y * size.x ? size.x : 1) * place.columns * place.element.parts
    let known = stored.dropLast(missing)
    guard known.enumerated().allSatisfy({ $1 == Double($0 % 200 + 1) }), stored.suffix(missing).allSatisfy(\.isNaN)
    else { throw Problem(.internalError, at: place.name, "rank \(ranks.rank) reads other values than were written") }
  }
  try writer.close()
  if ranks.rank == 0 { print("\(places.groups[0].outputs.count) outputs") }
}
