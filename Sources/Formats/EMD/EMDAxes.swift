import HDF5
import STEM

/// Which axes of an EMD array are scan and detector.
struct EMDAxes: Sendable {
  var layout: HDF5FrameLayout
  /// (y, x); nil for a stack of frames.
  var scan: (y: HDF5Axis, x: HDF5Axis)?
  var detector: (y: HDF5Axis, x: HDF5Axis)
  var note: String?

  /// - Parameter fastestFirst: what the writer does where names say nothing: HyperSpy's EMD has the fast axis first.
  /// Throws `Problem` (`.badData`, place empty) for axes that are no scan of frames.
  init(_ axes: [HDF5Axis], shape: [Int], fastestFirst: Bool) throws {
    var axes = axes
    while axes.count > 4, let extra = axes.firstIndex(where: { $0.size == 1 }) { axes.remove(at: extra) }
    guard axes.count == 3 || axes.count == 4 else {
      throw Problem(
        .badData,
        "the array has the axes \(axes.map(\.text).joined(separator: ", ")); four (scan y, x and detector y, x) "
          + "or three (frame, detector y, x) longer than 1 can be read")
    }
    let (scan, detector) = try Self.split(axes, fastestFirst: fastestFirst)
    let frames = Shape(detector.y.size, detector.x.size)
    let pixels = HDF5FrameLayout.Axes.separate(y: detector.y.index, x: detector.x.index)
    self.detector = detector
    if scan.count == 2 {
      self.scan = (scan[0], scan[1])
      layout = HDF5FrameLayout(
        shape: shape, positions: .separate(y: scan[0].index, x: scan[1].index), pixels: pixels,
        grid: Shape(scan[0].size, scan[1].size), detector: frames)
    } else {
      layout = HDF5FrameLayout(
        shape: shape, positions: .joined(scan[0].index), pixels: pixels, grid: Shape(1, scan[0].size), detector: frames)
    }
    let order = scan + [detector.y, detector.x]
    if order.map(\.index) != order.map(\.index).sorted() {
      note = "axes reordered from \(axes.names) to \(order.names)"
    } else if axes.allSatisfy({ $0.role == nil }) {
      let positions = scan.count == 2 ? "scan y, scan x" : "frame"
      note = "the axes have no telling names: taken as \(positions), detector y, detector x"
    }
  }

  private static func split(
    _ axes: [HDF5Axis], fastestFirst: Bool
  ) throws -> (scan: [HDF5Axis], detector: (y: HDF5Axis, x: HDF5Axis)) {
    let positions = axes.count - 2
    var scan = axes.filter { $0.role == .scan }
    var detector = axes.filter { $0.role == .detector }
    if scan.count == positions, detector.count < 2 {
      detector = axes.filter { $0.role != .scan }
    } else if detector.count == 2, scan.count < positions {
      scan = axes.filter { $0.role != .detector }
    }
    guard scan.count == positions, detector.count == 2 else {
      guard scan.count < 2 + (positions == 2 ? 1 : 0), detector.count <= 2 else {
        throw Problem(
          .badData,
          "the axes \(axes.map(\.text).joined(separator: ", ")) are no scan of frames: needed are "
            + "\(positions == 2 ? "two scan axes" : "one frame axis") and two detector axes; to read the array in its "
            + "own order give input.format: hdf5 and input.dataset")
      }
      let ordered = fastestFirst ? axes.reversed() : axes
      return (Array(ordered.prefix(positions)), (ordered[positions], ordered[positions + 1]))
    }
    // Detector axes before scan axes: the fast axis was written first.
    let reversed = detector[0].index < scan[0].index
    let (y, x) = ordered(detector, reversed)
    guard positions == 2 else { return (scan, (y, x)) }
    let (scanY, scanX) = ordered(scan, reversed)
    return ([scanY, scanX], (y, x))
  }

  /// (y, x) of two axes: by their names, which in py4DSTEM's (Rx, Ry, Qx, Qy) only count the axes.
  private static func ordered(_ axes: [HDF5Axis], _ reversed: Bool) -> (HDF5Axis, HDF5Axis) {
    let counting = axes.allSatisfy { $0.countsAxes }
    if !counting, Set(axes.compactMap(\.direction)).count == 2 {
      let named = axes.byName
      return (named.y, named.x)
    }
    return reversed && !counting ? (axes[1], axes[0]) : (axes[0], axes[1])
  }
}

extension HDF5Axis {
  /// `Rx`, `R_x`, `Qy`: py4DSTEM's and Prismatic's names for the first and second axis, down and right in an image.
  var countsAxes: Bool {
    let key = name.lowercased().filter { $0 != "_" && $0 != " " }
    return key.count == 2 && (key.hasPrefix("r") || key.hasPrefix("q"))
  }
}
