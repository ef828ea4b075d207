extension [Double] {
  /// A pattern with NaN for the dead pixels.
  func without(_ dead: [Bool]?) -> [Double] {
    guard let dead else { return self }
    return zip(self, dead).map { $1 ? .nan : $0 }
  }
}
