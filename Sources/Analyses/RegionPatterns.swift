import Kernels
import STEM

/// Mean diffraction patterns over regions of the scan.
public struct RegionPatterns: FrameAnalysis {
  public var regions = Named<Region>()

  public init() {}

  public static let declaration = Declaration<Self>(
    "region_patterns", "Position-averaged patterns (PACBED) over regions from a mask or from thresholds of a map.",
    source: "LeBeau, Findlay, Allen & Stemmer, Ultramicroscopy 110 (2010) 118",
    parameters: [
      .init(
        "regions", \.regions, .named(.object(Region.fields)), required: true,
        "Regions by name; each has outputs of that name. They may overlap.")
    ],
    outputs: patterns("NAME", unit: "counts") + [positions(nil), map],
    example: """
      - region_patterns:
          regions:
            particle: {mask: labels.npy, label: 1}
            vacuum: {map: "result.h5:/Measurement_000/Channel_000/Raw_Data-Virtual_Detectors_000/bf", above: 1000}
      """)

  private static func patterns(_ region: String, unit: String) -> [OutputDescription] {
    [
      ("mean", "Mean over the positions of region \(region)."), ("sum", "Sum over the positions of region \(region)."),
      ("std", "Standard deviation over the positions of region \(region) (ddof 0)."),
    ].map { OutputDescription("\(region)_\($0.0)", .pattern, quantity: "Intensity", unit: unit, $0.1) }
  }

  private static func positions(_ axis: OutputAxis?) -> OutputDescription {
    OutputDescription(
      "positions", .profile, quantity: "Positions", unit: "", axis: axis,
      "Frames that went into each region, in the order of the job.")
  }

  private static let map = OutputDescription(
    "region", .map, quantity: "Region", unit: "",
    "The first region that a position belongs to, counted from 1 in the order of the job; 0 for none.")

  public var files: [String] { regions.list.map(\.value.file) }

  public func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    let unit = intensityUnit(context)
    let outputs = zip(regions.list, try members(context)).flatMap { item, members in
      let attributes: [(key: String, value: Setting)] = [
        ("region", .text(item.value.setting.text)), ("region_positions", .integer(members.count { $0 })),
      ]
      return Self.patterns(item.name, unit: unit).map { $0.with(attributes) }
    }
    let axis = OutputAxis("Region", unit: "", values: (1...regions.list.count).map(Double.init))
    let names = Setting.list(regions.list.map { .text($0.name) })
    let both = [Self.positions(axis), Self.map].map { $0.with([("regions", names)]) }
    try requireDistinct(outputs + both, at: "regions")
    return outputs + both
  }

  public func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel {
    try RegionKernel(regions.list.map(\.name), try members(context), context, outputs)
  }

  private func members(_ context: FrameContext) throws -> [[Bool]] {
    var problems: [Problem] = []
    var result: [[Bool]] = []
    for item in regions.list {
      problems += gather(at: "regions.\(item.name)") { result.append(try item.value.members(context)) }
    }
    try problems.throwIfAny()
    return result
  }
}

private final class RegionKernel: FrameKernel {
  let accumulators: [any Accumulator]
  private let members: [[Bool]]
  private let statistics: [PixelStatistics]
  private let dead: [Bool]?
  private let region: Rows
  private let positions: Whole
  /// Of each region.
  private let patterns: [(mean: Whole, sum: Whole, deviation: Whole)]
  private var start = 0

  init(_ names: [String], _ members: [[Bool]], _ context: FrameContext, _ outputs: OutputBinding) throws {
    self.members = members
    region = try outputs.rows("region")
    positions = try outputs.whole("positions")
    patterns = try names.map { name in
      (try outputs.whole("\(name)_mean"), try outputs.whole("\(name)_sum"), try outputs.whole("\(name)_std"))
    }
    statistics = names.map { _ in PixelStatistics(pixels: context.detector.count, type: context.pixelType) }
    accumulators = statistics.flatMap(\.accumulators)
    dead = context.deadPixels
  }

  var workBytes: Int { statistics.reduce(0) { $0 + $1.workBytes } }

  func begin(at start: Int) { self.start = start }

  func add(_ frame: Frame, row: Int) {
    var first = 0
    for index in members.indices where members[index][start + row] {
      statistics[index].add(frame)
      if first == 0 { first = index + 1 }
    }
    region.set(row, Double(first))
  }

  func flush() { for region in statistics { region.flush() } }

  func finish() {
    positions.set(statistics.map { Double($0.count) })
    for (places, region) in zip(patterns, statistics) {
      let found = region.patterns()
      places.mean.set(found.mean.without(dead))
      places.sum.set(found.sum.without(dead))
      places.deviation.set(found.deviation.without(dead))
    }
  }
}
