import Foundation
import STEM

/// Writes a file under a temporary name beside its place and renames it: nothing half-written bears the final name.
func writeSafely(_ path: String, _ write: (_ temporary: String) throws -> Void) throws(Problem) {
  let temporary = path + ".partial"
  do {
    try write(temporary)
    guard rename(temporary, path) == 0 else { throw writeProblem(path, errno) }
  } catch {
    unlink(temporary)
    throw error as? Problem ?? Problem(.inputOutput, at: path, "cannot be written: \(error)")
  }
}

func writeProblem(_ path: String, _ code: Int32) -> Problem {
  let reason = String(cString: strerror(code))
  if code == ENOSPC || code == EDQUOT || code == EIO {
    return Problem(.inputOutput, at: path, "cannot be written: \(reason); make room or write to another disk")
  }
  return Problem(
    .cannotCreate, at: path, "cannot be created: \(reason); name a file in a folder that exists and is yours")
}

/// A file written piece by piece.
struct ByteSink {
  private let file: UnsafeMutablePointer<FILE>
  private let path: String

  /// Calls `body` with an empty file; every failure becomes a `Problem` that names the final path.
  static func write(_ path: String, _ body: (ByteSink) throws -> Void) throws(Problem) {
    try writeSafely(path) { temporary in
      guard let file = fopen(temporary, "wb") else { throw writeProblem(path, errno) }
      do { try body(ByteSink(file: file, path: path)) } catch {
        fclose(file)
        throw error
      }
      guard fclose(file) == 0 else { throw writeProblem(path, errno) }
    }
  }

  func append(_ bytes: [UInt8]) throws(Problem) {
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw writeProblem(path, errno) }
  }

  private func append<Number: FixedWidthInteger>(raw numbers: [Number]) throws(Problem) {
    guard fwrite(numbers, MemoryLayout<Number>.size, numbers.count, file) == numbers.count else {
      throw writeProblem(path, errno)
    }
  }

  func append(_ text: String) throws(Problem) { try append(Array(text.utf8)) }

  /// Numbers as they are stored, little endian; pairs for complex ones. NaN becomes the missing value of integers.
  func append(_ values: [Double], as element: ElementType) throws(Problem) {
    let chunk = 1 << 16
    for start in stride(from: 0, to: values.count, by: chunk) {
      let part = values[start..<min(start + chunk, values.count)]
      switch element {
      case .float32, .complex64: try append(raw: part.map { Float($0).bitPattern.littleEndian })
      case .float64, .complex128: try append(raw: part.map { $0.bitPattern.littleEndian })
      case .int32: try append(raw: part.map { Int32(exactly: $0)?.littleEndian ?? Int32.min.littleEndian })
      case .uint8: try append(raw: part.map { UInt8(exactly: $0) ?? .max })
      }
    }
  }
}

extension FixedWidthInteger {
  var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}
