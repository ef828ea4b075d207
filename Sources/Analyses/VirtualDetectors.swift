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

  public func makeKernel(_ context: FrameContext) throws -> any FrameKernel {
    let places = try placed(context), names = detectors.list.map(\.name)
    return places.contains { $0.moving != nil }
      ? FollowingDetectorKernel(names, places, context) : DetectorKernel(names, places.map(\.weights), context)
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
  let rows: [Rows]
  let accumulators: [any Accumulator] = []
  private let sums: MaskSums

  init(_ names: [String], _ masks: [PixelWeights], _ context: FrameContext) {
    rows = names.map { Rows($0) }
    sums = MaskSums(masks, shape: context.detector, type: context.pixelType)
  }

  var workBytes: Int { sums.workBytes }

  func add(_ group: FrameGroup, firstRow: Int) {
    sums.add(group, firstRow: firstRow) { rows[$0].set($1, $2) }
  }

  func flush() {
    sums.flush { rows[$0].set($1, $2) }
  }
}

/// Detectors of which some move with the origin; those with a center of their own and masks from files stay.
private final class FollowingDetectorKernel: FrameKernel {
  let rows: [Rows]
  let accumulators: [any Accumulator] = []
  private let still: MaskSums?
  private let moving: FollowingSums
  /// Of each still and each moving detector, its place in `rows`.
  private let stillRows: [Int]
  private let movingRows: [Int]
  private var center: Pair<Double>

  init(_ names: [String], _ places: [PlacedDetector], _ context: FrameContext) {
    rows = names.map { Rows($0) }
    center = context.center
    stillRows = places.indices.filter { places[$0].moving == nil }
    movingRows = places.indices.filter { places[$0].moving != nil }
    let masks = stillRows.map { places[$0].weights }
    still = masks.isEmpty ? nil : MaskSums(masks, shape: context.detector, type: context.pixelType)
    moving = FollowingSums(
      movingRows.compactMap { places[$0].moving },
      kept: PixelSelection.alive(context.detector, dead: context.deadPixels), type: context.pixelType)
  }

  var workBytes: Int { still?.workBytes ?? 0 }

  func follow(_ center: Pair<Double>) { self.center = center }

  func add(_ frame: UnsafeRawPointer, row: Int) {
    moving.sum(frame, around: center) { rows[movingRows[$0]].set(row, $1) }
    still?.add(frame, row: row) { rows[stillRows[$0]].set($1, $2) }
  }

  func flush() {
    still?.flush { rows[stillRows[$0]].set($1, $2) }
  }
}
