import Foundation

/// Small valid files, made here.
public enum Seeds {
  /// `.npy` in both orders, both endiannesses, three versions.
  public static let npy: [[UInt8]] = [
    npy("(3, 4, 5, 6)", "<u2", bytes: 3 * 4 * 5 * 6 * 2), npy("(3, 4, 5, 6)", ">u2", bytes: 720, fortran: true),
    npy("(12, 5, 6)", "<f4", bytes: 1440), npy("(12, 5, 6)", ">f8", bytes: 2880, fortran: true),
    npy("(2, 2, 3, 3)", "|u1", bytes: 36, version: 2), npy("(2, 2, 3, 3)", "|b1", bytes: 36, version: 3),
    npy("(2, 2, 3, 3)", "<i4", bytes: 144), npy("(1L, 1L, 8L, 8L)", "|i1", bytes: 64),
  ]

  /// Two-dimensional `.npy` masks.
  public static let masks: [[UInt8]] = [
    npy("(5, 6)", "|b1", bytes: 30), npy("(5, 6)", "<f8", bytes: 240, fortran: true), npy("(30,)", ">i2", bytes: 60),
    npy("(2, 5, 6)", "<f4", bytes: 240), npy("()", "<u4", bytes: 4), npy("(0, 6)", "<u4", bytes: 0),
  ]

  static func npy(
    _ shape: String, _ type: String, bytes: Int, fortran: Bool = false, version: UInt8 = 1
  ) -> [UInt8] {
    let prefix = version == 1 ? 10 : 12
    var header = Array(
      "{'descr': '\(type)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }".utf8)
    while (prefix + header.count + 1) % 64 != 0 { header.append(0x20) }
    header.append(0x0a)
    let length = (0..<prefix - 8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + header + noise(bytes)
  }

  /// A line with what the job says (scan, detector, type, order, offset, gap), then the file.
  public static let raw: [[UInt8]] = [
    Array("3 4 5 6 u16 little 0 0\n".utf8) + noise(720), Array("3 4 5 6 f32 big 16 0\n".utf8) + noise(1456),
    Array("2 3 4 4 u8 little 8 4\n".utf8) + noise(8 + 6 * 20), Array("1 1 8 8 f64 big 0 7\n".utf8) + noise(512),
  ]

  /// A `.mib`, and behind a line `%%HDR%%` what lies beside it as `.hdr`.
  public static let mib: [[UInt8]] = [
    merlin(frames: 6, width: 16, height: 8, pixels: "U16", bytes: 256, depth: 12),
    merlin(frames: 4, width: 16, height: 8, pixels: "U08", bytes: 128, depth: 6) + header(frames: 4, line: 2),
    merlin(frames: 2, width: 8, height: 8, pixels: "U32", bytes: 256, depth: 24),
    merlin(frames: 2, width: 256, height: 4, pixels: "R64", bytes: 4 * 32, depth: 1),
    merlin(frames: 2, width: 256, height: 4, pixels: "R64", bytes: 4 * 256, depth: 6) + header(frames: 2, line: 2),
    merlin(frames: 2, width: 256, height: 4, pixels: "R64", bytes: 2 * 4 * 512, depth: 24),
    merlin(frames: 1, width: 1024, height: 256, pixels: "R64", bytes: 1024 * 32, depth: 1, chips: 4, layout: "2x2"),
  ]

  static let hdrMark = Array("\n%%HDR%%\n".utf8)

  private static func merlin(
    frames: Int, width: Int, height: Int, pixels: String, bytes: Int, depth: Int, chips: Int = 1, layout: String = "1x1"
  ) -> [UInt8] {
    func padded(_ n: Int, _ width: Int) -> String {
      let text = String(n)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    return (1...frames).flatMap { frame in
      let text =
        "MQ1,\(padded(frame, 6)),00384,\(padded(chips, 2)),\(padded(width, 4)),\(padded(height, 4)),\(pixels),   "
        + "\(layout),01,2021-05-07 18:51:10.90\(frame),0.100000,0,0,0,1.2E2,5.11E2,MQ1A,2021-05-07T16:51:10Z,100000ns,"
        + "\(depth),"
      let header = Array(text.utf8)
      return header + [UInt8](repeating: 0, count: 384 - header.count) + noise(bytes)
    }
  }

  private static func header(frames: Int, line: Int) -> [UInt8] {
    hdrMark
      + Array(
        """
        HDR,\t
        Time and Date Stamp (day, mnth, yr, hr, min, s):\t05/07/2021 18:51:10
        Frames in Acquisition (Number):\t\(frames)
        Frames per Trigger (Number):\t\(line)
        Counter Depth (number):\t6
        Active Counters:\tAlternating
        Chip Mode  (SPM, CSM, CM, CSCM):\tSPM
        ScanX:\t\(line)
        ScanY:\t\(frames / line)
        End\t
        """.utf8)
  }

  /// Jobs: those of the repository where it is at hand, and some that reach for corners.
  public static var jobs: [[UInt8]] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("jobs")
    let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
    let examples = files.filter { $0.pathExtension == "yml" }.sorted { $0.path < $1.path }
      .compactMap { try? Data(contentsOf: $0) }.map { Array($0) }
    return examples + [fullJob, bomb, "a: [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]"].map { Array($0.utf8) }
  }

  private static let fullJob = """
    input: {path: scan.npy, scan_shape: [3, 4], format: npy}
    output: {path: result.h5, images: false}
    calibration:
      energy: 300 keV
      semiangle: 21.4 mrad
      detector_pixel: [0.5 mrad, 0.5 mrad]
      scan_step: 0.4 Å
      scan_rotation: -12.5 deg
      transpose: true
      center: [2.5, 2.5]
    scan: {roi: [[0, 2], [1, 4]], exclude_flyback: {last_rows: 1}, mask: scan_mask.npy}
    detector: {dead_pixels: mask.npy}
    analyses:
      - virtual_detectors:
          detectors:
            bf: {shape: disk, radius: 2 px}
            adf: {shape: annulus, inner_radius: 1 px, outer_radius: 3.5 mrad}
            part: {shape: segment, inner_radius: 0 px, outer_radius: 2 px, start_angle: 10 deg, end_angle: 400 deg}
            box: {shape: rectangle, height: 2 px, width: 3 px, center: [1, 1.5]}
            mine: {path: mask.npy}
      - center_of_mass: {outer_radius: 2 px}
      - frame_statistics
      - radial_profile: {bins: 64}
    """

  /// Ten levels of ten: 10¹⁰ values for who expands aliases.
  public static let bomb =
    "a0: &a0 [x, x]\n"
    + (1...10).map { n in
      "a\(n): &a\(n) [" + (0..<10).map { _ in "*a\(n - 1)" }.joined(separator: ", ") + "]\n"
    }.joined()

  /// Bytes without a pattern, always the same.
  static func noise(_ count: Int) -> [UInt8] {
    var random = FuzzRandom(UInt64(count))
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 32) }
  }
}
