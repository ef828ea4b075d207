import STEM

/// What runs at a time: frame analyses that share a pass over the data, or one other stage.
public struct PlannedStep: Sendable, Equatable {
  /// Indices into `Plan.analyses`.
  public let members: [Int]
  public let isShared: Bool
}

extension Plan {
  /// The order of the stages, which follows from the facts that they find and need. Throws `Problem` where they wait for
  /// each other.
  public func steps() throws(Problem) -> [PlannedStep] {
    var steps: [PlannedStep] = []
    var waiting = Array(analyses.indices)
    while !waiting.isEmpty {
      let ready = waiting.filter { stage in
        let coming = waiting.filter { $0 != stage }.reduce(into: Set<Fact>()) {
          $0.formUnion(analyses[$1].stage.provides)
        }
        return needs(stage).isDisjoint(with: coming)
      }
      guard !ready.isEmpty else {
        let names = waiting.map { analyses[$0].name }.joined(separator: ", ")
        throw Problem(.badConfiguration, at: "analyses", "\(names) wait for facts of each other; remove one of them")
      }
      let shared = ready.filter { analyses[$0].stage is any FrameAnalysis }
      // A pass may find what lets others join the next one.
      let next = shared.isEmpty ? [ready[0]] : shared
      steps.append(PlannedStep(members: next, isShared: !shared.isEmpty))
      waiting.removeAll(where: next.contains)
    }
    return steps
  }

  /// Where the origin is followed, everything but what fits it waits for it.
  private func needs(_ stage: Int) -> Set<Fact> {
    let own = analyses[stage].stage
    return followsOrigin && !own.provides.contains(.origins) ? own.needs.union([.origins]) : own.needs
  }

  /// What a step sees: what fits the origin cannot follow it.
  public func context(_ context: FrameContext, of step: PlannedStep) -> FrameContext {
    var result = context
    result.followsOrigin =
      followsOrigin && !step.members.contains { analyses[$0].stage.provides.contains(.origins) }
    return result
  }
}
