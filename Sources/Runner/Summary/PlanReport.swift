import Calibrating
import Foundation
import Jobs
import STEM

/// What `check` reports about a plan: everything a run would do up to the first read.
public struct PlanReport {
  private let plan: Plan
  private let steps: [JobStep]
  private let memory: MemoryPlan

  /// Throws `Problems` with everything a run would refuse before it reads.
  public init(_ plan: Plan, existing: RunOptions.Existing) throws {
    self.plan = plan
    try OutputFile(path: plan.outputPath, existing: existing).check(input: plan.description.path)
    steps = try JobStep.all(plan, plan.frames(Facts()), plan.provisionalContext)
    memory = MemoryPlan(plan, passBytes: steps.map(\.memoryBytes).max() ?? 0, ranksOnNode: 1)
    try memory.check()
  }

  /// Why the output cannot be made there.
  public static func outputProblems(_ path: String, existing: RunOptions.Existing) -> [Problem] {
    do {
      try OutputFile(path: path, existing: existing).check(input: "")
      return []
    } catch {
      return problems(of: error)
    }
  }

  public var text: String {
    [
      section("input", inputLines), section("corrections", plan.corrections), section("calibration", calibrationLines),
      section("passes", passLines),
      section("output \(plan.outputPath)", outputLines), section("sampling", samplingLines),
      section("warnings", plan.warnings),
    ].filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private func section(_ title: String, _ lines: [String]) -> String {
    lines.isEmpty ? "" : ([title] + lines.map { "  \($0)" }).joined(separator: "\n")
  }

  private var inputLines: [String] {
    let source = plan.rawSource.description
    let size = Double(source.frameCount) * Double(source.frameBytes) / 1e9
    return [
      "\(source.path)\(source.dataset.map { " " + $0 } ?? "") (\(source.format))",
      "scan \(plan.rawScan.text), detector \(source.detectorShape.text) \(source.pixelType.numpyName), "
        + String(format: "%.3f GB, ", size) + source.storage,
      "\(plan.selection.count) of \(plan.scan.count) positions selected",
    ] + source.notes
  }

  private var calibrationLines: [String] {
    calibrationTable(plan.context.calibration).map { name, value, origin in
      "\(padded(name, 16)) \(padded(value, 24)) \(origin)"
    } + plan.toMeasure.map(\.rawValue).sorted().map { "\(padded($0, 16)) measured by the run" }
      + (plan.followsOrigin
        ? ["\(padded(Fact.origins.rawValue, 16)) fitted over the scan and followed frame by frame"] : [])
  }

  private var passLines: [String] {
    var lines: [String] = []
    for stage in plan.calibrating {
      let found = stage.stage.provides.intersection(plan.unknown).map(\.rawValue).sorted()
      lines.append("find \(found.joined(separator: " and ")) in a sample of the scan (\(stage.name))")
    }
    for step in steps {
      let names = step.stages.map(\.name).joined(separator: ", ")
      let blocks = step.pass?.blocks
      lines.append(
        names
          + (blocks.map {
            ": \($0.blockCount) blocks of \($0.blockPositions) positions, \($0.leafCount) leaves"
          } ?? ": passes of its own"))
    }
    lines.append("private memory per rank \(memory.text), for one rank on this machine")
    return lines
  }

  private var outputLines: [String] {
    steps.flatMap { zip($0.members, $0.outputs) }.sorted { $0.0 < $1.0 }.flatMap { member, outputs in
      [plan.analyses[member].name]
        + outputs.map { "  \(padded($0.name, 22)) \(padded($0.kind.rawValue, 20)) \($0.unit)" }
    }
  }

  /// Dose of a few patterns; nil where counts per electron are unknown or nothing can be read.
  private var meanCounts: Double? {
    guard plan.context.calibration.countsPerElectron != nil,
      let reader = try? plan.source.limited(to: memory.readerBytes).makeReader()
    else { return nil }
    let counts = DoseSample.totals(reader, plan.selection, plan.context).filter(\.isFinite)
    return counts.isEmpty ? nil : counts.reduce(0, +) / Double(counts.count)
  }

  private var samplingLines: [String] {
    plan.sampling(meanCounts: meanCounts).map {
      "\(padded($0.label, 16)) \($0.text)\($0.verdict == .warning ? "   (warning)" : "")"
    }
  }
}

/// Name, value with unit, origin; for `check` and `info`.
public func calibrationTable(_ calibration: Calibration) -> [(name: String, value: String, origin: String)] {
  var rows: [(String, String, String)] = []
  func add<Value>(_ name: String, _ value: Sourced<Value>?, _ text: (Value) -> String) {
    if let value { rows.append((name, text(value.value), value.origin.rawValue)) }
  }
  func pair(_ pair: Pair<Double>, _ unit: String) -> String { "\(shortNumber(pair.y)), \(shortNumber(pair.x)) \(unit)" }
  add("energy", calibration.energy) { "\(shortNumber($0 / 1000)) keV" }
  add("semiangle", calibration.semiangle) { "\(shortNumber($0 * 1000)) mrad" }
  add("detector_pixel", calibration.detectorPixel) { pixel in
    let inAngle = pixel.y.unit.dimension == .angle
    let scale = inAngle ? 1000.0 : 1
    return pair(Pair(pixel.y.base * scale, pixel.x.base * scale), inAngle ? "mrad" : "Å⁻¹")
  }
  add("scan_step", calibration.scanStep) { pair($0, "Å") }
  add("scan_rotation", calibration.scanRotation) { "\(shortNumber($0 * 180 / .pi)) deg" }
  add("transpose", calibration.transpose) { "\($0)" }
  add("center", calibration.center) { pair($0, "px") }
  add("ellipse", calibration.ellipse) {
    "ratio \(shortNumber($0.ratio)), long axis at \(shortNumber($0.angle * 180 / .pi)) deg"
  }
  add("counts_per_electron", calibration.countsPerElectron) { shortNumber($0) }
  return rows
}

/// With spaces behind it, for columns.
public func padded(_ text: String, _ width: Int) -> String {
  text.count >= width ? text : text + String(repeating: " ", count: width - text.count)
}
