import Foundation
import STEM

// The keys of `input:` as options of the command line: `detector_shape` is `--detector-shape`.

extension Override {
  /// A key of the section `input` from the text of its option. A pair may be written 64,128 or 64x128. Throws `Problem`
  /// (`.usage`), its place the option, for a text that is no value at all; the job's checks say whether the key takes it.
  public static func input(_ key: String, _ text: String) throws(Problem) -> Override {
    let label = "--" + key.replacingOccurrences(of: "_", with: "-")
    guard let parameter = InputSection.declaration.parameters.first(where: { $0.name == key }) else {
      throw Problem(.internalError, at: label, "no key of input has this name")
    }
    do {
      return Override("input.\(key)", try parameter.form.value(ofOption: text, label), label: label)
    } catch {
      throw Problem(.usage, at: label, error.message)
    }
  }
}

extension ParameterForm {
  fileprivate func value(ofOption text: String, _ label: String) throws(Problem) -> Setting {
    switch self {
    case .pair:
      let numbers = text.split { ",x× []".contains($0) }.map { Int($0) }
      guard numbers.count == 2, let y = numbers[0], let x = numbers[1], y > 0, x > 0 else {
        throw Problem(.usage, "'\(text)' given; two whole numbers y,x above 0 are allowed, for example 64,128")
      }
      return .list([.integer(y), .integer(x)])
    case .text, .choice, .quantity: return .text(text)
    default: return try JobDocument.value(text, name: label)
    }
  }
}

extension InputRequest {
  /// What options of the command line ask of a file without a job. Throws `Problems`, their places the options.
  public init(path: String, _ overrides: [Override]) throws(Problems) {
    self.init(path: path)
    var section = InputSection()
    let given = overrides.map { (key: String($0.path.dropFirst("input.".count)), value: $0.value) }
    do { try InputSection.declaration.decode(.map(given), into: &section) } catch {
      throw Problems(
        error.list.map { problem in
          let option = overrides.first { lies("input." + problem.place, inside: $0.path) }
          return Problem(problem.code, at: option?.label ?? problem.place, problem.message)
        })
    }
    section.path = path
    self = section.request ?? self
  }
}

/// What the option for a key of `input` is for, with the values that it takes, for the command line's help.
public func inputOptionHelp(_ key: String) -> String {
  guard let parameter = InputSection.declaration.parameters.first(where: { $0.name == key }) else { return "" }
  let values: String
  switch parameter.form {
  case .choice(let choices): values = " Values: \(choices.joined(separator: ", "))."
  case .pair: values = " Given as y,x: 64,128."
  default: values = ""
  }
  return parameter.summary.replacingOccurrences(
    of: "; also --\(key.replacingOccurrences(of: "_", with: "-"))", with: "")
    + values
}
