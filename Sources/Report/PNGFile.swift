import CPNG
import Foundation
import STEM

extension Picture {
  /// Writes an 8-bit RGB PNG with its text chunks. Throws 73 where the file cannot be created, 74 where it cannot be
  /// written.
  func write(to path: String) throws(Problem) {
    try writeSafely(path) { temporary in
      // What is wrong with the place shows before libpng meets it.
      guard let probe = fopen(temporary, "wb") else { throw writeProblem(path, errno) }
      fclose(probe)
      if let reason = encode(to: temporary) {
        throw Problem(.inputOutput, at: path, "cannot be written: \(reason); make room or write to another disk")
      }
    }
  }

  /// nil, or why it failed.
  private func encode(to path: String) -> String? {
    let strings = texts.flatMap { [strdup($0.key), strdup($0.value)] }
    defer { for string in strings { free(string) } }
    let pointers = strings.map { UnsafePointer($0) }
    var message = [CChar](repeating: 0, count: 256)
    let failed = ronchi_png_write(
      path, UInt32(canvas.width), UInt32(canvas.height), ronchi_png_rgb(), 8, canvas.pixels, pointers,
      Int32(texts.count), &message, message.count)
    guard failed != 0 else { return nil }
    return String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
