import Foundation

/// A small made-up scan: a bright disk that moves with the position, over a weak background, counts from a fixed
/// generator.
public struct TestScan: Sendable {
  public let scan: (y: Int, x: Int)
  public let detector: (y: Int, x: Int)
  /// Row-major (scan y, scan x, detector y, detector x).
  public let values: [UInt16]

  public init(scan: (Int, Int), detector: (Int, Int), seed: UInt64 = 1) {
    self.scan = (scan.0, scan.1)
    self.detector = (detector.0, detector.1)
    var generator = Random(seed)
    let radius = Double(min(detector.0, detector.1)) / 4
    var values: [UInt16] = []
    values.reserveCapacity(scan.0 * scan.1 * detector.0 * detector.1)
    for i in 0..<scan.0 {
      for j in 0..<scan.1 {
        let cy = Double(detector.0 / 2) + sin(Double(i))
        let cx = Double(detector.1 / 2) + cos(Double(j))
        for k in 0..<detector.0 {
          for l in 0..<detector.1 {
            let r = ((Double(k) - cy) * (Double(k) - cy) + (Double(l) - cx) * (Double(l) - cx)).squareRoot()
            values.append(UInt16(r < radius ? 200 + generator.next() % 100 : generator.next() % 4))
          }
        }
      }
    }
    self.values = values
  }

  public var frameCount: Int { scan.y * scan.x }
  public var framePixels: Int { detector.y * detector.x }

  public func frame(_ position: Int) -> ArraySlice<UInt16> {
    values[(position * framePixels)..<((position + 1) * framePixels)]
  }

  /// The array as a NumPy file.
  public func writeNpy(_ path: String) throws {
    let shape = "(\(scan.y), \(scan.x), \(detector.y), \(detector.x))"
    try writeNpyFile(path, type: "<u2", shape: shape, values.withUnsafeBytes { Data($0) })
  }

  public func writeRaw(_ path: String) throws {
    try values.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: path))
  }
}

/// Version 1.0 of the NumPy format.
public func writeNpyFile(_ path: String, type: String, shape: String, _ bytes: Data) throws {
  var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
  while (10 + header.utf8.count + 1) % 64 != 0 { header += " " }
  header += "\n"
  var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
  data.append(contentsOf: [UInt8(header.utf8.count & 0xff), UInt8(header.utf8.count >> 8)])
  data.append(Data(header.utf8))
  data.append(bytes)
  try data.write(to: URL(fileURLWithPath: path))
}

/// The same numbers on every machine, good enough for test data (Steele, Lea & Flood, OOPSLA 2014: SplitMix64).
public struct Random: RandomNumberGenerator {
  private var state: UInt64

  public init(_ seed: UInt64) { state = seed }
  public init(_ seed: Int) { state = UInt64(seed) }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
