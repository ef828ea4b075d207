import STEM

// MARK: Arrays and masks

extension Planner {
  mutating func loadArrays(_ sections: DecodedSections, _ analyses: [PlannedStage]) {
    if let mask = sections.scan.mask { load(mask, for: "scan.mask") }
    if let dead = sections.detector.deadPixels, !sections.detector.findsDeadPixels {
      load(dead, for: "detector.dead_pixels")
    }
    for (key, path) in sections.detector.references { load(path, for: "detector.\(key)") }
    for analysis in analyses {
      for file in analysis.stage.files {
        load(
          file, for: job.value(at: analysis.place)?.path(of: file).map { join(analysis.place, $0) } ?? analysis.place)
      }
    }
  }

  mutating func load(_ file: String, for place: String) {
    guard arrays[file] == nil else { return }
    do {
      arrays[file] = try environment.loadArray(file)
    } catch {
      problems += STEM.problems(of: error).map { Problem($0.code, at: place, $0.description) }
    }
  }

  mutating func selection(_ section: ScanSection, _ scan: Shape) -> PositionSelection {
    do {
      return try section.selection(on: scan, mask: section.mask.flatMap { arrays[$0] })
    } catch {
      add(error)
      return PositionSelection(shape: scan)
    }
  }

  mutating func deadPixels(_ section: DetectorSection, _ detector: Shape) -> [Bool]? {
    guard !section.findsDeadPixels, let array = section.deadPixels.flatMap({ arrays[$0] }) else { return nil }
    do {
      let dead = try array.mask(detector, "the detector")
      guard dead.contains(false) else { throw Problem(.badConfiguration, "every pixel is dead; 0 marks a good pixel") }
      return dead.contains(true) ? dead : nil
    } catch {
      add(error, inside: "detector.dead_pixels")
      return nil
    }
  }
}

// MARK: Analyses on this input

extension Planner {
  /// What the stages need, directly or through the stage that finds it, and neither the job nor the file gives.
  func unknown(_ analyses: [PlannedStage], _ context: FrameContext, _ sections: DecodedSections) -> Set<Fact> {
    var wanted = analyses.reduce(into: Set<Fact>()) { $0.formUnion($1.stage.needs) }
    // What the job asks for itself.
    if sections.calibration.ellipse?.ring != nil { wanted.insert(.ellipse) }
    if sections.detector.findsDeadPixels { wanted.insert(.deadPixels) }
    if context.calibration.countsPerElectron != nil { wanted.insert(.dose) }
    let found = analyses.reduce(into: Set<Fact>()) { $0.formUnion($1.stage.provides) }
    func isUnknown(_ fact: Fact) -> Bool {
      switch fact {
      case .center: context.calibration.center == nil
      case .disk: context.diskRadius == nil
      case .ellipse: context.calibration.ellipse == nil
      case .deadPixels: sections.detector.findsDeadPixels
      case .origins, .dose: !found.contains(fact)
      }
    }
    var unknown: Set<Fact> = []
    while case let more = wanted.filter(isUnknown).subtracting(unknown), !more.isEmpty {
      unknown.formUnion(more)
      for type in environment.calibrating {
        let stage = type.init()
        if !stage.provides.isDisjoint(with: more) { wanted.formUnion(stage.needs) }
      }
    }
    return unknown
  }

  /// The stages that find these facts, each behind those that find what it needs.
  mutating func providers(of unknown: Set<Fact>) -> [PlannedStage] {
    var waiting = environment.calibrating.filter { !$0.init().provides.isDisjoint(with: unknown) }
    var missing = unknown
    var result: [PlannedStage] = []
    while let next = waiting.firstIndex(where: { $0.init().needs.isDisjoint(with: missing) }) {
      let type = waiting.remove(at: next)
      missing.subtract(type.init().provides)
      if let stage = calibrating(type) { result.append(stage) }
    }
    if let fact = missing.first {
      problems.append(Problem(.internalError, at: "analyses", "no stage finds the \(fact.rawValue) that is needed"))
    }
    return result
  }

  private mutating func calibrating(_ type: any CalibratingStage.Type) -> PlannedStage? {
    var parameters = Setting.map([])
    if case .map(let items)? = job.value(at: type.jobPlace) { parameters = .map(items) }
    do {
      return try decode(type, parameters, at: type.jobPlace)
    } catch {
      add(error, inside: type.jobPlace)
      return nil
    }
  }

  /// What the stages say about this scan. Where the center or the disk is still to be measured, only what is wrong
  /// for each of several guesses is certainly wrong.
  mutating func check(
    _ analyses: [PlannedStage], _ calibrating: [PlannedStage], _ context: FrameContext, _ unknown: Set<Fact>
  ) {
    let first = context.guess(middle: 0.5, radius: 0.25)
    let others = [context.guess(middle: 0.25, radius: 0.1), context.guess(middle: 0.75, radius: 0.1)]
    let guesses = unknown.isDisjoint(with: [.center, .disk, .ellipse]) ? [context] : [first] + others
    for stage in analyses where arrays.keys.contains(all: stage.stage.files) { check(stage, guesses) }
    let isMeasured = !unknown.isDisjoint(with: [.center, .disk])
    for stage in calibrating { check(stage, [isMeasured ? first : context]) }
  }

  private mutating func check(_ stage: PlannedStage, _ guesses: [FrameContext]) {
    let found = guesses.map { guess in
      do {
        _ = try stage.stage.outputs(guess)
        return [Problem]()
      } catch {
        return STEM.problems(of: error)
      }
    }
    for problem in found[0]
    where found.allSatisfy({ $0.contains { $0.place == problem.place && $0.code == problem.code } }) {
      problems.append(problem.inside(stage.place))
    }
  }
}

extension Collection where Element: Hashable {
  fileprivate func contains(all elements: [Element]) -> Bool { Set(elements).isSubset(of: self) }
}
