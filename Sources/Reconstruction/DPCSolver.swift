import Foundation
import Kernels
import STEM

/// What `dpc` computes once the deflection of every position is known: rotation, fields, phase.
struct DPCSolver {
  let analysis: DifferentialPhaseContrast
  let context: FrameContext
  private let pass: PassResults
  let units: DPCUnits
  private let gradient: ScanGradient
  var solution = Solution(values: [:])

  init(_ analysis: DifferentialPhaseContrast, _ context: FrameContext, _ pass: PassResults) {
    self.analysis = analysis
    self.context = context
    self.pass = pass
    units = DPCUnits(analysis, context)
    gradient = ScanGradient(context.scan, step: units.step)
  }

  mutating func solve(_ control: any SolverControl) throws -> Solution {
    let measured = try analysis.usesSegments ? segmentDeflections() : beamDeflections()
    guard measured.isKnown.contains(true) else {
      throw Problem(.badData, "no position has a deflection: all frames are empty, or hold no number")
    }
    let raw = measured.map { vector in
      let round = context.calibration.ellipse?.value.corrected(vector) ?? vector
      return Pair(round.y * units.scale.y, round.x * units.scale.x)
    }
    let plane = DescanPlane(raw, robust: analysis.descan == .plane)
    let detector = plane.removed(analysis.descan, from: raw)
    report(plane)
    let rotation = chooseRotation(RotationFit(detector, step: units.step, analysis.interpretation))
    let deflection = detector.map(rotation.scan)
    addDeflection(deflection)
    if units.hasField(analysis.interpretation) { addFields(deflection) }
    if units.hasPhase { try addPhase(deflection, control) }
    noteMissing()
    return solution
  }

  private mutating func set(_ name: String, _ map: VectorMap) {
    solution.values["\(name)_y"] = map.y
    solution.values["\(name)_x"] = map.x
  }

  mutating func number(_ key: String, _ value: Double) { solution.attributes.append((key, .number(value))) }
}

// MARK: - Deflection on the detector

extension DPCSolver {
  /// [px] from the center.
  private mutating func beamDeflections() throws -> VectorMap {
    warnOfCollection(try analysis.collected(context))
    return VectorMap(context.scan, y: pass.rows["com_y"] ?? [], x: pass.rows["com_x"] ?? [])
  }

  /// Müller-Caspary et al., Ultramicroscopy 178 (2017) 62: a bias where scattered electrons miss the
  /// detector.
  private mutating func warnOfCollection(_ selection: PixelSelection) {
    let (center, shape) = (context.center, context.detector)
    let nearest = [
      center.y + 0.5, center.x + 0.5, Double(shape.y) - 0.5 - center.y, Double(shape.x) - 0.5 - center.x,
    ].min()!
    let given = analysis.outerRadius.flatMap { try? context.pixels($0) } ?? .infinity
    let radius = min(nearest, given)
    solution.attributes += lengthAttributes("collection_radius", radius, context)
    if let disk = context.diskRadius, radius < 3 * disk {
      solution.warnings.append(
        "collection ends at \(lengthText(radius, context)), below three times the semi-angle of "
          + "\(lengthText(disk, context)): deflections are biased, mostly too small")
    }
    guard let edge = pass.sums[BeamKernel.edgeSum]?.first, let whole = pass.sums[BeamKernel.wholeSum]?.first, whole > 0
    else { return }
    number("edge_intensity_fraction", edge / whole)
    if edge > 0.01 * whole {
      solution.warnings.append(
        "\(shortNumber((edge / whole * 1000).rounded() / 10)) % of the intensity lies in the outermost collected pixels: "
          + "what lies beyond is missing and deflections are biased")
    }
  }

  /// Of the segments' signals: px with a response, else arbitrary.
  private mutating func segmentDeflections() throws -> VectorMap {
    let selections = try analysis.segments?.place(context) ?? []
    let centroids = self.centroids(selections.count)
    let response = try makeResponse(selections, centroids)
    let signals = pass.rows["segments"] ?? [], count = selections.count
    var result = VectorMap(
      context.scan, y: Array(repeating: .nan, count: context.scan.count),
      x: Array(repeating: .nan, count: context.scan.count))
    for position in 0..<context.scan.count {
      var (sum, y, x) = (0.0, 0.0, 0.0)
      for segment in 0..<count {
        let signal = signals[position * count + segment]
        sum += signal
        guard centroids[segment].y.isFinite else { continue }
        y += signal * centroids[segment].y
        x += signal * centroids[segment].x
      }
      guard sum != 0, sum.isFinite else { continue }
      var vector = Pair(y / sum, x / sum)
      if let response { vector = response.deflection(vector) }
      if let originY = pass.rows["origin_y"]?[position], let originX = pass.rows["origin_x"]?[position] {
        vector = Pair(vector.y - (originY - context.center.y), vector.x - (originX - context.center.x))
      }
      (result.y[position], result.x[position]) = (vector.y, vector.x)
    }
    set("com", result)
    return result
  }

  /// Of the mean pattern in every segment, from the center [px]; NaN for a segment without intensity.
  private mutating func centroids(_ count: Int) -> [Pair<Double>] {
    let sums = pass.sums[SegmentKernel.sums] ?? [], y = pass.sums[SegmentKernel.momentsY] ?? []
    let x = pass.sums[SegmentKernel.momentsX] ?? []
    let centroids = (0..<count).map { segment in
      sums[segment] != 0
        ? Pair(y[segment] / sums[segment] - context.center.y, x[segment] / sums[segment] - context.center.x)
        : Pair(Double.nan, .nan)
    }
    solution.attributes.append(("segment_centroids_y_px", .list(centroids.map { .number($0.y) })))
    solution.attributes.append(("segment_centroids_x_px", .list(centroids.map { .number($0.x) })))
    return centroids
  }

  private mutating func makeResponse(
    _ selections: [PixelSelection], _ centroids: [Pair<Double>]
  ) throws -> SegmentResponse? {
    guard let signals = try analysis.responseSignals(selections, context) else { return nil }
    guard let response = SegmentResponse(signals, centroids: centroids) else {
      throw Problem(
        .badConfiguration, at: "segments",
        "the measured patterns change no signal along some direction; choose other radii or sectors")
    }
    solution.attributes.append(("response_matrix", .list(response.matrix.map { .number($0) })))
    return response
  }
}

// MARK: - Results

extension DPCSolver {
  private mutating func addDeflection(_ deflection: VectorMap) {
    set("deflection", deflection)
    solution.values["magnitude"] = zip(deflection.y, deflection.x).map { hypot($0, $1) }
    solution.values["angle"] = zip(deflection.y, deflection.x).map { atan2(-$0, $1) }
    solution.values["divergence"] = gradient.divergence(deflection)
    solution.values["curl"] = gradient.curl(deflection)
  }

  private mutating func addFields(_ deflection: VectorMap) {
    guard analysis.interpretation == .electric, let energy = units.energy else {
      // Å → nm
      let scale = units.thickness.map { 10 / $0 } ?? 1
      set(
        "induction",
        deflection.map {
          let induction = FieldFormulas.projectedInduction($0)
          return Pair(induction.y * scale, induction.x * scale)
        })
      return
    }
    let volts = FieldFormulas.projectedField(energy: energy)
    let projected = deflection.map { Pair($0.y * volts, $0.x * volts) }
    let scale = units.thickness.map { FieldFormulas.voltsPerMetre / $0 } ?? 1
    set("field", projected.map { Pair($0.y * scale, $0.x * scale) })
    if units.isStepKnown {
      solution.values["charge_density"] = gradient.divergence(projected).map { $0 * FieldFormulas.permittivity }
    }
  }

  private mutating func addPhase(_ deflection: VectorMap, _ control: any SolverControl) throws {
    var slope = deflection.map { Pair(2 * .pi * $0.y, 2 * .pi * $0.x) }
    if let path = analysis.solverMask {
      for (index, isUsed) in try analysis.scanMask(path, context).enumerated() where !isUsed {
        (slope.y[index], slope.x[index]) = (.nan, .nan)
      }
    }
    let integration = analysis.integration
    noteRegions(&slope)
    let result = try integration.integrate(slope, step: units.step, control)
    solution.values["phase"] = result.map
    solution.attributes.append(("phase_method", .text(result.method.rawValue)))
    guard result.method == .iterative else { return }
    if integration.method == .spectral {
      solution.notes.append("the phase comes from the iterative method: positions are missing inside of the scan")
    }
    solution.attributes.append(("solver_iterations", .integer(result.iterations)))
    if let last = result.residuals.last { number("solver_residual_rad_per_A", last) }
    solution.attributes.append(("solver_converged", .bool(result.hasConverged)))
    if !result.hasConverged {
      solution.warnings.append(
        "the phase has not converged after \(result.iterations) iterations; raise iterations or tolerance")
    }
  }

  /// Between regions without a neighbor in common, nothing says how much the phase differs.
  private mutating func noteRegions(_ slope: inout VectorMap) {
    let regions = ScanRegions(slope.shape, isKnown: slope.isKnown)
    guard regions.count > 1 else { return }
    for position in regions.single { (slope.y[position], slope.x[position]) = (.nan, .nan) }
    let count = regions.count - regions.single.count
    solution.attributes.append(("phase_regions", .integer(count)))
    solution.attributes.append(("phase_single_positions", .integer(regions.single.count)))
    if count > 1 {
      solution.warnings.append(
        "the phase consists of \(count) separate regions, whose offsets are not determined: compare phases inside one only"
      )
    }
    if !regions.single.isEmpty {
      solution.warnings.append(
        "\(regions.single.count) positions have no neighbor in y or x to which a phase could refer: their phase is missing"
      )
    }
  }

  private mutating func noteMissing() {
    if let missing = units.missingForField(analysis.interpretation) {
      solution.notes.append("no \(analysis.interpretation == .electric ? "field" : "induction"): \(missing)")
    }
    if !units.hasPhase, units.isReciprocal {
      solution.notes.append("no phase: the scan step is not known (calibration.scan_step)")
    } else if !units.hasPhase {
      solution.notes.append("no phase: deflections are not known in Å⁻¹")
    }
  }
}

extension DifferentialPhaseContrast {
  var integration: PhaseIntegration {
    var result = PhaseIntegration()
    (result.method, result.boundary) = (method, boundary)
    (result.lowpass, result.highpass, result.order) = (lowpass?.base, highpass?.base, order)
    (result.regularization, result.iterations, result.tolerance) = (regularization, iterations, tolerance)
    return result
  }
}
