import Digest
import Foundation
@_spi(StoredPixels) import STEM

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
  let hash = SHA256()
  var bytes = [UInt8](repeating: 0, count: description.frameBytes)
  try source.makeReader().forEachFrame(in: 0..<description.frameCount) { _, frame in
    for y in 0..<rows {
      for x in 0..<columns {
        let from = (flip == .none ? y : rows - 1 - y) * columns + (flip == .both ? columns - 1 - x : x)
        for byte in 0..<size {
          let swapped = byteOrder == .big ? size - 1 - byte : byte
          bytes[(y * columns + x) * size + byte] = frame.memory.load(
            fromByteOffset: from * size + swapped, as: UInt8.self)
        }
      }
    }
    hash.update(bytes)
  }
  return hash.finalize()
}
