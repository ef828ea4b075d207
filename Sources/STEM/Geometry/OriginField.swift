import Foundation

/// The optical axis of every scan position [px].
public struct OriginField: Sendable, Equatable {
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

  public var count: Int { y.count }

  public subscript(position: Int) -> Pair<Double> {
    let (y, x) = (y[position], x[position])
    return y.isFinite && x.isFinite ? Pair(y, x) : mean
  }
}

/// As bytes: decimal numbers would be slow for millions of positions, and have no NaN.
extension OriginField: Codable {
  public init(from decoder: any Decoder) throws {
    let data = try decoder.singleValueContainer().decode(Data.self)
    let values = [Double](unsafeUninitializedCapacity: data.count / 8) { buffer, count in
      count = data.copyBytes(to: UnsafeMutableRawBufferPointer(buffer)) / 8
    }
    let positions = (values.count - 2) / 2
    guard positions >= 0, values.count == 2 * positions + 2 else {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "\(data.count) bytes"))
    }
    self.init(
      y: Array(values[2..<(2 + positions)]), x: Array(values[(2 + positions)...]), mean: Pair(values[0], values[1]))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(([mean.y, mean.x] + y + x).withUnsafeBytes { Data($0) })
  }
}
