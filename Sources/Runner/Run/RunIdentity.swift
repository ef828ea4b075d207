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
  /// Of the input, where somebody asked for it.
  var inputSize = 0
  var inputDigest = ""
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
  func differences(_ other: RunIdentity) -> [String] {
    var result = Self.lineDifferences(job, other.job)
    if inputSize != other.inputSize { result.append("the input has \(inputSize) bytes, had \(other.inputSize)") }
    if inputDigest != other.inputDigest { result.append("the input's content has changed") }
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

  /// Whether a finished output holds this run's results: the same job on the same input by the same algorithms.
  func isFinished(in path: String) -> Bool {
    guard let catalog = try? ResultCatalog(path) else { return false }
    var groups: [String: (name: String, attributes: [(key: String, value: Setting)])] = [:]
    for result in catalog.results { groups[result.groupPath] = (result.entry.analysis, result.groupAttributes) }
    let matching = groups.values.filter { group in
      func text(_ key: String) -> String? { group.attributes.first { $0.key == key }?.value.text }
      return text("status") == "complete" && text("job").map(Self.withoutOutput) == job
        && text("input_sha256_first_last_mib") == inputDigest && text("input_size_bytes") == "\(inputSize)"
        && text("array_checksums") == arrays
    }
    let found = matching.map { group in
      "\(group.name) \(group.attributes.first { $0.key == "algorithm_revision" }?.value.text ?? "")"
    }
    return !found.isEmpty && found.sorted() == algorithms.sorted()
  }
}
