import STEM
import USID

extension ResultArray {
  /// Reads an output. `component`: `r` or `i` of a complex output. Throws `Problem` 65.
  public init(_ result: StoredResult, in catalog: ResultCatalog, component: String? = nil) throws {
    let entry = result.entry
    let array = try catalog.read(result, component: component)
    self.init(
      analysis: entry.analysis, index: entry.index, output: entry.output, kind: entry.kind,
      axes: entry.dimensions.map { Axis($0.name, unit: $0.unit, values: $0.values) }, values: array.values,
      quantity: entry.quantity, unit: entry.unit, signed: result.signed,
      isSinglePrecision: result.element.number == .f32)
  }
}
