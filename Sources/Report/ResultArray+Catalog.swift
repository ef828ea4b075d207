import STEM
import USID

extension ResultArray {
  /// Reads an output. Throws `Problem` 65.
  public init(_ result: StoredResult, in catalog: ResultCatalog) throws {
    let entry = result.entry
    let isComplex = result.outputElement?.isComplex ?? false
    let imaginary = isComplex ? try catalog.read(result, component: entry.components[1]).values : nil
    self.init(
      analysis: entry.analysis, index: entry.index, output: entry.output, kind: entry.kind,
      axes: entry.dimensions.map { Axis($0.name, unit: $0.unit, values: $0.values) },
      values: try catalog.read(result, component: isComplex ? entry.components[0] : nil).values, imaginary: imaginary,
      quantity: entry.quantity, unit: entry.unit, signed: result.signed, categorical: result.categorical,
      element: Self.element(of: result), columns: entry.columns)
  }

  /// Integers of other programs have no value that means missing, but can be missing here: they become `float64`.
  private static func element(of result: StoredResult) -> ElementType {
    let element = result.outputElement ?? .float64
    return element.missingValue != nil && result["missing_value"] == nil ? .float64 : element
  }
}
