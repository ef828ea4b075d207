/// Random numbers that follow from (seed, stream) alone: each scan position has a stream of its own.
/// SplitMix64: Steele, Lea, Flood, Proc. OOPSLA (2014), doi:10.1145/2660193.2660195, figure 17.
struct RandomStream {
  private var state: UInt64

  init(seed: Int, stream: Int) {
    // Mixed twice, so that neighboring seeds and streams start far from each other.
    let start = Self.mix(UInt64(bitPattern: Int64(seed)) &+ 0x9E37_79B9_7F4A_7C15)
    state = Self.mix(start ^ Self.mix(UInt64(bitPattern: Int64(stream)) &+ 0xD1B5_4A32_D192_ED03))
  }

  @inline(__always) mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  /// Evenly distributed in [0, 1), 53 bits.
  @inline(__always) mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  @inline(__always) private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
