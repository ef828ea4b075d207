import Foundation
import STEM

/// From the gradient of a map to the map.
struct PhaseIntegration: Sendable {
  enum Method: String, ChoiceParameter { case spectral, iterative }

  var method = Method.spectral
  var boundary = Boundary.mirror
  /// Half-level frequencies of the Butterworth filters of the result [Å⁻¹]; nil: no filter.
  var lowpass: Double?
  var highpass: Double?
  var order = 2
  /// Weight of the curvature, in units of the squared distance of positions (geometric mean).
  var regularization = 0.0
  var iterations = 200
  var tolerance = 1e-3

  struct Outcome {
    /// Without its mean over the known positions; NaN where the gradient is missing.
    var map: [Double]
    var method: Method
    var iterations: Int
    /// Of `LeastSquares`; empty for the spectral method.
    var residuals: [Double]
    var hasConverged: Bool
  }

  /// The smallest rectangle of positions that holds all known ones is integrated as a scan of its own. Missing positions
  /// inside it are left to `LeastSquares`, whatever the method.
  /// - Parameters:
  ///   - gradient: NaN where missing; its mean over the known positions is taken off
  ///   - step: distance of positions [Å]
  func integrate(_ gradient: VectorMap, step: Pair<Double>, _ control: any SolverControl) throws -> Outcome {
    let window = Window(gradient)
    let known = window.isKnown
    guard known.contains(true) else {
      return Outcome(
        map: gradient.y.map { _ in .nan }, method: method, iterations: 0, residuals: [], hasConverged: true)
    }
    var field = Self.centered(window.field, known)
    let space = makeSpace(boundary, field.shape, step: step)
    let edges = boundary == .mirror ? EdgeCompensation(field, step: step) : nil
    if let edges { field = Self.difference(field, edges.gradient) }
    let smoothing = regularization * step.y * step.x
    var outcome = Outcome(map: [], method: .spectral, iterations: 0, residuals: [], hasConverged: true)
    var spectrum: [Double]
    if method == .spectral, !known.contains(false) {
      spectrum = LeastSquares.direct(field, in: space, smoothing: smoothing)
    } else {
      let solver = LeastSquares(
        space: space, isKnown: known, smoothing: smoothing, iterations: iterations, tolerance: tolerance)
      let found = try solver.solve(field, control)
      spectrum = found.spectrum
      outcome = Outcome(
        map: [], method: .iterative, iterations: found.iterations, residuals: found.residuals,
        hasConverged: found.hasConverged)
    }
    var map: [Double] = []
    space.synthesize(spectrum, into: &map)
    if let edges { map = zip(map, edges.map).map { $0 + $1 } }
    outcome.map = window.placed(Self.centered(filtered(map, space), known))
    return outcome
  }

  /// Butterworth filters; the mean passes.
  private func filtered(_ map: [Double], _ space: any GradientSpace) -> [Double] {
    guard lowpass != nil || highpass != nil else { return map }
    var spectrum: [Double] = [], result = map
    space.analyze(map, into: &spectrum)
    let frequencies = space.frequencies
    for index in spectrum.indices { spectrum[index] *= filter(frequencies[index]) }
    space.synthesize(spectrum, into: &result)
    return result
  }

  /// Transmission at a squared frequency [Å⁻²].
  func filter(_ square: Double) -> Double {
    guard square > 0 else { return 1 }
    let power = { (edge: Double) in pow(square / (edge * edge), Double(order)) }
    return (lowpass.map { 1 / (1 + power($0)) } ?? 1) * (highpass.map { 1 - 1 / (1 + power($0)) } ?? 1)
  }

  private static func difference(_ a: VectorMap, _ b: VectorMap) -> VectorMap {
    VectorMap(a.shape, y: zip(a.y, b.y).map { $0 - $1 }, x: zip(a.x, b.x).map { $0 - $1 })
  }

  private static func centered(_ field: VectorMap, _ known: [Bool]) -> VectorMap {
    VectorMap(field.shape, y: centered(field.y, known), x: centered(field.x, known))
  }

  /// Without its mean over the known places; NaN elsewhere.
  private static func centered(_ values: [Double], _ known: [Bool]) -> [Double] {
    var (sum, count) = (0.0, 0.0)
    for (value, isKnown) in zip(values, known) where isKnown {
      sum += value
      count += 1
    }
    return zip(values, known).map { $1 ? $0 - sum / count : .nan }
  }
}

/// The part of a scan that holds all known positions.
private struct Window {
  let scan: Shape
  let rows: Range<Int>
  let columns: Range<Int>
  let field: VectorMap

  init(_ gradient: VectorMap) {
    scan = gradient.shape
    let known = gradient.isKnown.enumerated().filter(\.element).map(\.offset)
    let width = scan.x
    let rows = (known.map { $0 / width }.min() ?? 0)..<(known.map { $0 / width }.max() ?? -1) + 1
    let columns = (known.map { $0 % width }.min() ?? 0)..<(known.map { $0 % width }.max() ?? -1) + 1
    (self.rows, self.columns) = (rows, columns)
    let cut = { (map: [Double]) in rows.flatMap { row in columns.map { map[row * width + $0] } } }
    field = VectorMap(Shape(rows.count, columns.count), y: cut(gradient.y), x: cut(gradient.x))
  }

  var isKnown: [Bool] { field.isKnown }

  /// A map of the window on the scan, NaN around it.
  func placed(_ map: [Double]) -> [Double] {
    var result = Array(repeating: Double.nan, count: scan.count)
    for (index, value) in map.enumerated() {
      result[(rows.lowerBound + index / columns.count) * scan.x + columns.lowerBound + index % columns.count] = value
    }
    return result
  }
}
