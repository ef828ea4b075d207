import Formats
import Foundation
import TestSupport
import Testing

@Suite("options of formats on the command line", .serialized)
struct InputOptionTests {
  private static func flag(_ name: String) -> String { "--" + name.replacingOccurrences(of: "_", with: "-") }

  @Test(
    "every option that a format declares is an option of the commands that open inputs", arguments: ["info", "run"])
  func aliases(command: String) throws {
    let help = try ronchi([command, "--help"]).output
    #expect(!inputOptions.isEmpty)
    for option in inputOptions {
      #expect(
        help.contains("\(Self.flag(option.name)) "),
        "add \(option.name) to InputOptions in Sources/ronchi/Options.swift")
    }
  }

  @Test("every such option reaches its format")
  func effect() throws {
    let folder = try TemporaryFolder()
    let scan = folder.path("scan.npy")
    try TestScan(scan: (2, 2), detector: (4, 4)).writeNpy(scan)
    for option in inputOptions {
      let value =
        switch option.form {
        case .pair: "2,2"
        case .choice(let choices): choices[0]
        default: "1"
        }
      let outcome = try ronchi(["info", scan, Self.flag(option.name), value])
      #expect(outcome.status == 78 && outcome.errors.contains("input.\(option.name)"), "\(outcome.errors)")
      #expect(outcome.errors.contains("recognized as npy"), "\(outcome.errors)")
    }
  }

  @Test("values that an option does not take are refused at the option")
  func wrongValues() throws {
    let folder = try TemporaryFolder()
    let scan = folder.path("scan.npy")
    try TestScan(scan: (2, 2), detector: (4, 4)).writeNpy(scan)
    let job = try folder.write("analyses: [frame_statistics]\n", to: "job.yml")
    let cases: [([String], Int32, String)] = [
      (["--detector-shape", "4"], 64, "--detector-shape: '4' given; two whole numbers y,x above 0"),
      (["--pixel-type", "u61"], 78, "--pixel-type: 'u61' given"),
      (["--offset=-3"], 78, "--offset: '-3' given"),
    ]
    for (words, code, says) in cases {
      for command in [["info", scan], ["check", job, "-i", scan, "-o", folder.path("r.h5")]] {
        let outcome = try ronchi(command + words)
        #expect(outcome.status == code && outcome.errors.contains(says), "\(command[0]): \(outcome.errors)")
      }
    }
  }
}
