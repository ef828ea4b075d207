import HDF5
import MPI
import STEM

extension HDF5Error: ProblemSource {
  public var problems: [Problem] { [Problem(code, "\(self)")] }

  private var code: ExitCode {
    switch kind {
    case .missingFile: .noInput
    case .notPermitted, .diskFull: .inputOutput
    case .fileExists, .locked: .cannotCreate
    case .notHDF5, .truncated, .missingObject, .missingFilter: .badData
    case .other: .inputOutput
    }
  }
}

extension MPIError: ProblemSource {
  public var problems: [Problem] { [Problem(.internalError, "\(self)")] }
}
