import Foundation
import STEM

/// A run that failed on at least one rank: the same code on all ranks, the problems on rank 0 only.
package struct RunFailure: Error, ProblemSource {
  package let code: ExitCode
  package let problems: [Problem]
}

extension Ranks {
  /// Does work that is not collective on every rank; when it throws anywhere, throws `RunFailure` everywhere. A problem
  /// that not all ranks have says which rank it is from.
  package func together<Value>(_ work: () throws -> Value) throws -> Value {
    try agree(on: Result { try work() }, namesRanks: true)
  }

  /// Does work on rank 0 while the others wait for its end.
  package func onFirst(_ work: () throws -> Void) throws {
    try agree(on: Result { if rank == 0 { try work() } }, namesRanks: false)
  }

  /// As `onFirst`, but who waits for others calls `meanwhile` again and again.
  package func onFirst(meanwhile: () throws -> Void, _ work: () throws -> Void) throws {
    let mine = Result { if rank == 0 { try work() } }
    let waited = Result { try barrier(meanwhile: meanwhile) }
    try agree(on: mine.flatMap { waited }, namesRanks: false)
  }

  private func agree<Value>(on outcome: Result<Value, any Error>, namesRanks: Bool) throws -> Value {
    var mine: [Problem] = []
    if case .failure(let error) = outcome { mine = problems(of: error) }
    guard try largest(mine.isEmpty ? 0 : 1) == 1 else { return try outcome.get() }
    let everybody = try gather(encode(mine)).map(decode)
    let hosts = try gather(Array(ProcessInfo.processInfo.hostName.utf8)).map { String(decoding: $0, as: UTF8.self) }
    let listed = merge(everybody, namesRanks ? hosts : [])
    let agreed = try broadcast([UInt8((listed.first?.code ?? .internalError).rawValue)])
    throw RunFailure(code: ExitCode(rawValue: Int32(agreed[0])) ?? .internalError, problems: listed)
  }

  /// Each problem once, with the ranks and hosts it came from where not all have it.
  private func merge(_ everybody: [[Problem]], _ hosts: [String]) -> [Problem] {
    var order: [Problem] = []
    var ranks: [Problem: [Int]] = [:]
    for (rank, problems) in everybody.enumerated() {
      for problem in problems {
        // A full disk stops every rank at another place: one of them says it all.
        if problem.isDiskFull, let known = order.first(where: \.isDiskFull) {
          ranks[known]!.append(rank)
          continue
        }
        if ranks[problem] == nil { order.append(problem) }
        ranks[problem, default: []].append(rank)
      }
    }
    return order.map { problem in
      guard let from = ranks[problem], from.count < count, !hosts.isEmpty else { return problem }
      let names = from.prefix(4).map { "rank \($0) on \(hosts[$0])" }.joined(separator: ", ")
      return Problem(
        problem.code, at: problem.place, "\(problem.message) [\(names)\(from.count > 4 ? ", …" : "")]")
    }
  }
}

extension Problem {
  private static let diskFull = "the disk is full: "

  package var isDiskFull: Bool { code == .inputOutput && message.hasPrefix(Self.diskFull) }

  /// What a failed system call that wrote to an output says.
  package init(writing path: String, _ code: ExitCode, _ what: String, errno reason: Int32) {
    let text = String(cString: strerror(reason))
    let isFull = [ENOSPC, EDQUOT, EFBIG].contains(reason)
    self.init(
      isFull ? .inputOutput : code, at: path,
      isFull ? "\(Self.diskFull)\(text); make room, and the same command continues" : "\(what): \(text)")
  }
}

private func encode(_ problems: [Problem]) -> [UInt8] {
  Array(problems.map { "\($0.code.rawValue)\u{1}\($0.place)\u{1}\($0.message)" }.joined(separator: "\u{2}").utf8)
}

private func decode(_ bytes: [UInt8]) -> [Problem] {
  String(decoding: bytes, as: UTF8.self).split(separator: "\u{2}").map { entry in
    let parts = entry.split(separator: "\u{1}", omittingEmptySubsequences: false).map(String.init)
    return Problem(ExitCode(rawValue: Int32(parts[0]) ?? 70) ?? .internalError, at: parts[1], parts[2])
  }
}
