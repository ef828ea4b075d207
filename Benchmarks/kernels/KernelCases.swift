import Analyses
import STEM

/// The analyses of the end-to-end cases, on a detector of `width` × `width` pixels around its middle.
struct KernelCases {
  let width: Int
  let type: PixelType

  static let masks = 32
  static let bins = 128

  var context: FrameContext {
    var calibration = Calibration()
    let middle = Double(width - 1) / 2
    calibration.center = Sourced(Pair(middle, middle), .job)
    var context = FrameContext(
      scan: Shape(1, 1), detector: Shape(width, width), pixelType: type, calibration: calibration)
    var random = SystemRandomNumberGenerator()
    for index in 0..<Self.masks {
      let weights = (0..<width * width).map { _ in Double(Float.random(in: 0..<1, using: &random)) }
      context.arrays["mask\(index)"] = DenseArray(shape: [width, width], values: weights)
    }
    return context
  }

  private func annulus(_ name: String, _ inner: Double, _ outer: Double) -> (name: String, value: Detector) {
    let scale = Double(width)
    return (name, Detector(.annulus(inner: Quantity(inner * scale, .pixel), outer: Quantity(outer * scale, .pixel))))
  }

  private func detectors(_ list: [(name: String, value: Detector)]) -> VirtualDetectors {
    var analysis = VirtualDetectors()
    analysis.detectors = Named(list)
    return analysis
  }

  /// Name and analyses of each case.
  var all: [(name: String, analyses: [any FrameAnalysis])] {
    var profile = RadialProfile()
    profile.bins = Self.bins
    var sums = FrameStatistics()
    sums.wanted = [.sum, .mean, .max]
    let dense = (0..<Self.masks).map { (name: "m\($0)", value: Detector(.mask(path: "mask\($0)"))) }
    let one = detectors([annulus("haadf", 0.3, 0.5)])
    let four = detectors([
      annulus("bf", 0, 0.07), annulus("abf", 0.07, 0.14), annulus("adf", 0.16, 0.3), annulus("haadf", 0.3, 0.5),
    ])
    return [
      ("one annular mask", [one]), ("four detectors", [four]), ("center of mass", [CenterOfMass()]),
      ("sum, mean and max", [sums]), ("frame statistics", [FrameStatistics()]), ("radial profile", [profile]),
      ("all of these", [one, four, CenterOfMass(), FrameStatistics(), profile]), ("32 dense masks", [detectors(dense)]),
    ]
  }
}
