import Analyses
import Jobs
import Reconstruction
import STEM
import Testing

/// An analysis as a job has it, on a scan of 4 × 5 positions and 24 × 27 pixels of 6 mrad.
struct Registered: Sendable, CustomTestStringConvertible {
  let name: String
  let analysis: any FrameAnalysis
  /// Of `.u16` pixels, with the arrays that the analysis asks for.
  let context: FrameContext

  func context(_ type: PixelType) -> FrameContext {
    var context = context
    (context.pixelType, context.saturation) = (type, type.largest)
    return context
  }

  var testDescription: String { name }

  /// Analyses that go on after the pass, as the examples of their declarations have them.
  static let reconstructions: [Registered] =
    reconstructionRegistry.compactMap { $0 as? any FrameAnalysis.Type }.map { registered($0, example($0)) }

  /// Every frame analysis of both registries: one line in a registry brings a new analysis into all tests over this list.
  static let all = perFrame + reconstructions

  /// Those of frames alone, as their examples have them, and some with more parameters than the examples have.
  static let perFrame: [Registered] =
    analysisRegistry.map { registered($0, example($0)) }
    + [
      """
      - angular_symmetry:
          rings: {first: {inner_radius: 4 px, outer_radius: 9 px}}
          azimuth: true
          maps: [2]
      """,
      "- virtual_detectors: {detectors: {bf: {preset: bf}, ramp: {shape: mask, path: ramp.npy}}}",
      "- center_of_mass: {mask: half.npy}", "- frame_statistics: {outputs: [std, peak]}", "- radial_profile: {}",
    ].map { job in
      registered(analysisRegistry.first { job.hasPrefix("- \(name($0)):") }!, job)
    }

  private static func name<Analysis: FrameAnalysis>(_: Analysis.Type) -> String { Analysis.declaration.name }
  private static func example<Analysis: FrameAnalysis>(_: Analysis.Type) -> String { Analysis.declaration.example }

  /// Files that an example names hold a value for every pixel or for every position, whichever the analysis takes.
  private static func registered(_ type: any FrameAnalysis.Type, _ job: String) -> Registered {
    var problems: [any Error] = []
    for shape in [Shape(24, 27), Shape(4, 5)] {
      do {
        let plan = try plan(type, job, arraysOf: shape)
        guard let analysis = plan.analyses[0].stage as? any FrameAnalysis else { break }
        return Registered(name: plan.analyses[0].name, analysis: analysis, context: try plan.frames(Facts()).context)
      } catch { problems.append(error) }
    }
    fatalError("the example of \(type) does not run on the scan of the tests: \(problems)")
  }

  private static func plan(_ type: any FrameAnalysis.Type, _ analyses: String, arraysOf shape: Shape) throws -> Plan {
    let environment = JobEnvironment(
      analyses: [type], formats: [.init(name: "raw", summary: "", suffixes: ["raw"])], openInput: { _ in Scan() },
      loadArray: { DenseArray(shape: [shape.y, shape.x], values: values($0, shape)) })
    let list = analyses.split(separator: "\n").map { "  \($0)\n" }.joined()
    let job = "input: {path: scan.raw}\noutput: {path: result.h5}\nanalyses:\n" + list
    return try Plan.make(try JobFile.parse(job, name: "example"), in: environment)
  }

  /// Labels 1 and 2 and values above 1000 for maps of the scan; halves or a ramp for masks.
  private static func values(_ path: String, _ shape: Shape) -> [Double] {
    (0..<shape.count).map { index in
      if path.hasPrefix("half") { return Double(index / 3 % 2) }
      if path.hasPrefix("ramp") { return Double(index) }
      return path.hasPrefix("labels") ? Double(1 + index % 2) : Double(500 * (index % 7))
    }
  }

  /// A scan that knows everything; its frames are made by the tests.
  private struct Scan: FrameSource {
    var description: SourceDescription {
      var description = SourceDescription(
        format: "raw", path: "scan.raw", scanShape: Shape(4, 5), frameCount: 20, detectorShape: Shape(24, 27),
        pixelType: .u16)
      let pixel = Quantity(6, .milliradian)
      description.calibration.energy = Sourced(200e3, .file)
      description.calibration.detectorPixel = Sourced(Pair(pixel, pixel), .file)
      description.calibration.semiangle = Sourced(0.02, .file)
      description.calibration.center = Sourced(Pair(11.6, 13.2), .file)
      description.calibration.scanStep = Sourced(Pair(0.5, 0.5), .file)
      description.calibration.countsPerElectron = Sourced(2, .file)
      return description
    }

    func makeReader() throws -> any FrameReader { throw Problem(.internalError, "the tests make their own frames") }
  }
}
