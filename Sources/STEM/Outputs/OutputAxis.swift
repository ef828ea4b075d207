/// A dimension that an output has of its own: the bins of a profile, the rows of an object.
public struct OutputAxis: Sendable, Equatable {
  public var name: String
  public var unit: String
  /// One a step; stored as `float32`.
  public var values: [Double]

  public init(_ name: String, unit: String, values: [Double]) {
    self.name = name
    self.unit = unit
    self.values = values
  }

  /// Samples at equal distances: `OutputAxis("object_y", unit: "Å", count: 512, step: 0.2, origin: -3.1)`.
  /// `origin`: the value of the first sample.
  public init(_ name: String, unit: String, count: Int, step: Double, origin: Double = 0) {
    self.init(name, unit: unit, values: (0..<count).map { origin + Double($0) * step })
  }

  /// Numbers from 0, for what is only counted: modes, iterations, components.
  public static func counted(_ name: String, _ count: Int) -> OutputAxis {
    OutputAxis(name, unit: "", values: (0..<count).map(Double.init))
  }

  /// The components of a decomposition. Values over scan × components are drawn as one map a component.
  public static func components(_ count: Int) -> OutputAxis { counted(componentName, count) }

  public static let componentName = "component"
}
