import Jobs
import STEM
import Testing

/// A job that cannot run: what the message must begin with, and what it must say besides.
struct BadJob: Sendable, CustomTestStringConvertible {
  var name: String
  var yaml: String
  var begins: String
  var says: [String]
  var code = ExitCode.badConfiguration
  var testDescription: String { name }

  init(_ name: String, _ yaml: String, _ begins: String, _ says: String..., code: ExitCode = .badConfiguration) {
    (self.name, self.yaml, self.begins, self.says, self.code) = (name, yaml, begins, says, code)
  }
}

private let output = "output: {path: result.h5}\n"
private let input = "input: {path: scan.h5}\n"
private let analyses = "analyses:\n  - center_of_mass: {}\n"

let syntax = [
  BadJob("tab", "input:\n\tpath: scan.h5\n", "job.yml:2:1: this is not YAML", "spaces, not tabs"),
  BadJob("open bracket", "input: {path: scan.h5\noutput: {}\n", "job.yml:2:", "this is not YAML"),
  BadJob(
    "duplicate key", "input: {path: a}\ninput: {path: b}\n", "job.yml:1:1: the key 'input' is given more than once"),
  BadJob(
    "duplicate key, once in quotes", "calibration:\n  1: a\n  \"1\": b\n",
    "job.yml:2:3: the key '1' is given more than once"),
  BadJob("list at the top", "- input\n- output\n", "job.yml:1: the job is a list of 2", "a map with the keys input"),
  BadJob("text at the top", "scan.h5", "job.yml:1: the job is the text 'scan.h5'"),
  BadJob("empty", "# nothing\n", "job.yml: the job is empty"),
  BadJob("two documents", "input: {}\n---\noutput: {}\n", "job.yml:2:1: a second document begins"),
  BadJob("anchor", "input: &a {path: scan.h5}\n", "job.yml:1:8: an anchor", "write the values out"),
  BadJob("anchor on a key", "&a input: {path: scan.h5}\n", "job.yml:1:1: an anchor"),
  BadJob("alias", "input: {path: *a}\n", "job.yml:1:15: the alias '*a' given"),
  BadJob("tag", "input: {path: !!str 12}\n", "job.yml:1:15: the tag"),
  BadJob("infinite", "calibration: {counts_per_electron: .inf}\n", "job.yml:1:36: '.inf' given; a finite number"),
  BadJob("overflow", "calibration:\n  counts_per_electron: 1e999\n", "job.yml:2:24: '1e999' given; a finite number"),
  BadJob("control character", "input: {path: a\u{1}b}\n", "job.yml:1:", "this is not YAML: control characters"),
  BadJob("key that is a list", "? [a, b]\n: 1\n", "job.yml:1:3: a key that is a list"),
]

let structure = [
  BadJob("no input", output + analyses, "job.yml: input.path: missing", "--input"),
  BadJob("no output", input + analyses, "job.yml: output.path: missing", "--output"),
  BadJob("no path in input", "input: {dataset: /a}\n" + output + analyses, "job.yml:1: input.path: missing"),
  BadJob(
    "input is a text", "input: scan.h5\n" + output + analyses, "job.yml:1: input: scan.h5 given; input takes a map"),
  BadJob("no analyses", input + output, "job.yml: analyses: missing", "virtual_detectors, center_of_mass"),
  BadJob("empty analyses", input + output + "analyses: []\n", "job.yml:3: analyses: empty"),
  BadJob("analyses as a map", input + output + "analyses: {center_of_mass: {}}\n", "job.yml:3: analyses: a map"),
  BadJob(
    "unknown section", input + output + analyses + "calibrtion: {energy: 200 keV}\n",
    "job.yml:5: calibrtion: unknown key; did you mean 'calibration'?"),
  BadJob(
    "key one level too high", input + output + analyses + "energy: 200 keV\n",
    "job.yml:5: energy: unknown at the top level; the key belongs to calibration"),
  BadJob(
    "peer's name one level too high", input + output + analyses + "convergence_angle: 20 mrad\n",
    "job.yml:5: convergence_angle: unknown at the top level; did you mean semiangle in calibration?"),
  BadJob(
    "analysis at the top", input + output + analyses + "virtual_detectors: {}\n",
    "job.yml:5: virtual_detectors: this is an analysis"),
  BadJob(
    "unknown analysis", input + output + "analyses:\n  - center_of_mas: {}\n",
    "job.yml:4: analyses.0.center_of_mas: unknown analysis; did you mean 'center_of_mass'?"),
  BadJob(
    "unknown analysis as a word", input + output + "analyses: [dpc]\n",
    "job.yml:3: analyses.0.dpc: unknown analysis; allowed: virtual_detectors, center_of_mass"),
  BadJob(
    "parameters not indented", input + output + "analyses:\n  - center_of_mass:\n    outer_radius: 3 px\n",
    "job.yml:4: analyses.0: a map with the keys center_of_mass, outer_radius", "indent"),
]

let values = [
  BadJob(
    "peer's name", input + output + "calibration:\n  convergence_angle: 20 mrad\n" + analyses,
    "job.yml:4: calibration.convergence_angle: unknown key; did you mean 'semiangle'?"),
  BadJob(
    "misspelled key", input + output + "calibration:\n  enrgy: 200 keV\n" + analyses,
    "job.yml:4: calibration.enrgy: unknown key; did you mean 'energy'?"),
  BadJob(
    "no unit", input + output + "calibration:\n  energy: 200\n" + analyses,
    "job.yml:4: calibration.energy: '200' given; a value with its unit is allowed (keV, eV), for example '200 keV'"),
  BadJob(
    "wrong unit", input + output + "calibration: {energy: 200 mrad}\n" + analyses,
    "job.yml:3: calibration.energy: '200 mrad' given; a number with one of the units keV, eV"),
  BadJob(
    "volts", input + output + "calibration: {energy: 200 eV}\n" + analyses,
    "job.yml:3: calibration.energy: 200 eV given; 0.5 keV to 10000 keV"),
  BadJob(
    "zero step", input + output + "calibration: {scan_step: [0 Å, 1 Å]}\n" + analyses,
    "job.yml:3: calibration.scan_step: 0 given"),
  BadJob(
    "two dimensions in a pair", input + output + "calibration: {detector_pixel: [1 mrad, 0.1 Å⁻¹]}\n" + analyses,
    "job.yml:3: calibration.detector_pixel: [1 mrad, 0.1 Å⁻¹] given; two angles"),
  BadJob(
    "three values for a pair", input + output + "calibration: {center: [1, 2, 3]}\n" + analyses,
    "job.yml:3: calibration.center: '[1, 2, 3]' given; a pair [y, x]"),
  BadJob(
    "center beside the detector", input + output + "calibration: {center: [16, 10]}\n" + analyses,
    "job.yml:3: calibration.center: 16 px lies outside the 16 × 32 detector; 0 to 15 px"),
  BadJob(
    "center in mrad without pixel size",
    "input: {path: bare.h5}\n" + output
      + "calibration: {center: [30 mrad, 30 mrad]}\n" + analyses,
    "job.yml:3: calibration.center: 30 mrad given, but the size of a detector pixel", "calibration.detector_pixel"),
  BadJob(
    "yes for true", input + output + "calibration: {transpose: yes}\n" + analyses,
    "job.yml:3: calibration.transpose: 'yes' given; true or false"),
  BadJob(
    "roi beyond the scan", input + output + "scan:\n  roi: [[0, 7], [0, 8]]\n" + analyses,
    "job.yml:4: scan.roi: the rows [0, 7] given; [begin, end] with 0 ≤ begin < end ≤ 6"),
  BadJob(
    "empty roi", input + output + "scan: {roi: [[0, 6], [3, 3]]}\n" + analyses,
    "job.yml:3: scan.roi: the columns [3, 3] given"),
  BadJob(
    "flyback eats everything", input + output + "scan: {exclude_flyback: {columns: 5, last_columns: 3}}\n" + analyses,
    "job.yml:3: scan.exclude_flyback: nothing is left of the 6 × 8 scan"),
  BadJob(
    "unknown key in a nested map", input + output + "scan:\n  exclude_flyback:\n    colums: 1\n" + analyses,
    "job.yml:5: scan.exclude_flyback.colums: unknown key; did you mean 'columns'?"),
  BadJob(
    "radius outside", input + output + "analyses:\n  - center_of_mass:\n      outer_radius: 250 mrad\n",
    "job.yml:5: analyses.0.center_of_mass.outer_radius: 250 mrad lies outside the detector"),
  BadJob(
    "mrad without pixel size, center still unknown",
    "input: {path: bare.h5}\n" + output
      + "analyses:\n  - center_of_mass:\n      outer_radius: 250 mrad\n",
    "job.yml:5: analyses.0.center_of_mass.outer_radius: 250 mrad given, but the detector's pixel size"),
  BadJob(
    "required parameter", input + output + "analyses:\n  - virtual_detectors: {}\n",
    "job.yml:4: analyses.0.virtual_detectors.detectors: missing"),
  BadJob(
    "mask that is missing",
    input + output
      + "analyses:\n  - virtual_detectors:\n      detectors:\n        mine:\n          path: mask.npy\n",
    "job.yml:7: analyses.0.virtual_detectors.detectors.mine.path: mask.npy: there is no such file", code: .noInput),
]

let inputs = [
  BadJob("missing input", "input: {path: no.h5}\n" + output + analyses, "no.h5: there is no such file", code: .noInput),
  BadJob(
    "missing input with the name of a section", "input: {path: input.h5}\n" + output + analyses,
    "input.h5: there is no such file", code: .noInput),
  BadJob(
    "scan shape that does not multiply out", "input:\n  path: scan.h5\n  scan_shape: [7, 7]\n" + output + analyses,
    "job.yml:3: input.scan_shape: 7 × 7 = 49 positions given, but scan.h5 holds 48 frames (6 × 8)",
    "the product must be 48; [6, 8], [4, 12], [3, 16] multiply out", code: .badData),
  BadJob(
    "scan shape that nobody knows", "input: {path: frames.raw}\n" + output + analyses,
    "job.yml:1: input.scan_shape: missing; frames.raw holds 48 frames", "--scan-shape", "[6, 8], [4, 12], [3, 16]"),
  BadJob(
    "scan shape of zero", "input: {path: scan.h5, scan_shape: [0, 48]}\n" + output + analyses,
    "job.yml:1: input.scan_shape: '0' given; a whole number from 1"),
  BadJob(
    "pixel type", "input: {path: scan.h5, pixel_type: u17}\n" + output + analyses,
    "job.yml:1: input.pixel_type: 'u17' given; one of u8, u16"),
  BadJob(
    "output over the input", input + "output: {path: ./scan.h5}\n" + analyses,
    "job.yml:2: output.path: './scan.h5' is the input; the input is never modified"),
]

@Suite("bad jobs are refused with file, line, path and advice")
struct BadJobTests {
  @Test("each is refused", arguments: syntax + structure + values + inputs)
  func refused(_ job: BadJob) {
    let (text, code) = failure(job.yaml)
    #expect(text.hasPrefix(job.begins), "\(text)")
    for part in job.says { #expect(text.contains(part), "\(text)") }
    #expect(code == job.code)
  }

  @Test("all problems of a job come at once, bad values before missing files before bad data")
  func allAtOnce() {
    let (text, code) = failure(
      """
      input: {path: scan.h5, scan_shape: [5, 5]}
      output: {}
      calibration: {energy: 200, semiangle: 20 px}
      scan: {mask: scan_mask.npy}
      analyses:
        - center_of_mass: {radius: 3 px}
        - virtual_detectors: {detectors: {a: {size: 3}}}
      """)
    let places = text.split(separator: "\n").map { $0.split(separator: ": ").prefix(2).joined(separator: ": ") }
    #expect(
      places == [
        "job.yml:3: calibration.energy", "job.yml:3: calibration.semiangle", "job.yml:2: output.path",
        "job.yml:6: analyses.0.center_of_mass.radius", "job.yml:7: analyses.1.virtual_detectors.detectors.a.size",
        "job.yml:4: scan.mask", "job.yml:1: input.scan_shape",
      ])
    #expect(code == .badConfiguration)
  }

  @Test("a bad key of input does not hide that the file is missing")
  func doubtfulInput() {
    let (text, _) = failure("input: {path: no.h5, scan_shap: [6, 8]}\n" + output + analyses)
    #expect(text.contains("input.scan_shap: unknown key; did you mean 'scan_shape'?"))
    #expect(text.contains("no.h5: there is no such file"))
    let (other, _) = failure("input: {path: frames.raw, scan_shap: [6, 8]}\n" + output + analyses)
    #expect(other.split(separator: "\n").count == 1, "\(other)")
  }

  @Test("an alias bomb is refused at once, in values and in keys")
  func aliasBomb() {
    var values = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for (outer, inner) in zip("bcdefghijk", "abcdefghij") {
      values += "\(outer): &\(outer) [" + [String](repeating: "*\(inner)", count: 9).joined(separator: ", ") + "]\n"
    }
    #expect(failure(values + "? *k\n: 1\n").text.hasPrefix("job.yml:1:4: an anchor"))
  }

  @Test("deep nesting and huge files are refused")
  func hugeFiles() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(failure("input: " + deep).text.contains("nesting level"))
    #expect(
      failure("input: " + String(repeating: "[", count: 40) + String(repeating: "]", count: 40)).text.contains(
        "16 levels"))
    #expect(failure(String(repeating: "# comment\n", count: 110_000)).text.contains("at most 1 MiB"))
  }

  @Test("files that are no job: missing, a folder, not text")
  func files() throws {
    func refusal(_ path: String) -> (String, ExitCode) {
      do {
        _ = try JobFile.load(path: path)
        return ("", .done)
      } catch { return (error.description, error.exitCode) }
    }
    let folder = try TemporaryFolder()
    #expect(refusal(folder.path + "/no.yml").1 == .noInput)
    #expect(refusal(folder.path).0.contains("this is a folder"))
    let binary = try folder.write("binary.yml", [0xFF, 0xFE, 0x80, 0x00])
    #expect(refusal(binary).0.contains("not UTF-8"))
    let large = try folder.write("large.yml", [UInt8](repeating: 0x23, count: 2 << 20))
    #expect(refusal(large).0.contains("larger than 1 MiB"))
  }
}
