import Foundation
import STEM

/// Quantum Detectors Merlin (Medipix3) `.mib`, with its `.hdr` where there is one; either can be named.
struct MerlinFormat: InputFormat {
  static let name = "mib"
  static let summary = "Quantum Detectors Merlin: 1, 6, 12, 24 bit, RAW too; .hdr beside it used when present"
  static let suffixes = ["mib", "hdr"]

  static func recognizes(_ probe: FileProbe) -> Bool {
    probe.starts(with: MerlinHeader.magic) || probe.starts(with: MerlinAcquisition.magic)
  }

  static func open(_ request: InputRequest, _ options: NoOptions, probe: FileProbe) throws -> MerlinInput {
    let (data, acquisition) = try files(request, probe: probe)
    let first = try header(data.head, path: data.path, frame: 0)
    let file = try MerlinFile(probe: data, first: first, acquisition: acquisition)
    return try MerlinInput(file, try describe(file, request, openedBy: probe.path))
  }

  /// The `.mib` and what its `.hdr` says.
  private static func files(_ request: InputRequest, probe: FileProbe) throws -> (FileProbe, MerlinAcquisition?) {
    let stem = probe.suffix.isEmpty ? request.path : String(request.path.dropLast(probe.suffix.count + 1))
    if probe.starts(with: MerlinHeader.magic) {
      return (probe, MerlinAcquisition(path: stem + ".hdr") ?? MerlinAcquisition(path: stem + ".HDR"))
    }
    guard probe.starts(with: MerlinAcquisition.magic) else {
      throw Problem(.badData, at: probe.path, "is no Merlin file: it starts with neither MQ1 nor HDR")
    }
    let candidates = [stem + ".mib", stem + ".MIB"]
    guard let data = candidates.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      throw Problem(
        .noInput, at: candidates[0], "there is no such file beside the header file \(probe.path); copy it there")
    }
    let found = try FileProbe(path: data)
    guard found.starts(with: MerlinHeader.magic) else {
      throw Problem(.badData, at: data, "is no Merlin file: it does not start with MQ1")
    }
    return (found, MerlinAcquisition(path: request.path))
  }

  static func header(_ bytes: some Collection<UInt8>, path: String, frame: Int) throws -> MerlinHeader {
    do throws(MerlinHeaderError) {
      return try MerlinHeader(bytes)
    } catch {
      throw Problem(.badData, at: path, "the header of frame \(frame) (counted from 0) \(error.text)")
    }
  }

  private static func describe(
    _ file: MerlinFile, _ request: InputRequest, openedBy opened: String
  ) throws -> SourceDescription {
    let frames = file.layout.frames
    let stored = file.acquisition?.scanShape(frames: frames) ?? (frames == 1 ? Shape(1, 1) : nil)
    var description = SourceDescription(
      format: name, path: file.probe.path, scanShape: try request.resolvedScanShape(frames: frames, stored: stored),
      frameCount: frames, detectorShape: file.shape, pixelType: file.pixelType, byteOrder: .big)
    description.files = [file.probe.path] + [file.acquisition?.path].compactMap { $0 }
    // A 1-bit counter says that something arrived, not that it overflowed.
    description.saturation = file.depth.map { $0 == 1 ? .infinity : Double(1 << $0 - 1) }
    description.storage =
      "frames with \(file.first.bytes)-byte headers"
      + (file.raw == nil ? "" : ", RAW \(file.raw!.depth) bit")
    description.notes = ["detector rows in file order (LiberTEM's convention)"]
    if file.first.chips > 1, file.raw != nil {
      description.notes.append("quad RAW frames reassembled to the orientation of non-RAW files")
    }
    if opened != file.probe.path { description.notes.append("opened through \(opened)") }
    if let announced = file.acquisition?.number("Frames in Acquisition"), announced != frames {
      description.notes.append("the .hdr announces \(announced) frames, the file holds \(frames)")
    }
    description.metadata = file.metadata
    return description
  }
}
