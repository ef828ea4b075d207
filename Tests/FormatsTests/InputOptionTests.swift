import Foundation
import STEM
import Testing

@testable import Formats

/// A format as somebody adds one: everything about its options stands here.
private enum CounterFormat: InputFormat {
  static let name = "counter"
  static let summary = "a format of this test"
  static let suffixes = ["cnt"]

  struct Options: FormatOptions {
    var counter = 1
    var exposure: Quantity?

    static let parameters: [Parameter<Options>] = [
      .init("counter", \.counter, .integer(1...2), required: true, "Which of the two counters is read."),
      .init("exposure", \.exposure, .quantity([.second]), "Time of a frame."),
    ]
  }

  static func recognizes(_ probe: FileProbe) -> Bool { false }

  static func open(_ request: InputRequest, _ options: Options, probe: FileProbe) throws -> FlatInput {
    throw Problem(.badData, "counter \(options.counter), exposure \(options.exposure?.value ?? 0)")
  }
}

@Suite("options that formats declare") struct InputOptionTests {
  private static func problems(_ change: (inout InputRequest) -> Void) throws -> [Problem] {
    let folder = ByteFolder()
    var request = InputRequest(path: try folder.write("a.cnt", [1, 2, 3]))
    change(&request)
    let probe = try FileProbe(path: request.path)
    return FormatsTests.problems { _ = try CounterFormat.open(request, probe: probe) }
  }

  @Test("a format gets its options decoded")
  func decoded() throws {
    let found = try Self.problems { $0.options = ["counter": .integer(2), "exposure": .text("3 s")] }
    #expect(found.map(\.message) == ["counter 2, exposure 3.0"])
  }

  @Test("missing and impossible values are named at once")
  func wrong() throws {
    let both = try Self.problems { $0.options = ["counter": .integer(3), "exposure": .text("3 kg")] }
    #expect(both.map(\.place) == ["input.counter", "input.exposure"])
    #expect(both[0].message.contains("'3' given; a whole number from 1 to 2"), "\(both[0])")
    let missing = try Self.problems { $0.options = [:] }
    #expect(missing.map(\.place) == ["input.counter"] && missing[0].message.contains("Which of the two counters"))
    #expect((both + missing).allSatisfy { $0.code == .badConfiguration })
  }

  @Test("an option of another format is refused, with both formats and the value")
  func foreign() throws {
    let found = try Self.problems {
      $0.options = ["counter": .integer(1), "offset": .integer(7), "no_such": .integer(1)]
      $0.dataset = "/data"
    }
    #expect(found.map(\.place) == ["input.dataset", "input.offset", "input.no_such"])
    #expect(found[0].message.contains("'/data' given") && found[0].message.contains("counter"))
    for words in ["7 given", "format raw", "recognized as counter", "counter, exposure"] {
      #expect(found[1].message.contains(words), "\(found[1])")
    }
    #expect(found[2].message.contains("unknown key"))
  }

  @Test("options that several formats declare under one name have one form and meaning")
  func shared() {
    let declared = formatRegistry.flatMap { $0.declaredOptions }
    for option in inputOptions {
      for other in declared where other.name == option.name {
        #expect("\(other.form)" == "\(option.form)" && other.summary == option.summary, "\(option.name)")
      }
    }
    #expect(Set(inputOptions.map(\.name)).count == inputOptions.count)
  }

  @Test("no option has the name of a key that every format takes")
  func general() {
    #expect(inputOptions.allSatisfy { !["path", "dataset", "scan_shape", "format"].contains($0.name) })
  }

  @Test("a request survives its way to another process")
  func coded() throws {
    var request = InputRequest(path: "a")
    request.scanShape = Shape(2, 3)
    request.options = [
      "integer": .integer(5), "number": .number(5),
      "map": .map([("b", .null), ("a", .list([.bool(true), .text("x")]))]),
    ]
    let copy = try JSONDecoder().decode(InputRequest.self, from: try JSONEncoder().encode(request))
    #expect(copy == request)
  }
}
