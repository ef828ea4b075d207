import Digest
import Foundation
import HDF5
@_spi(StoredPixels) import STEM
import Testing

@testable import Formats

@Suite("HDF5-based vendor files against other readers", .enabled(if: VendorData.isPresent, "\(VendorData.absent)"))
struct HDF5VendorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var file: String
    var reader: String
    var format: String
    var dataset: String?
    var scan: Shape?
    var testDescription: String { file }
  }

  static let cases = [
    Case(file: "vendor/emd/py4DSTEM_size2x3x4x5.h5", reader: "rosettasciio", format: "emd", scan: Shape(2, 3)),
    Case(file: "vendor/emd/mos2_ncem.emd", reader: "array given", format: "emd", scan: Shape(4, 6)),
    Case(file: "vendor/emd/example_signal.emd", reader: "rosettasciio", format: "emd"),
    Case(file: "vendor/hspy/mos2_4d.hspy", reader: "array given", format: "hspy", scan: Shape(4, 6)),
    Case(file: "vendor/hspy/pixelated_stem_test.hdf5", reader: "rosettasciio", format: "hspy", scan: Shape(5, 2)),
    Case(file: "vendor/nion/mos2_nion.h5", reader: "array given", format: "hdf5", dataset: "/data", scan: Shape(4, 6)),
    Case(
      file: "vendor/nexus/mos2_4d.nxs", reader: "array given", format: "hdf5", dataset: "/entry1/4D/data",
      scan: Shape(4, 6)),
  ]

  @Test("the same bytes as the other reader", arguments: cases)
  func bytes(one: Case) throws {
    let truth = try VendorFile.named(one.file).truth(one.reader)
    for dataset in [one.dataset, nil] {
      let source = try opened(VendorData.path(one.file)) { $0.dataset = dataset }
      let about = source.description
      #expect(about.format == one.format)
      #expect(about.scanShape == one.scan)
      #expect(
        [about.frameCount, about.detectorShape.y, about.detectorShape.x].reduce(1, *) == truth.shape.reduce(1, *))
      #expect(about.detectorShape == Shape(truth.shape[truth.shape.count - 2], truth.shape[truth.shape.count - 1]))
      #expect(try digest(of: source) == truth.sha256)
    }
  }

  @Test("Prismatic: each of two cubes is one half of RosettaSciIO's array; neither is taken unasked")
  func prismatic() throws {
    let file = VendorData.path("vendor/emd/Si100_4D.emd")
    let unasked = problem { _ = try opened(file) }
    #expect(unasked?.code == .badData)
    #expect(unasked?.message.contains("CBED_array_depth0001/datacube (11 × 11 × 8 × 8, float32)") == true)
    #expect(unasked?.message.contains("--dataset") == true)
    let hash = SHA256()
    for depth in 0...1 {
      let source = try opened(file) {
        $0.dataset = "/4DSTEM_simulation/data/datacubes/CBED_array_depth000\(depth)/datacube"
      }
      let about = source.description
      #expect(about.scanShape == Shape(11, 11) && about.detectorShape == Shape(8, 8))
      #expect(about.calibration.energy?.value == 100_000)
      #expect(abs((about.calibration.semiangle?.value ?? 0) - 0.030) < 1e-9)
      // Si [100], a = 5.43 Å, tiled once: 11 probes 0.5 Å apart, pixels of 1/5.43 Å⁻¹.
      #expect(abs((about.calibration.scanStep?.value.y ?? 0) - 0.5) < 1e-6)
      #expect(abs((about.calibration.pixelReciprocal?.x ?? 0) - 1 / 5.43) < 1e-6)
      try source.makeReader().forEachFrame(in: 0..<121) { _, frame in
        hash.update(Array(UnsafeRawBufferPointer(start: frame.memory, count: 8 * 8 * 4)))
      }
    }
    #expect(try hash.finalize() == VendorFile.named("vendor/emd/Si100_4D.emd").truth("rosettasciio").sha256)
  }

  @Test("files that hold no scan say what they hold")
  func noScan() throws {
    let image = problem { _ = try opened(VendorData.path("vendor/hspy/example2_v2.2.hspy")) }
    #expect(image?.code == .badData && image?.message.contains("10 × 10") == true)
    let velox = problem { _ = try opened(VendorData.path("vendor/velox/Camera Ceta Diffraction Micro.emd")) }
    #expect(velox?.code == .badData && velox?.message.contains("Velox") == true)
    let force = problem { _ = try opened(VendorData.path("h5usid/AFM_Force_Curve.h5")) }
    #expect(force?.code == .badData && force?.message.contains("Z 2045") == true)
    let maps = problem { _ = try opened(VendorData.path("h5usid/SingFreqPFM_0003.h5")) }
    #expect(maps?.code == .badData && maps?.message.contains("X 128") == true)
  }

  @Test("the simulations: EMD and h5USID files hold the same counts, and say what the experiment was")
  func simulations() throws {
    let runs: [(String, [String], Double, Double, Double, Double)] = [
      ("srtio3_001_80kV", ["counts"], 80e3, 24, 0.19525, 0.04268032437046521),
      ("mos2_vacancy_80kV", ["counts"], 80e3, 21.4, 0.8, 0.02620545073375262),
      ("aperiodic_200kV_rot17_transposed", ["counts", "counts_defocus"], 200e3, 17.5, 0.34, 0.05),
    ]
    for (name, files, energy, semiangle, step, pixel) in runs {
      for file in files {
        let a = try opened(VendorData.path("sim/\(name)/\(file)_emd.h5"))
        let b = try opened(VendorData.path("sim/\(name)/\(file)_h5usid.h5"))
        #expect(a.description.format == "emd" && b.description.format == "h5usid")
        #expect(a.description.scanShape == b.description.scanShape)
        #expect(try checksum(a) == checksum(b))
        let calibration = b.description.calibration
        #expect(calibration.energy == Sourced(energy, .file))
        #expect(abs(calibration.semiangle!.value * 1e3 - semiangle) < 1e-9)
        for found in [a.description.calibration, calibration] {
          #expect(abs(found.scanStep!.value.y - step) < 1e-9 && abs(found.scanStep!.value.x - step) < 1e-9)
        }
        #expect(abs(calibration.pixelReciprocal!.y - pixel) < 1e-6)
        #expect(abs(a.description.calibration.pixelReciprocal!.x - pixel) < 1e-12)
        // QR_flip in the EMD files is the writer's default.
        #expect(a.description.calibration.transpose == nil && a.description.calibration.scanRotation == nil)
        #expect(calibration.transpose?.value == (name.hasPrefix("aperiodic") ? true : nil))
        let rotation = name.hasPrefix("aperiodic") ? 17.0 : 0
        #expect(abs(calibration.scanRotation!.value * 180 / .pi - rotation) < 1e-9)
        #expect(b.description.quantity == "Electron counts")
      }
    }
  }

  /// FNV-1a of all frames.
  private func checksum(_ source: any FrameSource) throws -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    let about = source.description
    try source.makeReader().forEachFrame(in: 0..<about.frameCount) { _, frame in
      for i in 0..<about.frameBytes / 2 {
        hash = (hash ^ UInt64(frame.memory.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))) &* 0x100_0000_01b3
      }
    }
    return hash
  }

  static let broken = [
    "ok", "no_ref", "dangling_ref", "no_quantity", "main_4d", "pos_short", "labels_short", "label_twice", "idx_int64",
    "mixed_order", "shuffled", "value_nan", "bad_timestamp", "label_both", "no_main", "meas_name", "res_two_dash",
    "res_no_source", "src_path", "num_src", "no_algorithm", "completed",
  ]
  /// What is wrong with the frames themselves; everything else is readable.
  static let refused = [
    "no_ref": "Position_Values", "dangling_ref": "Spectroscopic_Values", "main_4d": "3 × 4 × 6 × 5",
    "pos_short": "11 × 2", "mixed_order": "Z 3, X 2, Y 2", "shuffled": "irregular", "no_main": "no h5USID main dataset",
  ]

  @Test("broken h5USID files give their frames or a clear reason", arguments: broken)
  func brokenFiles(name: String) throws {
    let path = VendorData.path("h5usid/broken/\(name).h5")
    guard let reason = Self.refused[name] else {
      let about = try opened(path).description
      #expect(about.scanShape == Shape(3, 4) && about.format == "h5usid")
      // Labels X, Y for the detector's slow and fast axis: the frames are turned.
      #expect(about.detectorShape == (name == "label_both" ? Shape(5, 6) : Shape(6, 5)))
      return
    }
    let found = problem { _ = try opened(path) }
    #expect(found?.code == .badData)
    #expect(found.map { $0.description.contains(reason) } == true, "\(found?.description ?? "no problem")")
  }
}
