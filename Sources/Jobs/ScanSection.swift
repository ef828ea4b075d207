import Preprocessing
import STEM

/// Which positions take part.
struct ScanSection: JobSection {
  var crop: CropWindow?
  var bin: OneOrPair<Int>?
  var roi: Pair<Pair<Int>>?
  var mask: String?
  var flyback = Flyback()

  static let declaration = Declaration<Self>(
    "scan",
    "Which positions of the scan take part. First crop and bin make a smaller scan, to which the other keys apply.",
    source: "",
    parameters: [
      .init(
        "crop", \.crop, DetectorSection.cropForm,
        "Part of the scan that is kept, [[y begin, y end], [x begin, x end]], the ends not included: maps have its shape."
      ),
      .init(
        "bin", \.bin, .pair(DetectorSection.binForm),
        "Positions whose frames are summed, one number or [y, x]; a rest is left out."),
      .init(
        "roi", \.roi, .pair(.pair(.integer(0...Int(Int32.max)))),
        "Region [[y begin, y end], [x begin, x end]], positions counted from 0, the ends not included; the others are NaN "
          + "in every map."),
      .init(
        "mask", \.mask, .file,
        "An array [scan y, scan x] (.npy, or an HDF5 dataset as file.h5:/dataset), 0 where a position is left out."),
      .init(
        "exclude_flyback", \.flyback, Flyback.form, "Lines at the edges of the scan that are left out."),
    ], outputs: [], example: "scan: {roi: [[0, 32], [8, 64]], exclude_flyback: {columns: 1}}\n")

  static let alternatives: [String: [ParameterForm]] = ["bin": [DetectorSection.binForm]]

  var correction: ScanCorrection {
    var correction = ScanCorrection()
    correction.crop = crop?.window
    correction.bin = bin?.pair ?? Shape(1, 1)
    return correction
  }

  /// The positions that take part on a scan of this shape; `mask` is the loaded array.
  /// Throws `Problems`, places `scan.…`.
  func selection(on scan: Shape, mask: DenseArray?) throws(Problems) -> PositionSelection {
    var selected = [Bool](repeating: true, count: scan.count)
    var problems: [Problem] = []
    func keep(_ rows: Range<Int>, _ columns: Range<Int>) {
      for position in selected.indices
      where !rows.contains(position / scan.x) || !columns.contains(position % scan.x) {
        selected[position] = false
      }
    }
    problems += gather(at: "roi") {
      if let roi { keep(try Self.range(roi.y, "rows", below: scan.y), try Self.range(roi.x, "columns", below: scan.x)) }
    }
    let rows = flyback.rowsKept(of: scan.y)
    let columns = flyback.columnsKept(of: scan.x)
    if rows.isEmpty || columns.isEmpty {
      problems.append(
        Problem(.badConfiguration, at: "exclude_flyback", "nothing is left of the \(scan.text) scan; exclude less"))
    } else {
      keep(rows, columns)
    }
    problems += gather(at: "mask") {
      guard let isUsed = try mask?.mask(scan, "the scan") else { return }
      for position in isUsed.indices where !isUsed[position] { selected[position] = false }
    }
    if problems.isEmpty, !selected.contains(true) {
      problems.append(
        Problem(
          .badConfiguration, "roi, mask and exclude_flyback leave no position of the \(scan.text) scan; widen them"))
    }
    try problems.map { $0.inside("scan") }.throwIfAny()
    return PositionSelection(shape: scan, selected: selected.contains(false) ? selected : nil)
  }

  private static func range(_ pair: Pair<Int>, _ what: String, below end: Int) throws(Problem) -> Range<Int> {
    guard pair.y < pair.x, pair.x <= end else {
      throw Problem(
        .badConfiguration,
        "the \(what) [\(pair.y), \(pair.x)] given; [begin, end] with 0 ≤ begin < end ≤ \(end) is allowed")
    }
    return pair.y..<pair.x
  }
}

/// Rows and columns at the scan's edges where the probe was still flying back.
struct Flyback: JobSection, ParameterType {
  var rows = 0
  var columns = 0
  var firstRows = 0
  var lastRows = 0
  var firstColumns = 0
  var lastColumns = 0

  private static let counts = ParameterForm.integer(0...Int(Int32.max))

  static let declaration = Declaration<Self>(
    "exclude_flyback", "Lines at the edges of the scan that are left out.", source: "",
    parameters: [
      .init("columns", \.columns, counts, "Short for first_columns: positions at the begin of every line."),
      .init("rows", \.rows, counts, "Short for first_rows: lines at the begin of the scan."),
      .init("first_columns", \.firstColumns, counts, "Positions at the begin of every line."),
      .init("last_columns", \.lastColumns, counts, "Positions at the end of every line."),
      .init("first_rows", \.firstRows, counts, "Lines at the begin of the scan."),
      .init("last_rows", \.lastRows, counts, "Lines at the end of the scan."),
    ], outputs: [], example: "")

  static var form: ParameterForm {
    .object(declaration.parameters.map { .init($0.name, $0.form, required: $0.required, $0.summary) })
  }

  init() {}

  init(_ setting: Setting, form: ParameterForm) throws {
    try Self.declaration.decode(setting, into: &self)
    for (short, long, name) in [(rows, firstRows, "rows"), (columns, firstColumns, "columns")]
    where short != 0 && long != 0 {
      throw Problem(.badConfiguration, at: name, "\(name) and first_\(name) given, which mean the same; remove one")
    }
    firstRows += rows
    firstColumns += columns
    (rows, columns) = (0, 0)
  }

  var setting: Setting { .map(Self.declaration.encode(self).filter { $0.value != .integer(0) }) }

  func rowsKept(of count: Int) -> Range<Int> { kept(firstRows, lastRows, of: count) }
  func columnsKept(of count: Int) -> Range<Int> { kept(firstColumns, lastColumns, of: count) }

  private func kept(_ first: Int, _ last: Int, of count: Int) -> Range<Int> {
    first + last < count ? first..<(count - last) : 0..<0
  }
}

extension DenseArray {
  /// Where the array is not 0. Throws `Problem` when it does not fit the grid, or has NaN.
  func mask(_ grid: Shape, _ owner: String) throws(Problem) -> [Bool] {
    let values = try values(on: grid, of: owner)
    if let index = values.firstIndex(where: \.isNaN) {
      throw Problem(
        .badConfiguration,
        "NaN at [\(index / grid.x), \(index % grid.x)]; numbers are allowed, 0 or not 0; replace it")
    }
    return values.map { $0 != 0 }
  }
}
