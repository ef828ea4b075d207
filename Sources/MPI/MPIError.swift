import CMPI

/// An MPI call that failed: which one, and what the library says about it (`MPI_Error_string`).
public struct MPIError: Error, Sendable, Equatable, CustomStringConvertible {
  public let call: String
  public let code: Int32
  public let why: String

  public var description: String { "\(call) failed: \(why)" }
}

/// Every MPI call of this target goes through this function.
@discardableResult
func check(_ call: StaticString, _ body: () -> Int32) throws(MPIError) -> Int32 {
  let code = body()
  guard code == ronchi_mpi_success() else {
    throw MPIError(call: "\(call)", code: code, why: text { MPI_Error_string(code, $0, $1) })
  }
  return code
}

/// The text that an MPI function of the form `(char *text, int *length)` gives.
func text(_ body: (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<Int32>) -> Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(ronchi_mpi_max_text())) { buffer in
    buffer.initialize(repeating: 0)
    var length: Int32 = 0
    guard let start = buffer.baseAddress, body(start, &length) == ronchi_mpi_success() else { return "unknown" }
    return String(cString: start)
  }
}
