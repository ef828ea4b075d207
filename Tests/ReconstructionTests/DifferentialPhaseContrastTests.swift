import Foundation
import STEM
import Simulation
import Testing

@testable import Reconstruction

@Suite("dpc on simulated scans")
struct DifferentialPhaseContrastTests {
  @Test(
    "phase and deflections are the truth, rotation and transpose are found",
    arguments: [
      (0.0, false, Pair(0.3, 0.3), Shape(30, 26)), (-71, true, Pair(0.2, 0.3), Shape(25, 32)),
      (133, false, Pair(0.28, 0.18), Shape(29, 31)),
    ])
  func accuracy(angle: Double, transpose: Bool, step: Pair<Double>, shape: Shape) throws {
    let scan = try SimulatedScan(.atoms) {
      ($0.scanRotation, $0.transpose, $0.scanStep, $0.scanShape) = (angle * .pi / 180, transpose, step, shape)
      $0.seed = 5
    }
    let found = try scan.solve { $0.rotation = .fit }
    #expect(abs(found.number("scan_rotation_deg") - angle) < 0.1)
    #expect(found.flag("transpose") == transpose && found.flag("ambiguous") == false)
    // Judged in the true frame: half a degree mixes the components.
    let exact = try scan.solve()
    #expect(abs(exact.number("scan_rotation_deg") - angle) < 1e-9)
    for (name, truth) in [
      ("phase", scan.truth.map(\.phase)), ("deflection_y", scan.truth.map(\.deflection.y)),
      ("deflection_x", scan.truth.map(\.deflection.x)),
    ] {
      let comparison = Comparison(exact.map(name), truth, shape)
      #expect(abs(comparison.slope - 1) < 0.005 && comparison.error < 0.005, "\(name)")
    }
    let phase = Comparison(found.map("phase"), scan.truth.map(\.phase), shape)
    #expect(abs(phase.slope - 1) < 0.005 && phase.error < 0.005)
  }

  @Test("a positive charge, sign by sign", arguments: [(0.0, false), (50, true), (-130, false)])
  func charge(angle: Double, transpose: Bool) throws {
    let shape = Shape(21, 25), middle = 10 * 25 + 12
    let scan = try SimulatedScan(.charge) {
      ($0.scanRotation, $0.transpose, $0.scanShape) = (angle * .pi / 180, transpose, shape)
    }
    for rotation in [DifferentialPhaseContrast.RotationSource.calibration, .fit] {
      let found = try scan.solve { $0.rotation = rotation }
      let (above, below, left, right) = (4 * 25 + 12, 16 * 25 + 12, 10 * 25 + 5, 10 * 25 + 19)
      let (y, x) = (found.map("deflection_y"), found.map("deflection_x"))
      // Towards the charge; y counts down.
      #expect(y[above] > 0.001 && y[below] < -0.001 && x[left] > 0.001 && x[right] < -0.001)
      let angles = found.map("angle")
      #expect(abs(angles[left]) < 0.05 && abs(abs(angles[right]) - .pi) < 0.05)
      #expect(abs(angles[above] + .pi / 2) < 0.05 && abs(angles[below] - .pi / 2) < 0.05)
      #expect(found.map("magnitude")[above] > 0.001)
      // The field points away.
      let (fieldY, fieldX) = (found.map("field_y"), found.map("field_x"))
      #expect(fieldY[above] < 0 && fieldY[below] > 0 && fieldX[left] < 0 && fieldX[right] > 0)
      let phase = found.map("phase"), density = found.map("charge_density"), divergence = found.map("divergence")
      #expect(phase.firstIndex(of: phase.max()!) == middle)
      #expect(density[middle] > 0 && density.firstIndex(of: density.max()!) == middle)
      #expect(divergence[middle] < 0 && divergence.firstIndex(of: divergence.min()!) == middle)
      #expect(abs(found.map("curl")[middle]) < 1e-3 * abs(divergence[middle]))
      #expect(found.number("skewness") < -0.5)
    }
  }

  @Test("the rotation of a vacuum scan is ambiguous and says so")
  func vacuum() throws {
    let scan = try SimulatedScan(.vacuum) { $0.scanShape = Shape(8, 8) }
    let found = try scan.solve { $0.rotation = .fit }
    #expect(found.flag("ambiguous") == true)
    #expect(found.solution.warnings.contains { $0.contains("ambiguous") })
  }

  @Test("a detector below three semi-angles is warned about; a large one is not")
  func collection() throws {
    let wide = try SimulatedScan(.atoms) { $0.scanShape = Shape(9, 9) }
    #expect(try wide.solve().solution.warnings.isEmpty)
    let tight = try wide.solve { $0.outerRadius = Quantity(21, .milliradian) }
    #expect(tight.solution.warnings.contains { $0.contains("below three times the semi-angle") })
    #expect(tight.solution.warnings.contains { $0.contains("in the outermost collected pixels") })
  }

  @Test("problems of mask and radius name their key")
  func places() throws {
    let scan = try SimulatedScan(.vacuum) { $0.scanShape = Shape(3, 3) }
    #expect(problems(scan) { $1.outerRadius = Quantity(400, .pixel) }.hasPrefix("outer_radius: 400 px lies outside"))
    let mask = problems(scan) { context, analysis in
      analysis.mask = "mask.npy"
      context.arrays["mask.npy"] = DenseArray(shape: [2, 2], values: [1, 1, 1, 1])
    }
    #expect(mask.hasPrefix("mask: mask.npy has the shape 2 × 2"))
  }

  @Test("arrays may have the shapes that results have")
  func resultShapes() throws {
    let scan = try SimulatedScan(.vacuum) { $0.scanShape = Shape(3, 4) }
    let rings = SegmentRings([
      .init(
        name: "q", inner: Quantity(0, .milliradian), outer: Quantity(40, .milliradian), sectors: 4,
        start: Quantity(0, .degree))
    ])
    func ones(_ grid: Shape, _ change: (inout DifferentialPhaseContrast) -> Void) {
      for shape in [[grid.y, grid.x], [grid.count], [grid.count, 1], [1, grid.count]] {
        let found = problems(scan) { context, analysis in
          change(&analysis)
          for file in analysis.files {
            context.arrays[file] = DenseArray(shape: shape, values: Array(repeating: 1, count: grid.count))
          }
        }
        #expect(found == "no problem", "\(shape)")
      }
    }
    ones(scan.context.detector) { $0.mask = "mean" }
    ones(scan.context.detector) {
      ($0.detector, $0.segments, $0.response, $0.vacuum) = (.segments, rings, .vacuumScan, "mean")
    }
    ones(scan.context.scan) { $0.solverMask = "total" }
  }

  @Test("what the ellipse and a fitted origin change says so")
  func attributes() throws {
    let scan = try SimulatedScan(.vacuum) { $0.scanShape = Shape(3, 4) }
    var context = scan.context
    context.calibration.ellipse = Sourced(Ellipse(ratio: 1.1, angle: .pi / 4), .job)
    context.followsOrigin = true
    for output in try DifferentialPhaseContrast().outputs(context) {
      // The deflection as measured is that of the distorted pattern.
      let isMeasured = ["com_y", "com_x"].contains(output.name)
      #expect(output.attributes.contains { $0.key == "ellipse_ratio" && $0.value == .number(1.1) } == !isMeasured)
      #expect(output.attributes.contains { $0.key == "follows_origin" && $0.value == .bool(true) } == isMeasured)
    }
  }

  @Test("a transpose that the data contradict is warned about; with it, only its own doubts remain")
  func wrongTranspose() throws {
    let scan = try SimulatedScan(.atoms) {
      ($0.scanRotation, $0.scanStep, $0.scanShape) = (.pi / 6, Pair(0.3, 0.3), Shape(24, 24))
      $0.seed = 5
    }
    func solve(_ transpose: Bool, _ law: Interpretation = .electric, angle: Double? = nil) throws -> Solved {
      var context = scan.context
      context.calibration.transpose = Sourced(transpose, .job)
      context.calibration.scanRotation = angle.map { Sourced($0, .job) }
      return try scan.solve({ $0.interpretation = law }, context)
    }
    let wrong = try solve(true)
    #expect(wrong.solution.warnings.contains { $0.contains("the given transpose, true, leaves") })
    #expect(wrong.flag("transpose") == true && wrong.flag("fitted_transpose") == false)
    let right = try solve(false)
    #expect(!right.solution.warnings.contains { $0.contains("transpose") } && right.flag("ambiguous") == false)
    let magnetic = try solve(false, .magnetic, angle: 1)
    #expect(magnetic.flag("ambiguous") == false && magnetic.number("scan_rotation_deg") > 57)
  }

  @Test("positions without neighbors have no phase, separate regions are counted")
  func islands() throws {
    let shape = Shape(12, 12)
    let scan = try SimulatedScan(.atoms) { ($0.scanShape, $0.seed) = (shape, 5) }
    func solve(_ isUsed: (Int, Int) -> Bool) throws -> Solved {
      var context = scan.context
      let values = (0..<shape.count).map { isUsed($0 / 12, $0 % 12) ? 1.0 : 0 }
      context.arrays["mask.npy"] = DenseArray(shape: [12, 12], values: values)
      return try scan.solve({ $0.solverMask = "mask.npy" }, context)
    }
    let board = try solve { ($0 + $1) % 2 == 0 }
    #expect(!board.map("phase").contains { $0.isFinite } && board.map("phase").count == 144)
    #expect(board.solution.warnings.contains { $0.contains("72 positions have no neighbor") })
    let two = try solve { y, x in x < 5 || x > 6 || (y == 6 && x == 6) }
    #expect(!two.solution.warnings.contains { $0.contains("no neighbor") })
    #expect(two.solution.warnings.contains { $0.contains("2 separate regions") })
    let dot = try solve { y, x in x < 5 || (y == 6 && x == 8) }
    #expect(!dot.solution.warnings.contains { $0.contains("separate regions") })
    #expect(dot.map("phase").filter(\.isFinite).count == 60)
    let whole = try solve { y, x in (y - 5) * (y - 5) + (x - 5) * (x - 5) > 9 }
    #expect(!whole.solution.warnings.contains { $0.contains("region") || $0.contains("neighbor") })
  }

  @Test("neighbors in y or x make a region; a corner does not")
  func regions() {
    let found = ScanRegions(
      Shape(3, 4), isKnown: "##.#/..#./##..".filter { $0 != "/" }.map { $0 == "#" })
    #expect(found.count == 4 && found.single == [3, 6])
    #expect(ScanRegions(Shape(1, 3), isKnown: [true, false, true]).single == [0, 2])
    #expect(ScanRegions(Shape(2, 2), isKnown: [false, false, false, false]).count == 0)
  }

  @Test("explain lists all that dpc may write")
  func declared() throws {
    let names = DifferentialPhaseContrast.declaration.outputs.map(\.name)
    #expect(
      Set(names).isSuperset(of: ["segments", "origin_y", "origin_x", "com_y", "field_y", "induction_y", "phase"]))
    #expect(Set(names).count == names.count)
  }

  @Test("outputs follow the calibration; what cannot be is refused with a reason")
  func outputs() throws {
    let scan = try SimulatedScan(.vacuum) { $0.scanShape = Shape(3, 3) }
    func names(_ change: (inout FrameContext, inout DifferentialPhaseContrast) -> Void) throws -> [String] {
      var context = scan.context, analysis = DifferentialPhaseContrast()
      change(&context, &analysis)
      return try analysis.outputs(context).map(\.name)
    }
    let all = try names { _, _ in }
    #expect(Set(all).isSuperset(of: ["com_y", "deflection_x", "field_y", "charge_density", "phase", "rotation_curve"]))
    let stepless = try names { context, _ in context.calibration.scanStep = nil }
    #expect(stepless.contains("field_y") && !stepless.contains("phase") && !stepless.contains("charge_density"))
    let angular = try names { context, _ in context.calibration.energy = nil }
    #expect(!angular.contains("field_y") && !angular.contains("phase") && angular.contains("deflection_y"))
    let magnetic = try names { _, analysis in analysis.interpretation = .magnetic }
    #expect(magnetic.contains("induction_y") && !magnetic.contains("field_y") && !magnetic.contains("charge_density"))

    #expect(
      problems(scan) { context, analysis in
        context.calibration.energy = nil
        analysis.thickness = Quantity(50, .angstrom)
      }.contains("thickness: given for a field, but the beam energy is not known"))
    #expect(
      problems(scan) { context, analysis in
        context.calibration.scanRotation = nil
        analysis.rotation = .calibration
      }.contains("rotation: calibration, but neither the job nor the file knows scan_rotation"))
    #expect(problems(scan) { $1.detector = .segments }.contains("segments: missing"))
    #expect(problems(scan) { $1.response = .disk }.contains("response: belongs to detector: segments"))
    let rings = SegmentRings([
      .init(name: "q", inner: Quantity(0, .pixel), outer: Quantity(9, .pixel), sectors: 4, start: Quantity(0, .degree))
    ])
    #expect(
      problems(scan) { _, analysis in
        (analysis.detector, analysis.segments, analysis.thickness) = (.segments, rings, Quantity(50, .angstrom))
      }.contains("segments without a response have no unit"))
    #expect(
      problems(scan) { context, analysis in
        (analysis.detector, analysis.segments) = (.segments, rings)
        context.followsOrigin = true
      }.contains("response: none cannot follow"))
  }

  @Test("a fitted origin is followed frame by frame")
  func follows() throws {
    let scan = try SimulatedScan(.charge) { $0.scanShape = Shape(4, 5) }
    var context = scan.context
    context.followsOrigin = true
    let bound = try BoundKernel(DifferentialPhaseContrast(), context), kernel = bound.kernel
    bound.outputs.prepare(rows: 20)
    let (y, x) = (bound.outputs.rows[0].rows, bound.outputs.rows[1].rows)
    for (index, frame) in scan.frames.enumerated() {
      kernel.follow(Pair(25 + Double(index) / 7, 27 - Double(index) / 3))
      frame.withUnsafeBytes { kernel.add(Frame(context.frameLayout, $0.baseAddress!), row: index) }
    }
    for index in 0..<20 {
      let expected = scan.truth[index].detectorDeflection
      #expect(abs(y.doubles(index)[0] - (expected.y - Double(index) / 7)) < 1e-3)
      #expect(abs(x.doubles(index)[0] - (expected.x + Double(index) / 3)) < 1e-3)
    }
  }
}
