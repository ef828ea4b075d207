/// The optical axis of every scan position [px].
public struct OriginField: Sendable {
  private let y: [Double]
  private let x: [Double]
  private let mean: Pair<Double>

  /// - Parameters:
  ///   - y, x: one value a position; where either is NaN, `mean` stands in
  public init(y: [Double], x: [Double], mean: Pair<Double>) {
    precondition(y.count == x.count, "a pair for every position")
    self.y = y
    self.x = x
    self.mean = mean
  }

  public subscript(position: Int) -> Pair<Double> {
    let (y, x) = (y[position], x[position])
    return y.isFinite && x.isFinite ? Pair(y, x) : mean
  }
}
