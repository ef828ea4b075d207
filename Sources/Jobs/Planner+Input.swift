import Foundation
import Preprocessing
import STEM

extension Planner {
  mutating func openInput(_ sections: DecodedSections) -> (any FrameSource)? {
    guard let request = sections.input.request else { return nil }
    if let output = sections.output.path, sameFile(output, request.path) {
      problems.append(
        Problem(
          .badConfiguration, at: "output.path",
          "'\(output)' is the input; the input is never modified; name another file"))
    }
    do {
      let source = try environment.openInput(request)
      if let wanted = request.scanShape, let stored = withoutScanShape(request)?.scanShape, stored != wanted {
        warnings.append("input.scan_shape: the file says \(stored.text), the job \(wanted.text); the job's is used")
      }
      return source
    } catch {
      let found = STEM.problems(of: error)
      if let wanted = request.scanShape, found.contains(where: { $0.place == "input.scan_shape" }),
        let stored = withoutScanShape(request), stored.frameCount != wanted.count
      {
        problems.append(mismatch(wanted, stored))
      } else {
        // With a bad key in the section, only that the file is missing is certain.
        problems += found.filter { $0.code == .noInput || !inputIsDoubtful }
      }
      return nil
    }
  }

  /// What the file says itself; nil where it says too little to be opened so.
  private func withoutScanShape(_ request: InputRequest) -> SourceDescription? {
    var bare = request
    bare.scanShape = nil
    return try? environment.openInput(bare).description
  }

  private var inputIsDoubtful: Bool { problems.contains { lies($0.place, inside: "input") } }

  private func mismatch(_ wanted: Shape, _ description: SourceDescription) -> Problem {
    Problem(
      .badData, at: "input.scan_shape",
      "\(wanted.text) = \(wanted.count) positions given, but \(description.path) holds \(description.frameCount) frames"
        + (description.scanShape.map { " (\($0.text))" } ?? "") + "; the product must be \(description.frameCount)"
        + suggestions(description))
  }

  mutating func scanShape(_ input: InputSection, _ description: SourceDescription) -> (Shape, isKnown: Bool) {
    if description.frameCount < 1 { problems.append(Problem(.badData, at: description.path, "holds no frame")) }
    let shape = description.scanShape ?? input.scanShape
    if let shape, shape.count == description.frameCount { return (shape, true) }
    if let shape {
      problems.append(mismatch(shape, description))
    } else if !inputIsDoubtful {
      problems.append(
        Problem(
          .badConfiguration, at: "input.scan_shape",
          "missing; \(description.path) holds \(description.frameCount) frames and does not say how they lie on the scan; "
            + "give [y, x], also --scan-shape y,x" + suggestions(description)))
    }
    return (Pair(1, max(1, description.frameCount)), false)
  }

  /// The three shapes nearest to a square that multiply out.
  private func suggestions(_ description: SourceDescription) -> String {
    let frames = description.frameCount
    guard frames > 3, frames < 1 << 40 else { return "" }
    var y = Int(Double(frames).squareRoot())
    var shapes: [String] = []
    while y > 1, shapes.count < 3 {
      if frames.isMultiple(of: y) { shapes.append("[\(y), \(frames / y)]") }
      y -= 1
    }
    return shapes.isEmpty ? "" : "; \(shapes.joined(separator: ", ")) multiply out"
  }

  private func sameFile(_ a: String, _ b: String) -> Bool {
    func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().standardized.path }
    return resolved(a) == resolved(b)
  }

  /// What the input file and the instrument know is about frames as they are in the file; the job means corrected ones.
  mutating func calibration(
    _ section: CalibrationSection, _ description: SourceDescription, _ corrected: CorrectedScan?
  ) -> Calibration {
    var file = description.calibration
    warnings += file.dropImpossible(on: description.detectorShape).map { "\(description.path): \($0)" }
    let raw = file.completed(by: instrument(section, file))
    let known = corrected?.calibration(raw) ?? raw
    let resolved = section.resolved(
      over: known, on: (corrected?.source.description ?? description).detectorShape,
      origin: job.origin(of:), problems: &problems)
    warnings += CalibrationContradictions(resolved, over: known).sentences
    if let pixel = resolved.detectorPixel?.value, abs(pixel.y.base - pixel.x.base) > 0.01 * pixel.y.base {
      warnings.append("the detector's pixels are not square: radii in mrad and Å⁻¹ use the mean of both sizes")
    }
    return resolved
  }
}
