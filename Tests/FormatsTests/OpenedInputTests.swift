import Foundation
import STEM
import Testing

@testable import Formats

/// An input that was opened, coded and decoded, as ranks other than the first get it.
func recoded(_ request: InputRequest) throws -> any FrameSource {
  let encoder = JSONEncoder()
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  let decoder = JSONDecoder()
  decoder.nonConformingFloatDecodingStrategy = .convertFromString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  return try decoder.decode(OpenedInput.self, from: encoder.encode(try inspectInput(request))).source
}

/// Everything that a description says, as text.
private func text(_ about: SourceDescription) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = .sortedKeys
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  return String(decoding: try encoder.encode(about), as: UTF8.self)
}

@Suite("opened inputs for other ranks") struct OpenedInputTests {
  @Test("the vendors' files", .enabled(if: VendorData.isPresent, "\(VendorData.absent)"))
  func vendors() throws {
    var formats: Set<String> = []
    let files = try FileManager.default.subpathsOfDirectory(atPath: VendorData.path("vendor"))
    for file in files {
      var request = InputRequest(path: VendorData.path("vendor/" + file))
      if file.hasSuffix("mos2_4d_u2.raw") {
        request.scanShape = Shape(4, 6)
        request.options = ["detector_shape": Shape(80, 80).setting, "pixel_type": .text("u16")]
      }
      guard let opened = try? openInput(request) else { continue }
      let copy = try recoded(request)
      #expect(try text(copy.description) == text(opened.description), "\(file)")
      #expect(copy.asStored.description.pixelType == opened.asStored.description.pixelType, "\(file)")
      #expect(copy.readerBytes == opened.readerBytes, "\(file)")
      #expect(try digest(of: copy) == digest(of: opened), "\(file)")
      formats.insert(opened.description.format)
    }
    #expect(formats.isSuperset(of: ["emd", "hspy", "hdf5", "mib", "npy", "raw"]), "\(formats)")
  }

  @Test("arrays in Fortran order")
  func fortran() throws {
    let folder = ByteFolder()
    var bytes: [UInt8] = []
    for value in 0..<(2 * 3 * 4 * 5) { bytes += [UInt8(value), 0] }
    let request = InputRequest(path: try folder.write("f.npy", npy([2, 3, 4, 5], "<u2", fortran: true, bytes)))
    #expect(try recoded(request) is StridedSource)
    #expect(try digest(of: recoded(request)) == digest(of: openInput(request)))
  }
}
