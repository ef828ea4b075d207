/// A reproducible sequence (SplitMix64; Steele, Lea, Flood 2014).
public struct FuzzRandom: RandomNumberGenerator {
  private var state: UInt64

  public init(_ seed: UInt64) { state = seed }

  /// The sequence of one mutant of a series.
  public init(seed: UInt64, index: Int) {
    var random = FuzzRandom(seed)
    state = random.next() ^ UInt64(bitPattern: Int64(index)) &* 0xd6e8_feb8_6659_fd93
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }

  mutating func below(_ bound: Int) -> Int { bound < 2 ? 0 : Int(next() % UInt64(bound)) }
  mutating func oneIn(_ n: Int) -> Bool { below(n) == 0 }
}
