import Engine
import Foundation
import Jobs
import STEM
import USID

/// What a run computes from what: two runs with the same identity give the same result. It is the head of a checkpoint,
/// and every result carries the parts of it in its attributes.
struct RunIdentity: Codable {
  /// The resolved job without what does not change the numbers.
  var job: String
  /// Where somebody asked for it; nil in checkpoints of versions that recorded less.
  var input: InputState?
  /// Of the input's first file, for readers of results that know no more.
  var inputSize: Int { input?.files.first?.size ?? 0 }
  var inputDigest: String { input?.ends.first ?? "" }
  /// `name revision` of every analysis.
  var algorithms: [String]
  var blocks: String
  /// Whether the output is added to an existing file, and to which state of it.
  var base: String
  var places: ResultPlaces?
  /// What the run found before it laid out its results.
  var facts = Facts()
  /// Of the array files that the job names.
  var arrays: String?

  init(_ plan: Plan, blocks: [BlockPlan], base: String) {
    job = Self.withoutOutput(plan.resolvedJob)
    algorithms = plan.analyses.map { "\($0.name) \($0.revision)" }
    self.blocks = blocks.map {
      "\($0.positions) positions, \($0.blockPositions) a block, \($0.leafBlocks) blocks a leaf"
    }.joined(separator: "; ")
    self.base = base
    arrays = Self.checksum(plan.context.arrays)
  }

  /// Path and checksum of the content of every array; nil for none.
  static func checksum(_ arrays: [String: DenseArray]) -> String? {
    let texts = arrays.keys.sorted().map { path in
      var sum = Checksum()
      for count in arrays[path]!.shape { sum.add(UInt64(count)) }
      arrays[path]!.values.withUnsafeBytes { sum.add($0) }
      return "\(path) \(String(sum.value, radix: 16))"
    }
    return texts.isEmpty ? nil : texts.joined(separator: "; ")
  }

  /// What is different in `other`, in words; empty when it is the same run.
  /// - Parameter acceptsTouched: whether files of the input may have other times, when the samples of their content are
  ///   equal
  func differences(_ other: RunIdentity, acceptsTouched: Bool) -> [String] {
    var result = Self.lineDifferences(job, other.job)
    if let mine = input {
      result +=
        other.input.map { mine.changes(since: $0).differences(acceptsTouched: acceptsTouched) }
        ?? ["another version of ronchi began it, which recorded less of the input"]
    }
    if arrays != other.arrays {
      result.append("the content of an array file has changed (\(arrays ?? "none"), was \(other.arrays ?? "none"))")
    }
    for (mine, theirs) in zip(algorithms, other.algorithms) where mine != theirs {
      result.append("algorithm \(mine), was \(theirs)")
    }
    if blocks != other.blocks { result.append("layout: \(blocks); was \(other.blocks)") }
    if base != other.base { result.append("the output that is added to has changed") }
    return result
  }

  private static func lineDifferences(_ mine: String, _ theirs: String) -> [String] {
    if mine == theirs { return [] }
    let new = mine.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    let old = theirs.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    var added: [String] = []
    var removed: [String] = []
    for change in new.difference(from: old) {
      switch change {
      case .insert(_, let line, _): added.append(line)
      case .remove(_, let line, _): removed.append(line)
      }
    }
    return ["job: '\(added.joined(separator: "; "))' where it was '\(removed.joined(separator: "; "))'"]
  }

  /// The job's text but for the sections that change no number.
  static func withoutOutput(_ job: String) -> String {
    var inside = false
    return job.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
      if let first = line.first, first != " ", first != "-", first != "#" {
        inside = line.hasPrefix("output:") || line.hasPrefix("run:")
      }
      return !inside
    }.joined(separator: "\n")
  }

  /// What a finished output says of a job.
  enum Finished {
    /// Nothing.
    case no
    case yes
    /// It holds results of the job, of an input that differs so.
    case otherInput([String])
  }

  /// Whether an output holds this run's results: the same job on the same input by the same algorithms.
  func finished(in path: String, acceptsTouched: Bool) -> Finished {
    guard let catalog = try? ResultCatalog(path) else { return .no }
    var groups: [String: FinishedGroup] = [:]
    for result in catalog.results {
      groups[result.groupPath] = FinishedGroup(name: result.entry.analysis, attributes: result.groupAttributes)
    }
    let ours = groups.values.filter {
      $0["status"] == "complete" && $0["job"].map(Self.withoutOutput) == job && $0["array_checksums"] == arrays
    }
    var found = Finished.no
    for (_, run) in Dictionary(grouping: ours, by: \.input) where run.map(\.algorithm).sorted() == algorithms.sorted() {
      let differences = run[0].differences(input, acceptsTouched: acceptsTouched)
      if differences.isEmpty { return .yes }
      found = .otherInput(differences)
    }
    return found
  }
}

/// The attributes of a group in a finished output.
private struct FinishedGroup {
  var name: String
  var attributes: [(key: String, value: Setting)]

  subscript(key: String) -> String? { attributes.first { $0.key == key }?.value.text }

  var algorithm: String { "\(name) \(self["algorithm_revision"] ?? "")" }
  /// The same for all groups of a run.
  var input: String {
    ["input_size_bytes", "input_sha256_first_last_mib", "input_samples_sha256", "input_modified"]
      .map { self[$0] ?? "" }.joined(separator: " ")
  }

  func differences(_ now: InputState?, acceptsTouched: Bool) -> [String] {
    guard let now else { return [] }
    if let before = InputState(attributes: attributes) {
      return now.changes(since: before).differences(acceptsTouched: acceptsTouched)
    }
    guard self["input_size_bytes"] == now.files.first.map({ "\($0.size)" }),
      self["input_sha256_first_last_mib"] == now.ends.first
    else { return ["the input's size, or its first or last MiB, has changed"] }
    let changes = InputChanges(
      touched: ["the result is from a version of ronchi that recorded only the input's size, first and last MiB"])
    return changes.differences(acceptsTouched: acceptsTouched)
  }
}
