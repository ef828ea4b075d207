import STEM

extension BoundKernel {
  public var rows: [Rows] { outputs.rows.map(\.rows) }

  /// Ends the kernel's work.
  /// - Returns: its outputs that are one array for the scan, by name
  public func finish() throws -> [String: [Double]] {
    kernel.finish()
    let found = try outputs.finished().map { (outputs.outputs[$0.place].name, $0.values) }
    return Dictionary(uniqueKeysWithValues: found)
  }
}
