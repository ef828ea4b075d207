/// The exit codes of the program, after sysexits.h.
public enum ExitCode: Int32, Sendable {
  case done = 0
  case usage = 64
  case badData = 65
  case noInput = 66
  case internalError = 70
  case cannotCreate = 73
  case inputOutput = 74
  case tryAgain = 75
  case badConfiguration = 78
}

/// One thing the user has to mend: `place: what was given; what is allowed; what to do`.
public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
  public var code: ExitCode
  /// A file, a job path such as `analyses.1.center_of_mass.outer_radius`, or empty.
  public var place: String
  public var message: String

  public init(_ code: ExitCode, at place: String = "", _ message: String) {
    self.code = code
    self.place = place
    self.message = message
  }

  public var description: String { place.isEmpty ? message : "\(place): \(message)" }

  /// The same problem seen from one level further out: `outer_radius` → `analyses.1.center_of_mass.outer_radius`.
  public func inside(_ outer: String) -> Problem {
    guard !outer.isEmpty else { return self }
    var copy = self
    copy.place = place.isEmpty ? outer : "\(outer).\(place)"
    return copy
  }
}

/// All problems found at once.
public struct Problems: Error, Sendable, CustomStringConvertible {
  public var list: [Problem]

  public init(_ list: [Problem]) { self.list = list }

  /// The code of the first problem: problems are listed in the order in which they would stop a run.
  public var exitCode: ExitCode { list.first?.code ?? .internalError }
  public var description: String { list.map(\.description).joined(separator: "\n") }
}

extension Array where Element == Problem {
  /// Throws all problems collected so far, if there are any.
  public func throwIfAny() throws(Problems) {
    if !isEmpty { throw Problems(self) }
  }
}

/// An error that can say what the user has to mend.
public protocol ProblemSource: Error {
  var problems: [Problem] { get }
}

extension Problem: ProblemSource { public var problems: [Problem] { [self] } }
extension Problems: ProblemSource { public var problems: [Problem] { list } }

/// Any error as problems for the user.
public func problems(of error: any Error) -> [Problem] {
  (error as? any ProblemSource)?.problems ?? [Problem(.internalError, "\(error)")]
}
