import Kernels
import STEM

/// Any number of virtual detectors, each a map.
public struct VirtualDetectors: FrameAnalysis {
  public var detectors = Named<Detector>()

  public init() {}

  public static let declaration = Declaration<Self>(
    "virtual_detectors", "Sums over parts of the detector at every scan position.",
    source: "Cowley, Appl. Phys. Lett. 15:58 (1969); abf: Findlay et al., Appl. Phys. Lett. 95:191913 (2009)",
    parameters: [
      .init(
        "detectors", \.detectors, .named(.object(Detector.fields)), required: true,
        "Detectors by name; each becomes an output of that name.")
    ],
    outputs: [map("NAME", "Sum over the pixels of detector NAME, one map for each.", unit: "counts")],
    example: """
      - virtual_detectors:
          detectors:
            bf: {preset: bf}
            disk: {shape: disk, radius: 10 mrad}
            annulus: {shape: annulus, inner_radius: 30 mrad, outer_radius: 60 mrad}
      """)

  private static func map(_ name: String, _ summary: String, unit: String) -> OutputDescription {
    OutputDescription(name, .map, quantity: "Intensity", unit: unit, summary)
  }

  public var needs: Set<Fact> {
    var needed: Set<Fact> = []
    if detectors.list.contains(where: \.value.needsAxis) { needed.insert(.center) }
    if detectors.list.contains(where: \.value.isPreset) { needed.insert(.disk) }
    return needed
  }

  public var files: [String] { detectors.list.compactMap(\.value.file) }

  public func outputs(_ context: FrameContext) throws -> [OutputDescription] {
    zip(detectors.list, try placed(context)).map { item, place in
      Self.map(item.name, "Sum over the pixels of \(item.value.setting.text).", unit: intensityUnit(context))
        .with(place.attributes)
    }
  }

  public func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel {
    let places = try placed(context), maps = try detectors.list.map { try outputs.rows($0.name) }
    return places.contains { $0.moving != nil }
      ? FollowingDetectorKernel(maps, places, context) : DetectorKernel(maps, places.map(\.weights), context)
  }

  private func placed(_ context: FrameContext) throws -> [PlacedDetector] {
    var problems: [Problem] = []
    var result: [PlacedDetector] = []
    for item in detectors.list {
      problems += gather(at: "detectors.\(item.name)") { result.append(try item.value.place(context)) }
    }
    try problems.throwIfAny()
    return result
  }
}

private final class DetectorKernel: GroupKernel {
  private let maps: [Rows]
  let accumulators: [any Accumulator] = []
  private let sums: MaskSums

  init(_ maps: [Rows], _ masks: [PixelWeights], _ context: FrameContext) {
    self.maps = maps
    sums = MaskSums(masks, shape: context.detector, type: context.pixelType)
  }

  var workBytes: Int { sums.workBytes }

  func add(_ group: FrameGroup, firstRow: Int) {
    sums.add(group, firstRow: firstRow) { maps[$0].set($1, $2) }
  }

  func flush() {
    sums.flush { maps[$0].set($1, $2) }
  }
}

/// Detectors of which some move with the origin; those with a center of their own and masks from files stay.
private final class FollowingDetectorKernel: FrameKernel {
  let accumulators: [any Accumulator] = []
  private let still: MaskSums?
  private let moving: FollowingSums
  /// Of each still and each moving detector.
  private let stillMaps: [Rows]
  private let movingMaps: [Rows]
  private var center: Pair<Double>

  init(_ maps: [Rows], _ places: [PlacedDetector], _ context: FrameContext) {
    center = context.center
    let all = zip(maps, places)
    stillMaps = all.filter { $1.moving == nil }.map(\.0)
    movingMaps = all.filter { $1.moving != nil }.map(\.0)
    let masks = places.filter { $0.moving == nil }.map(\.weights)
    still = masks.isEmpty ? nil : MaskSums(masks, shape: context.detector, type: context.pixelType)
    moving = FollowingSums(
      places.compactMap(\.moving),
      kept: PixelSelection.alive(context.detector, dead: context.deadPixels), type: context.pixelType)
  }

  var workBytes: Int { still?.workBytes ?? 0 }

  func follow(_ center: Pair<Double>) { self.center = center }

  func add(_ frame: Frame, row: Int) {
    moving.sum(frame, around: center) { movingMaps[$0].set(row, $1) }
    still?.add(frame, row: row) { stillMaps[$0].set($1, $2) }
  }

  func flush() {
    still?.flush { stillMaps[$0].set($1, $2) }
  }
}
