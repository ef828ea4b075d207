import STEM

// MARK: Arrays and masks

extension Planner {
  mutating func loadArrays(_ sections: DecodedSections, _ analyses: [PlannedAnalysis]) {
    if let mask = sections.scan.mask { load(mask, for: "scan.mask") }
    if let dead = sections.detector.deadPixels, !sections.detector.findsDeadPixels {
      load(dead, for: "detector.dead_pixels")
    }
    for (key, path) in sections.detector.references { load(path, for: "detector.\(key)") }
    for analysis in analyses {
      for file in analysis.analysis.files {
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
      problems += Jobs.problems(of: error).map { Problem($0.code, at: place, $0.description) }
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
  /// - Parameter fitsEllipse: whether the job asks for that, for which the center must be known
  func unknown(_ analyses: [PlannedAnalysis], _ context: FrameContext, fitsEllipse: Bool) -> Set<Requirement> {
    let first: Set<Requirement> = fitsEllipse ? [.center, .ellipse] : []
    let required = analyses.reduce(into: first) { $0.formUnion($1.analysis.requirements) }
    return required.filter {
      switch $0 {
      case .center: context.calibration.center == nil
      case .semiangle: context.diskRadius == nil
      case .ellipse: context.calibration.ellipse == nil
      }
    }
  }

  /// Whether the ring's radii can be known in px once the run has measured what it will.
  mutating func check(_ ring: Pair<Quantity>, _ context: FrameContext, measuresDisk: Bool) {
    do {
      _ = try (measuresDisk ? context.guess(middle: 0.5, radius: 0.25) : context).pixels(ring.y)
    } catch {
      add(error, inside: "calibration.ellipse.ring")
    }
  }

  /// What the analyses say about this scan. Where the center or the disk is still to be measured, only what is wrong
  /// for each of several guesses is certainly wrong.
  mutating func check(_ analyses: [PlannedAnalysis], _ context: FrameContext, guessing: Bool) {
    let guesses =
      guessing
      ? [
        context.guess(middle: 0.5, radius: 0.25), context.guess(middle: 0.25, radius: 0.1),
        context.guess(middle: 0.75, radius: 0.1),
      ]
      : [context]
    for analysis in analyses where arrays.keys.contains(all: analysis.analysis.files) {
      let found = guesses.map { guess in
        do {
          _ = try analysis.analysis.outputs(guess)
          return [Problem]()
        } catch {
          return Jobs.problems(of: error)
        }
      }
      for problem in found[0]
      where found.allSatisfy({ $0.contains { $0.place == problem.place && $0.code == problem.code } }) {
        problems.append(problem.inside(analysis.place))
      }
    }
  }
}

extension Collection where Element: Hashable {
  fileprivate func contains(all elements: [Element]) -> Bool { Set(elements).isSubset(of: self) }
}
