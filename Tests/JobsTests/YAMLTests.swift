import STEM
import TestSupport
import Testing

@testable import Jobs

@Suite("YAML without surprises")
struct YAMLTests {
  @Test(
    "plain scalars are what they look like",
    arguments: [
      ("no", .text("no")), ("on", .text("on")), ("y", .text("y")), ("True", .text("True")), ("true", .bool(true)),
      ("1e3", .integer(1000)), ("64.0", .integer(64)), ("012", .integer(12)), ("0x1F", .text("0x1F")),
      ("1_000", .text("1_000")), ("12:30", .text("12:30")), ("2001-01-01", .text("2001-01-01")), ("1.5", .number(1.5)),
      ("-.5", .number(-0.5)), ("+3", .integer(3)), ("1e-3", .number(0.001)), ("~", .null), ("", .null),
      ("12 mrad", .text("12 mrad")), ("'12'", .text("12")), ("\"true\"", .text("true")), ("0.5 Å⁻¹", .text("0.5 Å⁻¹")),
      ("a*b", .text("a*b")), ("'*.npy'", .text("*.npy")), ("R&D", .text("R&D")), (".nan mrad", .text(".nan mrad")),
      ("99999999999999999999", .number(1e20)), ("1/Å", .text("1/Å")),
    ] as [(String, Setting)])
  func scalars(text: String, setting: Setting) throws {
    #expect(try JobDocument.value(text, name: "value") == setting)
  }

  @Test("words that YAML 1.1 takes for booleans are good keys")
  func keys() throws {
    let document = try JobDocument(yaml: "y: 1\nno: 2\non: 3\n7: 4\n", name: "job.yml")
    #expect(document.root == .map([("y", .integer(1)), ("no", .integer(2)), ("on", .integer(3)), ("7", .integer(4))]))
  }

  @Test("every key and list entry has its line, with a byte order mark, CRLF and comments too")
  func lines() throws {
    let text = "\u{FEFF}# ✓ comment\r\na:\r\n  b: 1\r\n  c: [2,\r\n      3]\r\nd:\r\n  - e: {f: 1}\r\n  - g\r\n"
    let document = try JobDocument(yaml: text, name: "job.yml")
    #expect(
      document.lines == [
        "a": 2, "a.b": 3, "a.c": 4, "a.c.0": 4, "a.c.1": 5, "d": 6, "d.0": 7, "d.0.e": 7, "d.0.e.f": 7, "d.1": 8,
      ])
  }

  @Test("what is written reads back as the same settings")
  func writing() throws {
    let setting = Setting.map([
      ("plain", .text("a/b.h5")), ("number", .text("12")), ("word", .text("true")), ("colon", .text("a: b # c")),
      ("quote", .text("it's \"so\"\n\tand \\ \u{7} \u{2028}")), ("star", .text("*.npy")), ("empty", .text("")),
      ("space", .text(" x ")), ("dash", .text("- x")), ("unit", .text("0.5 Å⁻¹")), ("tilde", .text("~")),
      ("bracket", .text("[1, 2]")), ("tiny", .number(.leastNonzeroMagnitude)), ("third", .number(1.0 / 3)),
      ("big", .number(1e300)),
      ("list", .list([.integer(1), .list([.number(0.1), .null]), .bool(false)])),
      ("nested", .map([("a key", .map([("x", .map([("1", .text("y"))])), ("none", .map([]))]))])),
      (
        "maps",
        .list([.map([("a", .map([("b", .map([("c", .integer(1))]))])), ("d", .integer(2))]), .text("word"), .map([])])
      ),
    ])
    #expect(try JobDocument(yaml: setting.yaml, name: "job.yml").root == setting)
    #expect(try JobDocument.value(setting.yamlFlow, name: "job.yml") == setting)
  }

  @Test("3,000 damaged jobs neither crash nor hang")
  func damaged() throws {
    var random = Random(20_240_607)
    let seeds = [goodJob, syntaxZoo].map { Array($0.utf8) }
    for round in 0..<3_000 {
      var bytes = seeds[round % seeds.count]
      for _ in 0...Int(random.next() % 6) {
        let place = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 4 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: place)
        case 2:
          bytes.insert(
            contentsOf: Array(
              ["[", "{", "*a ", "&a ", "- ", ": ", "\t", "? ", "!!map ", "|\n"].randomElement(using: &random)!.utf8),
            at: place)
        default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 12)], at: place)
        }
        if bytes.isEmpty { bytes = [0x61] }
      }
      guard let text = String(validating: bytes, as: UTF8.self) else { continue }
      let (message, code) = failure(text)
      #expect(code != .internalError, "\(text)\n→ \(message)")
    }
  }
}

private let syntaxZoo = """
  input: {path: "a.h5", scan_shape: [64, 64]}
  calibration:
    energy: 300 keV   # comment
    center: [1.5, 20 mrad]
  text: |
    block
  folded: >-
    text
  ? complex
  : value
  analyses:
    - center_of_mass:
        outer_radius: '12 px'
    - virtual_detectors: {detectors: {a: {radius: 3 px}, b: {preset: bf}}}
  """
