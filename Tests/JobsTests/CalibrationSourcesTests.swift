import STEM
import TestSupport
import Testing

@testable import Jobs

@Suite("what completes a calibration")
struct CalibrationSourcesTests {
  private let bare = "input: {path: bare.h5}\noutput: {path: o}\nanalyses:\n  - center_of_mass: {}\n"

  @Test("semiangle and measured radius give the size of a pixel, with the energy in Å⁻¹ too")
  func pixelFromDisk() throws {
    let plan = try plan(bare + "calibration: {semiangle: 20 mrad, energy: 200 keV}")
    #expect(plan.context.calibration.detectorPixel == nil)
    let calibration = try plan.measured(center: Pair(7, 16), diskRadius: 5).context.calibration
    #expect(calibration.detectorPixel?.origin == .measured)
    #expect(abs(calibration.pixelAngle!.y - 0.004) < 1e-15)
    #expect(abs(calibration.pixelReciprocal!.x - 0.004 / 0.0250793) < 1e-4)
    let both = try Jobs.Plan.make(
      JobFile.parse(bare + "calibration: {semiangle: 20 mrad, detector_pixel: 3 mrad}", name: "job.yml"), in: world())
    #expect(try both.measured(center: Pair(7, 16), diskRadius: 5).context.calibration.detectorPixel?.origin == .job)
  }

  @Test("an ellipse is given, in any turn of its axis, or fitted to a ring")
  func ellipse() throws {
    let given = try plan(goodJob + "\ncalibration: {ellipse: {ratio: 1.03, angle: -160 deg}}")
    let ellipse = try #require(given.context.calibration.ellipse)
    #expect(ellipse.origin == .job && ellipse.value.ratio == 1.03)
    #expect(abs(ellipse.value.angle * 180 / .pi - 20) < 1e-12)
    #expect(try plan(given.resolvedJob).context.calibration.ellipse?.value == ellipse.value)
    #expect(given.calibrating.isEmpty && given.toMeasure.isEmpty)

    let fitted = try plan(goodJob + "\ncalibration: {ellipse: {ring: [30 mrad, 45 mrad]}}")
    #expect(fitted.toMeasure == [.ellipse] && fitted.context.calibration.ellipse == nil)
    #expect(fitted.calibrating.map { $0.parameters.map(\.value.text) } == [["[30 mrad, 45 mrad]"]])
    #expect(try plan(fitted.resolvedJob).resolvedJob == fitted.resolvedJob)
    let measured = try fitted.measured(ellipse: Ellipse(ratio: 1.1, angle: 0.2)).context
    #expect(measured.calibration.ellipse == Sourced(Ellipse(ratio: 1.1, angle: 0.2), .measured))
    #expect(try plan(bare + "calibration: {ellipse: {ring: [5 px, 7 px]}}").toMeasure == [.center, .ellipse])
  }

  @Test("a ring without the size of a pixel is refused at its key, unless the disk will tell")
  func ringWithoutPixel() throws {
    let text = bare + "calibration: {ellipse: {ring: [3 mrad, 5 mrad]}"
    let found = failure(text + "}")
    #expect(
      found.text.hasPrefix("job.yml:5: calibration.ellipse.ring: 3 mrad given, but the detector's pixel size"),
      "\(found.text)")
    #expect(failure(text + ", center: [7, 16], semiangle: 20 mrad}").text.contains("calibration.ellipse.ring"))
    #expect(try plan(text + ", semiangle: 20 mrad}").toMeasure == [.center, .ellipse])
  }

  @Test(
    "an ellipse that cannot be is refused",
    arguments: [
      ("{ratio: 0.9, angle: 3 deg}", "ellipse.ratio: '0.9' given"), ("{ratio: 1.02}", "ellipse.angle: missing"),
      ("{ring: [9 px, 7 px]}", "ellipse.ring: [9 px, 7 px] given"),
      ("{ring: [1 px, 2 px], ratio: 1.1}", "ellipse.ratio: unknown key"), ("1.03", "ellipse: '1.03' given; a map"),
      ("{ratio: 1.02, angle: 20}", "ellipse.angle: '20' given; a value with its unit"),
    ])
  func badEllipse(text: String, message: String) {
    let found = failure(goodJob + "\ncalibration: {ellipse: \(text)}")
    #expect(found.text.contains("calibration.\(message)"), "\(found.text)")
    #expect(found.code == .badConfiguration)
  }
}

@Suite("a calibration that contradicts the file")
struct CalibrationContradictionTests {
  @Test(
    "is used, and named with both values",
    arguments: [
      ("energy: 300 keV", "energy: 300 keV (job) is used, the file says 200 keV"),
      ("semiangle: 21 mrad", "semiangle: 21 mrad (job) is used, the file says 20 mrad"),
      ("detector_pixel: 5 mrad", "detector_pixel: [5, 5] mrad (job) is used, the file says [4, 4] mrad"),
      ("scan_step: 0.12 Å", "scan_step: [0.12, 0.12] Å (job) is used, the file says [0.1, 0.1] Å"),
      ("center: [7.5, 15.75]", "center: [7.5, 15.75] px (job) is used, the file says [7.5, 15.25] px"),
    ])
  func named(setting: String, sentence: String) throws {
    let warnings = try plan(goodJob + "\ncalibration: {\(setting)}").warnings
    #expect(warnings == ["calibration.\(sentence)"])
  }

  @Test("in reciprocal units too, through the energy")
  func reciprocalPixel() throws {
    let wavelength = electronWavelength(energy: 200e3)
    let same = try plan(goodJob + "\ncalibration: {detector_pixel: \(0.004 / wavelength) Å⁻¹}").warnings
    #expect(same.isEmpty)
    let other = try plan(goodJob + "\ncalibration: {detector_pixel: 0.2 Å⁻¹}").warnings
    #expect(other.count == 1 && other[0].contains("[0.2, 0.2] Å⁻¹ (job) is used, the file says [0.1594"), "\(other)")
  }

  @Test("a rounded value, and one that the file does not know, are no contradiction")
  func rounded() throws {
    #expect(
      try plan(goodJob + "\ncalibration: {energy: 200.4 keV, scan_rotation: 12 deg, center: [7.52, 15.22]}").warnings
        .isEmpty)
    let first = try plan(goodJob)
    #expect(try plan(first.resolvedJob).warnings.isEmpty)
  }
}

@Suite("instruments")
struct InstrumentTests {
  private let folder: TestSupport.TemporaryFolder
  private let job = "input: {path: bare.h5}\noutput: {path: o}\nanalyses:\n  - center_of_mass: {}\ncalibration: "
  private let text = """
    description: a test
    calibration: {energy: 200 keV, counts_per_electron: 2, transpose: true}
    camera_length:
      100 mm: {detector_pixel: 1 mrad, scan_rotation: 10 deg, ellipse: {ratio: 1.02, angle: 30 deg}}
      0.2 m: {detector_pixel: 0.5 mrad, energy: 80 keV}
    magnification:
      1000000: {scan_step: 0.4 Å}
      2e6: {scan_step: 0.2 Å}
    """

  init() throws {
    folder = try TestSupport.TemporaryFolder()
    _ = try folder.write(text, to: "scope.yml")
  }

  private func environment() -> JobEnvironment {
    var environment = world()
    environment.instrumentFolders = [folder.path("none"), folder.url.path]
    return environment
  }

  @Test("the entries for camera length and magnification come over the defaults of the instrument")
  func entries() throws {
    let plan = try plan(
      job + "{instrument: scope, camera_length: 10 cm, magnification: 2000000}", in: environment())
    let calibration = plan.context.calibration
    #expect(calibration.energy == Sourced(200e3, .instrument))
    #expect(calibration.detectorPixel?.origin == .instrument && calibration.pixelAngle == Pair(0.001, 0.001))
    #expect(calibration.scanStep == Sourced(Pair(0.2, 0.2), .instrument))
    #expect(calibration.transpose == Sourced(true, .instrument) && calibration.countsPerElectron?.value == 2)
    #expect(calibration.ellipse?.value.ratio == 1.02)
    let other = try Jobs.Plan.make(
      JobFile.parse(job + "{instrument: \(folder.path("scope.yml")), camera_length: 200 mm}", name: "job.yml"),
      in: environment())
    #expect(other.context.calibration.energy?.value == 80e3 && other.context.calibration.scanStep == nil)
    // The resolved job needs no instrument's file.
    #expect(!plan.resolvedJob.contains("scope"))
    #expect(try JobsPlan(plan.resolvedJob).context.calibration.pixelAngle == Pair(0.001, 0.001))
    #expect(
      plan.parameters.contains(
        ResolvedParameter(path: "calibration.camera_length", value: "10 cm", origin: .job)))
    #expect(plan.parameters.contains { $0.path == "calibration.energy" && $0.origin == .instrument })
  }

  @Test("an instrument tells of the detector as it is: corrections change its values as they do the file's")
  func corrected() throws {
    let calibration = try plan(
      job + "{instrument: scope, camera_length: 10 cm, magnification: 2000000}\n"
        + "detector: {bin: 2, flip_y: true}\nscan: {bin: 2}", in: environment()
    ).context.calibration
    #expect(calibration.pixelAngle == Pair(0.002, 0.002) && calibration.detectorPixel?.origin == .instrument)
    #expect(calibration.scanStep == Sourced(Pair(0.4, 0.4), .instrument))
    // A mirrored detector is one transposition less.
    #expect(calibration.transpose == Sourced(false, .instrument))
  }

  private func JobsPlan(_ text: String) throws -> Plan {
    try Plan.make(JobFile.parse(text, name: "resolved"), in: world())
  }

  @Test("the job's values come first, then the file's, then the instrument's")
  func precedence() throws {
    let plan = try plan(
      job.replacing("bare.h5", with: "scan.h5")
        + "{instrument: scope, camera_length: 100 mm, energy: 300 keV}", in: environment())
    let calibration = plan.context.calibration
    #expect(calibration.energy == Sourced(300e3, .job))
    #expect(calibration.detectorPixel?.origin == .file && calibration.pixelAngle == Pair(0.004, 0.004))
    #expect(calibration.scanRotation?.origin == .instrument)
  }

  @Test("unknown instruments and settings are named with what there is")
  func unknown() throws {
    func text(_ calibration: String) -> String { failure(job + calibration, in: environment()).text }
    #expect(
      text("{instrument: scop}").contains(
        "calibration.instrument: 'scop' is not known; did you mean 'scope'? known: scope"))
    #expect(text("{instrument: ./no.yml}").contains("calibration.instrument: there is no file ./no.yml"))
    #expect(
      text("{instrument: scope, camera_length: 150 mm}")
        .contains("calibration.camera_length: 150 mm is not in \(folder.path("scope.yml")); known: 100 mm, 0.2 m"))
    #expect(text("{instrument: scope, magnification: 3}").contains("known: 1000000, 2e6"))
    #expect(text("{camera_length: 150 mm}").contains("given without calibration.instrument"))
    #expect(text("{camera_length: 150 mrad}").contains("a number with one of the units mm, cm, m"))
    let silent = try plan(job + "{instrument: scope}", in: environment())
    #expect(silent.warnings.contains { $0.contains("give calibration.camera_length, one of 100 mm, 0.2 m") })
    let top = failure(job + "{}\ncamera_length: 100 mm").text
    #expect(top.contains("the key belongs to calibration"))
  }

  @Test("what is wrong in an instrument's file is placed there")
  func bad() throws {
    let path = try folder.write(
      "calibration:\n  enrgy: 200 keV\n  center: [1, 2]\ncamera_length:\n  1 m: {detector_pixel: 0 mrad}\n",
      to: "bad.yml")
    let text = failure(job + "{instrument: bad, camera_length: 1 m}", in: environment()).text
    #expect(text.contains("\(path):2: calibration.enrgy: unknown key; did you mean 'energy'?"), "\(text)")
    #expect(text.contains("\(path):5: camera_length.1 m.detector_pixel: 0 given"), "\(text)")
  }

  @Test("a center in an instrument's file is refused once")
  func center() throws {
    let path = try folder.write("calibration:\n  center: [1, 2]\n", to: "center.yml")
    let text = failure(job + "{instrument: center}", in: environment()).text
    #expect(text == "\(path):2: calibration.center: this is a matter of the job; remove it here")
  }

  @Test("the instruments that come with the program are good, with every entry")
  func shipped() throws {
    var environment = world()
    environment.instrumentFolders = [packageRoot.appendingPathComponent("config/instruments").path]
    for (name, length) in [
      ("generic_200kv", "100 mm"), ("generic_200kv", "200 mm"), ("generic_80kv_integrating", "40 mm"),
    ] {
      let plan = try plan(job + "{instrument: \(name), camera_length: \(length)}", in: environment)
      #expect(plan.context.calibration.detectorPixel?.origin == .instrument)
    }
  }
}
