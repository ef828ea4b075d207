import Jobs
import STEM

/// A source that describes itself and cannot be read.
struct FakeSource: FrameSource {
  var description: SourceDescription
  func makeReader() throws -> any FrameReader { throw Problem(.internalError, "no frames in this test") }
}

/// The analysis of the messages in the design: one parameter, a center, a check against the detector.
struct TestCenterOfMass: FrameAnalysis {
  var outerRadius: Quantity?

  init() {}

  static let declaration = Declaration<Self>(
    "center_of_mass", "Mean beam deflection.", source: "Test, eq. 1", revision: 3,
    parameters: [
      .init("outer_radius", \.outerRadius, .quantity([.pixel, .milliradian, .inverseAngstrom]), "Largest distance.")
    ],
    outputs: [.init("deflection_y", .map, quantity: "Displacement", unit: "px", signed: true, "Mean y.")],
    example: "- center_of_mass: {}\n")

  var needs: Set<Fact> { [.center] }

  func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    if let outerRadius {
      do {
        let radius = try context.pixels(outerRadius)
        guard radius <= Double(context.detector.x) else {
          throw Problem(.badConfiguration, "\(outerRadius) lies outside the detector; use less")
        }
      } catch let problem as Problem {
        throw problem.inside("outer_radius")
      }
    }
    return Self.declaration.outputs
  }

  func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel {
    throw Problem(.internalError, "no kernel")
  }
}

/// Detectors with names of the user's choice, one of them a mask from a file.
struct TestDetectors: FrameAnalysis {
  struct Detector: ParameterType {
    var settings: [(key: String, value: Setting)] = []
    init(_ setting: Setting, form: ParameterForm) throws {
      guard case .map(let items) = setting, case .object(let fields) = form else {
        throw Problem(.badConfiguration, "'\(setting.text)' given; a detector is a map")
      }
      for item in items {
        guard fields.contains(where: { $0.name == item.key }) else {
          throw unknownKey(item.key, allowed: fields.map(\.name))
        }
      }
      settings = items
    }
    var setting: Setting { .map(settings) }
    var path: String? { settings.first { $0.key == "path" }?.value.text }
    var radius: Quantity? { settings.first { $0.key == "radius" }.flatMap { Quantity($0.value.text) } }
  }

  struct Detectors: ParameterType {
    var list: [(name: String, detector: Detector)] = []
    init() {}
    init(_ setting: Setting, form: ParameterForm) throws {
      guard case .map(let items) = setting, case .named(let part) = form else {
        throw Problem(.badConfiguration, "'\(setting.text)' given; a map of detectors is allowed")
      }
      for item in items {
        do {
          list.append((item.key, try Detector(item.value, form: part)))
        } catch let problem as Problem {
          throw problem.inside(item.key)
        }
      }
    }
    var setting: Setting { .map(list.map { ($0.name, $0.detector.setting) }) }
  }

  var detectors = Detectors()

  init() {}

  static let declaration = Declaration<Self>(
    "virtual_detectors", "Sums over detectors.", source: "Test, eq. 2",
    parameters: [
      .init(
        "detectors", \.detectors,
        .named(
          .object([
            .init("preset", .choice(["bf", "adf"]), "From the semiangle."),
            .init("radius", .quantity([.pixel, .milliradian]), "Radius of a disk."),
            .init("path", .file, "A mask."),
          ])), required: true, "The detectors.")
    ],
    outputs: [.init("bf", .map, quantity: "Intensity", unit: "counts", "Bright field.")],
    example: "- virtual_detectors: {detectors: {bf: {preset: bf}}}\n")

  var needs: Set<Fact> {
    detectors.list.contains { $0.detector.settings.contains { $0.key == "preset" } }
      ? [.center, .disk] : [.center]
  }
  var files: [String] { detectors.list.compactMap(\.detector.path) }

  func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    try detectors.list.map { name, detector in
      do {
        if let radius = detector.radius { _ = try context.pixels(radius) }
        if let path = detector.path, let mask = context.arrays[path],
          mask.shape != [context.detector.y, context.detector.x]
        {
          throw Problem(.badConfiguration, at: "path", "the mask has the shape \(mask.shape)")
        }
      } catch let problem as Problem {
        throw problem.inside("detectors.\(name)")
      }
      return OutputDescription(name, .map, quantity: "Intensity", unit: "counts", "Sum.")
    }
  }

  func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel {
    throw Problem(.internalError, "no kernel")
  }
}

/// Files that exist in these tests: `scan.h5` knows everything, `frames.raw` only its 48 frames.
func world(
  arrays: [String: DenseArray] = [:], _ change: @escaping @Sendable (inout SourceDescription) -> Void = { _ in }
) -> JobEnvironment {
  JobEnvironment(
    analyses: [TestDetectors.self, TestCenterOfMass.self],
    formats: [.init(name: "h5usid", summary: "h5USID main datasets", suffixes: ["h5"])],
    openInput: { request in
      var description = SourceDescription(
        format: "h5usid", path: request.path, dataset: "/Measurement_000/Channel_000/Raw_Data", scanShape: Pair(6, 8),
        frameCount: 48, detectorShape: Pair(16, 32), pixelType: .u16)
      switch request.path {
      case "scan.h5": description.calibration = fullCalibration()
      case "bare.h5": break
      case "frames.raw": description.scanShape = nil
      default: throw Problem(.noInput, at: request.path, "there is no such file")
      }
      if let wanted = request.scanShape {
        guard wanted.count == 48 else { throw Problem(.badData, at: "input.scan_shape", "48 frames") }
        description.scanShape = wanted
      }
      change(&description)
      return FakeSource(description: description)
    },
    loadArray: { path in
      guard let array = arrays[path] else { throw Problem(.noInput, at: path, "there is no such file") }
      return array
    })
}

func fullCalibration() -> Calibration {
  var calibration = Calibration()
  calibration.energy = Sourced(200_000, .file)
  calibration.semiangle = Sourced(0.02, .file)
  calibration.detectorPixel = Sourced(Pair(Quantity(0.004, .radian), Quantity(0.004, .radian)), .file)
  calibration.scanStep = Sourced(Pair(0.1, 0.1), .file)
  calibration.center = Sourced(Pair(7.5, 15.25), .file)
  return calibration
}

/// A job that works, as lines: 1 input, 2 output, 3 and 4 analyses.
let goodJob = """
  input: {path: scan.h5}
  output: {path: result.h5}
  analyses:
    - center_of_mass: {}
  """

func plan(
  _ yaml: String, _ overrides: [Override] = [], in environment: JobEnvironment = world()
) throws -> Plan {
  try Plan.make(try JobFile.parse(yaml, name: "job.yml", overrides: overrides), in: environment)
}

/// The problems of a job, one for each line of text, and the exit code; empty when there are none.
func failure(
  _ yaml: String, _ overrides: [Override] = [], in environment: JobEnvironment = world()
) -> (text: String, code: ExitCode) {
  do {
    _ = try plan(yaml, overrides, in: environment)
    return ("", .done)
  } catch let problems as Problems {
    return (problems.description, problems.exitCode)
  } catch {
    return ("\(error)", .internalError)
  }
}

extension Plan {
  /// Once these facts are found.
  func measured(
    deadPixels: [Int]? = nil, center: Pair<Double>? = nil, diskRadius: Double? = nil, ellipse: Ellipse? = nil
  ) throws -> PlannedFrames {
    var facts = Facts()
    (facts.deadPixels, facts.center, facts.diskRadius, facts.ellipse) = (deadPixels, center, diskRadius, ellipse)
    return try frames(facts)
  }
}
