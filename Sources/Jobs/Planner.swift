import STEM

extension Plan {
  /// Decodes and checks a job against its input file; reads no frame. Throws `Problems`: all there are, in the order in
  /// which they would stop a run (a bad job, then a missing input, then bad data), each with file and line.
  public static func make(_ job: JobFile, in environment: JobEnvironment = .standard) throws(Problems) -> Plan {
    var planner = Planner(job: job, environment: environment)
    guard let plan = planner.plan(), planner.problems.isEmpty else {
      throw Problems(planner.problems.map(job.located).inOrderOfStopping)
    }
    return plan
  }
}

extension [Problem] {
  /// Bad jobs first, then inputs that are missing, then their content.
  fileprivate var inOrderOfStopping: [Problem] {
    let order: [ExitCode] = [.usage, .badConfiguration, .noInput, .badData]
    func rank(_ problem: Problem) -> Int { order.firstIndex(of: problem.code) ?? order.count }
    var seen: Set<Problem> = []
    return enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.map(\.element)
      .filter { seen.insert($0).inserted }
  }
}

/// The sections of a job, decoded.
struct DecodedSections {
  var input = InputSection()
  var output = OutputSection()
  var calibration = CalibrationSection()
  var scan = ScanSection()
  var detector = DetectorSection()
  var run = RunSection()
}

/// Collects problems instead of throwing, so that one run of `check` shows all of them.
struct Planner {
  let job: JobFile
  let environment: JobEnvironment
  var problems: [Problem] = []
  var warnings: [String] = []
  var arrays: [String: DenseArray] = [:]

  init(job: JobFile, environment: JobEnvironment) {
    self.job = job
    self.environment = environment
  }

  /// nil when the input could not be opened; otherwise a plan that is good when there are no problems.
  mutating func plan() -> Plan? {
    let sections = decodeSections()
    let follows = sections.calibration.center?.isFitted == true
    let analyses = withOrigin(decodeAnalyses(), isFollowed: follows)
    loadArrays(sections, analyses)
    guard let input = openInput(sections) else { return nil }
    let (rawScan, isKnown) = scanShape(sections.input, input.description)
    let (preprocessing, corrected) = corrected(input, rawScan, isKnown: isKnown, sections)
    let scan = corrected?.scan ?? rawScan
    let description = (corrected?.source ?? input).description
    var context = FrameContext(scan: scan, detector: description.detectorShape, pixelType: description.pixelType)
    context.saturation =
      corrected.map(\.saturation) ?? description.saturation ?? context.saturation
    context.calibration = calibration(sections.calibration, input.description, corrected)
    context.arrays = arrays
    context.deadPixels = corrected?.deadPixels
    context.followsOrigin = follows
    for analysis in analyses where follows {
      // Known from the files that give it: nothing is to be measured.
      guard let center = analysis.stage.given(context).center else { continue }
      context.calibration.center = Sourced(center, .file)
    }
    let selection = isKnown ? self.selection(sections.scan, scan) : PositionSelection(shape: scan)
    for analysis in analyses where follows && type(of: analysis.stage).keepsMeanCenter {
      warnings.append("\(analysis.name) does not follow the fitted origin: its rings stay around the mean center")
    }
    let unknown = unknown(analyses, context, sections)
    let calibrating = providers(of: unknown)
    check(analyses, calibrating, context, unknown)
    guard let outputPath = sections.output.path else { return nil }
    let resolution = Resolution(
      job: job, sections: sections, analyses: analyses, calibration: context.calibration, description: description,
      scan: rawScan)
    return Plan(
      rawSource: input, rawScan: rawScan, preprocessing: preprocessing, corrected: corrected, outputPath: outputPath,
      images: sections.output.images, scan: scan, selection: selection, context: context, analyses: analyses,
      calibrating: calibrating, unknown: unknown, warnings: warnings,
      resolvedJob: resolution.resolvedJob(), parameters: resolution.parameters(),
      checkpointInterval: sections.run.checkpointInterval.base, masksBadFrames: sections.run.onBadFrame == .mask,
      memoryPerRank: sections.run.memoryPerRank.map { Int($0.base) },
      scheduling: sections.run.scheduling)
  }

  mutating func add(_ error: any Error, inside place: String? = nil) {
    problems += STEM.problems(of: error).map { problem in place.map(problem.inside) ?? problem }
  }
}
