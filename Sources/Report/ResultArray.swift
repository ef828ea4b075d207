import STEM

/// One output with everything that a picture or an export says about it.
public struct ResultArray: Sendable {
  public struct Axis: Sendable, Equatable {
    public var name: String
    public var unit: String
    public var values: [Double]

    public init(_ name: String, unit: String, values: [Double]) {
      self.name = name
      self.unit = unit
      self.values = values
    }

    /// `Radius [mrad]`
    var label: String { unit.isEmpty ? name : "\(name) [\(unit)]" }

    /// The distance of neighbors; nil where it varies or there are none.
    var step: Double? {
      guard values.count > 1 else { return nil }
      let step = (values[values.count - 1] - values[0]) / Double(values.count - 1)
      let even = zip(values, values.dropFirst()).allSatisfy { abs($1 - $0 - step) < 1e-3 * abs(step) }
      return even && step != 0 && step.isFinite ? abs(step) : nil
    }
  }

  public var analysis: String
  public var index: Int
  public var output: String
  public var kind: OutputKind
  /// One an axis of the array, slow first.
  public var axes: [Axis]
  /// Row-major; as many as the product of the axes' lengths. NaN where missing, also for integers.
  public var values: [Double]
  /// Of complex numbers, whose real parts are `values`; nil otherwise.
  public var imaginary: [Double]?
  public var quantity: String
  public var unit: String
  /// Whether zero is in the middle of the color scale.
  public var signed: Bool
  /// Whether the numbers are names of classes.
  public var categorical: Bool
  /// How the values are stored.
  public var element: ElementType
  /// Of a table: one a step of the last axis.
  public var columns: [TableColumn]?

  public init(
    analysis: String, index: Int = 0, output: String, kind: OutputKind, axes: [Axis], values: [Double],
    imaginary: [Double]? = nil, quantity: String = "", unit: String = "", signed: Bool = false,
    categorical: Bool = false, element: ElementType = .float64, columns: [TableColumn]? = nil
  ) {
    precondition(axes.reduce(1) { $0 * $1.values.count } == values.count, "as many values as the axes have places")
    precondition((imaginary?.count ?? values.count) == values.count, "as many imaginary parts as real ones")
    self.analysis = analysis
    self.index = index
    self.output = output
    self.kind = kind
    self.axes = axes
    self.values = values
    self.quantity = quantity
    self.unit = unit
    self.signed = signed
    self.imaginary = imaginary
    self.categorical = categorical
    self.element = element
    self.columns = columns
  }

  public var shape: [Int] { axes.map(\.values.count) }

  /// As rows and columns: all axes but the last make up the rows.
  var plane: Plane { Plane(width: axes.last?.values.count ?? 1, values: values) }

  /// `Displacement [px]`
  var quantityLabel: String {
    let name = quantity.isEmpty ? output : quantity
    return unit.isEmpty ? name : "\(name) [\(unit)]"
  }
}

/// A 2-D array, row-major.
struct Plane: Sendable {
  let width: Int
  let height: Int
  var values: [Double]

  init(width: Int, values: [Double]) {
    self.width = max(1, width)
    height = values.count / max(1, width)
    self.values = values
  }

  /// At most `limit` rows, each the mean of some, NaN left out.
  func reducedRows(to limit: Int) -> Plane {
    let group = (height + limit - 1) / max(1, limit)
    guard group > 1 else { return self }
    let rows = (height + group - 1) / group
    var sums = [Double](repeating: 0, count: rows * width)
    var counts = sums
    for (index, value) in values.enumerated() where !value.isNaN {
      let place = index / width / group * width + index % width
      sums[place] += value
      counts[place] += 1
    }
    return Plane(width: width, values: zip(sums, counts).map { $1 > 0 ? $0 / $1 : .nan })
  }
}
