import Jobs
import STEM
import Testing

@Suite("values from the command line")
struct OverrideTests {
  private let job = """
    input:
      path: bare.h5
    output: {path: result.h5}
    analyses:
      - virtual_detectors:
          detectors:
            disk: {radius: 10 px}
      - center_of_mass
    """

  @Test("--set reaches into lists and user-named maps, and its origin is the command line")
  func listPath() throws {
    let plan = try plan(job, [.set("analyses.0.virtual_detectors.detectors.disk.radius=12 px")])
    let radius = try #require(plan.parameters.first { $0.path == "analyses.0.virtual_detectors.detectors" })
    #expect(radius.value == "{disk: {radius: 12 px}}")
    #expect(radius.origin == .commandLine)
    #expect(plan.resolvedJob.contains("disk: {radius: 12 px}"))
  }

  @Test("--set takes the name of an analysis for its place, where the job lists one of that name")
  func byName() throws {
    let plan = try plan(
      job, [.set("virtual_detectors.detectors.disk.radius=12 px"), .set("center_of_mass.outer_radius='5 px'")])
    #expect(plan.resolvedJob.contains("disk: {radius: 12 px}"))
    #expect(plan.analyses[1].parameters[0].value == .text("5 px"))
    #expect(plan.analyses[1].parameters[0].origin == .commandLine)
    let twice = job + "\n  - center_of_mass"
    let found = failure(twice, [try .set("center_of_mass.outer_radius='5 px'")])
    #expect(found.code == .usage)
    #expect(
      found.text.contains(
        "the job lists center_of_mass 2 times; say which: analyses.1.center_of_mass.outer_radius, "
          + "analyses.2.center_of_mass.outer_radius"), "\(found.text)")
  }

  @Test("--set makes the maps that are missing")
  func missingMaps() throws {
    let plan = try plan(
      job,
      [
        .set("calibration.energy= 300 keV "), .set("calibration.center=[7, 15.5]"),
        .set("analyses.1.center_of_mass.outer_radius='5 px'"), .set("scan={roi: [[1, 3], [0, 8]]}"),
      ])
    #expect(plan.context.calibration.energy == Sourced(300_000, .commandLine))
    #expect(plan.context.calibration.center == Sourced(Pair(7, 15.5), .commandLine))
    #expect(plan.selection.count == 16)
    #expect(plan.analyses[1].parameters[0].value == .text("5 px"))
    #expect(plan.analyses[1].parameters[0].origin == .commandLine)
  }

  @Test("the options for input and output take the place of the file's values")
  func typedOptions() throws {
    let plan = try plan(
      "input: {path: no.h5}\nanalyses: [center_of_mass]",
      [.input("frames.raw"), .output("other.h5"), .input("scan_shape", "8x6"), .input("dataset", "/a"), .noImages])
    #expect(plan.description.path == "frames.raw")
    #expect(plan.scan == Pair(8, 6))
    #expect(plan.outputPath == "other.h5")
    #expect(!plan.images)
    #expect(plan.parameters.contains(ResolvedParameter(path: "input.path", value: "frames.raw", origin: .commandLine)))
  }

  @Test("the later of two values wins")
  func order() throws {
    let plan = try plan(goodJob, [.set("calibration.energy=80 keV"), .set("calibration.energy=60 keV")])
    #expect(plan.context.calibration.energy?.value == 60_000)
  }

  @Test("null removes a value")
  func null() throws {
    let plan = try plan(goodJob + "\ncalibration: {energy: 80 keV}", [.set("calibration.energy=null")])
    #expect(plan.context.calibration.energy == Sourced(200_000, .file))
  }

  @Test("null takes an entry out of a map, and what is needed is then missing")
  func nullEntries() throws {
    let job = goodJob + "\n  - virtual_detectors: {detectors: {a: {preset: bf}, b: {preset: adf}}}\n"
    let tree = try JobFile.parse(
      job, name: "job.yml", overrides: [.set("analyses.1.virtual_detectors.detectors.b=null")])
    #expect(tree.root.text.contains("a: {preset: bf}") && !tree.root.text.contains("b: {preset"))
    let empty = try JobFile.parse(
      job, name: "job.yml", overrides: [.set("analyses.1.virtual_detectors.detectors=null")])
    #expect(empty.root.text.contains("virtual_detectors: {}"))
  }

  @Test(
    "a path that leads nowhere says what is there",
    arguments: [
      (
        "analyses.2.center_of_mass.outer_radius=3 px",
        "there is no '2' at analyses, which is a list with the places 0 to 1"
      ),
      ("analyses.x.center_of_mass=1", "there is no 'x' at analyses"),
      (
        "analyses.1.virtual_detectors.a=1",
        "there is no 'virtual_detectors' at analyses.1, which is the text 'center_of_mass'"
      ),
      ("analyses.0.center_of_mass.outer_radius=3 px", "at analyses.0, which is a map with the keys virtual_detectors"),
      ("input.path.name=a", "there is no 'name' at input.path, which is the text 'bare.h5'"),
    ])
  func nowhere(assignment: String, message: String) throws {
    let (text, code) = failure(job, [try .set(assignment)])
    #expect(text.hasPrefix("--set \(assignment.split(separator: "=")[0]): "), "\(text)")
    #expect(text.contains(message), "\(text)")
    #expect(code == .badConfiguration)
  }

  @Test("problems name the option and not a line of the file")
  func places() throws {
    #expect(
      failure(goodJob, [try .set("calibration.energy=200")]).text.hasPrefix("--set calibration.energy: '200' given"))
    #expect(
      failure(goodJob, [try .set("calibration={energy: 200}")]).text
        .hasPrefix("--set calibration: calibration.energy: '200' given"))
    #expect(failure(goodJob, [try .set("calibration.enrgy=1")]).text.hasPrefix("--set calibration.enrgy: unknown key"))
    #expect(
      failure(goodJob, [try .input("scan_shape", "5,5")]).text.hasPrefix("--scan-shape: 5 × 5 = 25 positions given"))
    #expect(
      failure(job, [try .set("analyses.0.virtual_detectors.detectors.disk.radius=3 mrad")]).text
        .hasPrefix(
          "job.yml:7: analyses.0.virtual_detectors.detectors.disk (changed by --set "
            + "analyses.0.virtual_detectors.detectors.disk.radius): 3 mrad given, but"))
  }

  @Test(
    "options that cannot be read are usage errors",
    arguments: ["energy", "=3", "a..b=1", ".a=1", "a=[1", "a=*b", "a=.nan"])
  func unreadable(assignment: String) {
    #expect { try Override.set(assignment) } throws: { ($0 as? Problem)?.code == .usage }
  }

  @Test("a scan shape is two positive whole numbers", arguments: ["64", "64,0", "a,b", "1,2,3", "", "-3,4", "3.5,2"])
  func badScanShape(text: String) {
    #expect { try Override.input("scan_shape", text) } throws: { ($0 as? Problem)?.code == .usage }
  }
}
