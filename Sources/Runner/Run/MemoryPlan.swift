import Engine
import Foundation
import Jobs
import STEM

/// What a rank may use and what a job needs, in bytes of private memory (anonymous and shared-anonymous pages; mapped
/// files do not count).
public struct MemoryPlan: Sendable {
  public let allowed: Int
  /// Where the limit comes from, in words.
  public let origin: String
  public let needed: Int
  /// What is left for a reader.
  let readerBytes: Int
  /// The plan's input, by readers that keep to that.
  private let source: any FrameSource

  /// What the program, MPI and HDF5 take before the first frame: about 15 MB were measured, more with many ranks.
  private static let baseBytes = 40 << 20

  /// - Parameters:
  ///   - passBytes: of `FramePass.memoryBytes`
  ///   - ranksOnNode: ranks that share this machine
  init(_ plan: Plan, passBytes: Int, ranksOnNode: Int) {
    let passBytes = max(passBytes, plan.calibrating.map { $0.stage.memoryBytes(plan.fileContext) }.max() ?? 0)
    if let given = plan.memoryPerRank {
      allowed = given
      origin = "run.memory_per_rank"
    } else {
      let limit = MachineMemory.limit(ProcessInfo.processInfo.environment, ranksOnNode: ranksOnNode)
      allowed = limit.bytes
      origin = limit.origin
    }
    readerBytes = max(0, allowed - Self.baseBytes - passBytes)
    source = plan.source.limited(to: readerBytes)
    needed = Self.baseBytes + passBytes + source.readerBytes
  }

  /// What a smaller memory costs, in words; empty where it costs nothing.
  func notes(_ plan: Plan) -> [String] {
    source.description.notes.filter { !plan.description.notes.contains($0) }
  }

  /// Throws `Problem` 78 when the job cannot fit, with the smallest setting that would do.
  func check() throws(Problem) {
    guard needed > allowed else { return }
    throw Problem(
      .badConfiguration, at: "run.memory_per_rank",
      "\(Self.megabytes(allowed)) MB for a rank (\(origin)), but this job needs \(Self.megabytes(needed)) MB; allow at "
        + "least '\(Self.megabytes(needed)) MB', use fewer ranks on a node, or fewer outputs per position")
  }

  public var text: String { "\(Self.megabytes(needed)) MB of \(Self.megabytes(allowed)) MB (\(origin))" }

  private static func megabytes(_ bytes: Int) -> Int { (bytes + 999_999) / 1_000_000 }
}

/// What the machine or the batch system leaves to a rank.
enum MachineMemory {
  static func limit(_ environment: [String: String], ranksOnNode: Int) -> (bytes: Int, origin: String) {
    let ranks = max(1, ranksOnNode)
    var limits: [(bytes: Int, origin: String)] = []
    func megabytes(_ name: String) -> Int? { environment[name].flatMap { Int($0) }.map { $0 << 20 } }
    if let perCPU = megabytes("SLURM_MEM_PER_CPU") {
      let cpus = environment["SLURM_CPUS_PER_TASK"].flatMap { Int($0) } ?? 1
      limits.append((perCPU * max(1, cpus), "SLURM_MEM_PER_CPU"))
    } else if let perNode = megabytes("SLURM_MEM_PER_NODE"), perNode > 0 {
      limits.append((perNode / ranks, "SLURM_MEM_PER_NODE shared by \(ranks)"))
    }
    if let group = cgroupLimit() { limits.append((group / ranks, "cgroup limit shared by \(ranks)")) }
    let total = Int(ProcessInfo.processInfo.physicalMemory)
    limits.append((total / 10 * 8 / ranks, "80 % of the node shared by \(ranks)"))
    return limits.min { $0.bytes < $1.bytes }!
  }

  /// The smallest memory limit of this process's control groups, version 2 or 1; nil without one.
  private static func cgroupLimit() -> Int? {
    guard let membership = try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8) else { return nil }
    var limits: [Int] = []
    for line in membership.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isUnified = parts[0] == "0" && parts[1].isEmpty
      guard isUnified || parts[1].split(separator: ",").contains("memory") else { continue }
      let (root, name) =
        isUnified ? ("/sys/fs/cgroup", "memory.max") : ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
      var path = String(parts[2])
      while true {
        let file = root + (path == "/" ? "" : path) + "/" + name
        if let text = try? String(contentsOfFile: file, encoding: .utf8),
          let bytes = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)), bytes < 1 << 60
        {
          limits.append(bytes)
        }
        guard path != "/", let slash = path.lastIndex(of: "/") else { break }
        path = slash == path.startIndex ? "/" : String(path[..<slash])
      }
    }
    return limits.min()
  }
}
