import Foundation
import STEM

/// The folder of vendor files with reference arrays; tests on them are skipped where it is absent.
enum VendorData {
  /// `RONCHI_TEST_DATA`, by default `../shared/data` beside the package.
  static let folder: String = {
    if let given = ProcessInfo.processInfo.environment["RONCHI_TEST_DATA"] { return given }
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return package.deletingLastPathComponent().appendingPathComponent("shared/data").path
  }()

  static var isPresent: Bool { FileManager.default.fileExists(atPath: folder + "/manifest.json") }
  static let absent = "vendor data not found; set RONCHI_TEST_DATA to its folder"

  /// `path` relative to the folder: `vendor/npy/mos2_4d_u2.npy`.
  static func path(_ path: String) -> String { "\(folder)/\(path)" }
}

/// One entry of the collection's manifest: a file and the arrays that independent readers gave for it.
struct VendorFile: Decodable {
  struct Truth: Decodable {
    var reader: String
    var shape: [Int]
    /// As NumPy writes it: `uint16`, `>u2`.
    var dtype: String
    /// SHA-256 of the array's bytes in C order, in the byte order of `dtype`.
    var sha256: String
    var sum: Double?

    enum CodingKeys: String, CodingKey {
      case reader, shape, dtype, sum
      case sha256 = "sha256_c_order_bytes"
    }

    /// Entries that are no arrays (event lists) have none of these.
    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      reader = try values.decodeIfPresent(String.self, forKey: .reader) ?? ""
      shape = try values.decodeIfPresent([Int].self, forKey: .shape) ?? []
      dtype = try values.decodeIfPresent(String.self, forKey: .dtype) ?? ""
      sha256 = try values.decodeIfPresent(String.self, forKey: .sha256) ?? ""
      sum = try values.decodeIfPresent(Double.self, forKey: .sum)
    }

    var byteOrder: ByteOrder { dtype.hasPrefix(">") ? .big : .little }
  }

  var format: String
  var file: String
  var note: String?
  var truths: [Truth]

  /// The truth of the first reader whose name starts so.
  func truth(_ reader: String) throws -> Truth {
    guard let truth = truths.first(where: { $0.reader.hasPrefix(reader) }) else {
      throw Problem(.internalError, at: file, "no truth of \(reader)")
    }
    return truth
  }

  private struct Manifest: Decodable { var vendor: [VendorFile] }

  /// The manifest's entry for a file named relative to the folder.
  static func named(_ file: String) throws -> VendorFile {
    // Written by Python: numbers may be NaN or Infinity, which JSON does not know.
    let text = try String(contentsOfFile: VendorData.path("manifest.json"), encoding: .utf8)
      .replacing(/: -?(NaN|Infinity)/, with: ": null")
    let manifest = try JSONDecoder().decode(Manifest.self, from: Data(text.utf8))
    guard let entry = manifest.vendor.first(where: { $0.file == file }) else {
      throw Problem(.internalError, at: file, "not in the manifest")
    }
    return entry
  }
}

/// How the array of a truth lies against the one that our reader delivers.
enum DetectorFlip { case none, rows, both }

/// SHA-256 (lower-case hex) of the array that a source delivers, in C order and the given byte order, after flipping
/// the detector axes: comparable with `VendorFile.Truth.sha256`.
func digest(of source: any FrameSource, byteOrder: ByteOrder = .little, flip: DetectorFlip = .none) throws -> String {
  let description = source.description
  let size = description.pixelType.size
  let (rows, columns) = (description.detectorShape.y, description.detectorShape.x)
  var hash = SHA256Hash()
  var bytes = [UInt8](repeating: 0, count: description.frameBytes)
  try source.makeReader().forEachFrame(in: 0..<description.frameCount) { _, frame in
    for y in 0..<rows {
      for x in 0..<columns {
        let from = (flip == .none ? y : rows - 1 - y) * columns + (flip == .both ? columns - 1 - x : x)
        for byte in 0..<size {
          let swapped = byteOrder == .big ? size - 1 - byte : byte
          bytes[(y * columns + x) * size + byte] = frame.load(fromByteOffset: from * size + swapped, as: UInt8.self)
        }
      }
    }
    hash.update(bytes)
  }
  return hash.finish()
}

/// SHA-256, FIPS 180-4.
struct SHA256Hash {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var pending: [UInt8] = []
  private var length: UInt64 = 0
  private var schedule = [UInt32](repeating: 0, count: 64)

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]

  mutating func update(_ bytes: [UInt8]) {
    length += UInt64(bytes.count)
    pending += bytes
    absorb()
  }

  /// Lower-case hex.
  mutating func finish() -> String {
    pending.append(0x80)
    while pending.count % 64 != 56 { pending.append(0) }
    pending += (0..<8).map { UInt8(truncatingIfNeeded: (length * 8) >> (56 - 8 * UInt64($0))) }
    absorb()
    return state.map { word in
      let hex = String(word, radix: 16)
      return String(repeating: "0", count: 8 - hex.count) + hex
    }.joined()
  }

  private mutating func absorb() {
    let whole = pending.count / 64 * 64
    guard whole > 0 else { return }
    let bytes = pending
    bytes.withUnsafeBytes { buffer in
      for start in stride(from: 0, to: whole, by: 64) { compress(buffer, start) }
    }
    pending = Array(bytes[whole...])
  }

  private mutating func compress(_ bytes: UnsafeRawBufferPointer, _ start: Int) {
    func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }
    for t in 0..<16 {
      schedule[t] = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start + 4 * t, as: UInt32.self))
    }
    for t in 16..<64 {
      let (a, b) = (schedule[t - 15], schedule[t - 2])
      let low = rotate(a, 7) ^ rotate(a, 18) ^ a >> 3
      let high = rotate(b, 17) ^ rotate(b, 19) ^ b >> 10
      schedule[t] = schedule[t - 16] &+ low &+ schedule[t - 7] &+ high
    }
    var v = state
    for t in 0..<64 {
      let sum1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)
      let choice = (v[4] & v[5]) ^ (~v[4] & v[6])
      let first = v[7] &+ sum1 &+ choice &+ Self.constants[t] &+ schedule[t]
      let sum0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)
      let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])
      (v[7], v[6], v[5], v[4]) = (v[6], v[5], v[4], v[3] &+ first)
      (v[3], v[2], v[1], v[0]) = (v[2], v[1], v[0], first &+ sum0 &+ majority)
    }
    for i in 0..<8 { state[i] &+= v[i] }
  }
}
