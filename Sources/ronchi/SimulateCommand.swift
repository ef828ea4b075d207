import ArgumentParser
import Runner
import STEM
import Simulation

extension SimulationParameters.ObjectKind: ExpressibleByArgument {}

struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate", abstract: "Writes a synthetic 4D-STEM scan with known truth, in parallel, of any size.",
    discussion: """
      EXAMPLES
        ronchi simulate scan.h5
        mpirun -n 8 ronchi simulate big.h5 --scan-shape 512,512 --detector-shape 256,256 --semiangle '20 mrad'
        ronchi simulate charge.h5 --object charge --no-noise --scan-rotation '17 deg' --transpose
      """)

  @Argument(help: ArgumentHelp("The file to write (h5USID).", valueName: "scan.h5"))
  var path: String

  @Option(help: ArgumentHelp("Scan positions.", valueName: "y,x")) var scanShape: String?
  @Option(help: ArgumentHelp("Detector pixels.", valueName: "y,x")) var detectorShape: String?
  @Option(help: "Beam energy, with unit: '200 keV'.") var energy: String?
  @Option(help: "Convergence semi-angle: '20 mrad'.") var semiangle: String?
  @Option(help: "Angle of a detector pixel: '1 mrad'.") var detectorPixel: String?
  @Option(help: "Distance of positions, one or y,x: '0.25 Å' or '0.2 Å,0.3 Å'.") var scanStep: String?
  @Option(help: "Electrons per pattern.") var dose: Double?
  @Flag(help: "Expected intensities as float32 instead of counts.") var noNoise = false
  @Option(help: "Seed of object and noise.") var seed: Int?
  @Option(help: "Defocus, positive = underfocus: '100 Å'; if negative, with =: --defocus='-100 Å'.") var defocus:
    String?
  @Option(help: "Rotation of the detector against the scan: '17 deg'; if negative, with =: --scan-rotation='-50 deg'.")
  var scanRotation: String?
  @Flag(help: "The detector is transposed.") var transpose = false
  @Option(
    help: "What the beam passes: \(SimulationParameters.ObjectKind.allCases.map(\.rawValue).joined(separator: ", ")).")
  var object: SimulationParameters.ObjectKind?
  @Option(help: "Largest phase shift [rad].") var peakPhase: Double?
  @Option(help: "Width of an atom or of the charge (standard deviation): '0.5 Å'.") var objectWidth: String?
  @Flag(help: "Replaces an existing file.") var overwrite = false
  @OptionGroup(title: "Log") var logging: LoggingOptions

  func run() throws {
    let parameters = try parameters()
    let session = try ParallelSession(logging)
    try session.run {
      let run = SimulationRun(
        parameters, path: path, overwrite: overwrite, commandLine: CommandLine.arguments, ranks: session.ranks,
        events: session.console)
      let seconds = try run.run()
      if session.ranks.rank == 0 { printSummary(parameters, seconds) }
    }
    end(.done)
  }

  private func printSummary(_ parameters: SimulationParameters, _ seconds: Double) {
    let rate = Double(parameters.scanShape.count) / seconds
    print("scan \(parameters.scanShape.text), detector \(parameters.detectorShape.text), \(parameters.object.rawValue)")
    print("\(parameters.scanShape.count) patterns in \(shortNumber(seconds)) s: \(Int(rate)) patterns/s")
    print("scan: \(path)")
  }

  private func parameters() throws -> SimulationParameters {
    var result = SimulationParameters()
    if let scanShape { result.scanShape = try parsedShape(scanShape, "--scan-shape") }
    if let detectorShape { result.detectorShape = try parsedShape(detectorShape, "--detector-shape") }
    if let energy { result.energy = try quantity(energy, "--energy", .energy) }
    if let semiangle { result.semiangle = try quantity(semiangle, "--semiangle", .angle) }
    if let detectorPixel { result.detectorPixel = try quantity(detectorPixel, "--detector-pixel", .angle) }
    if let scanStep { result.scanStep = try lengths(scanStep) }
    if let dose { result.dose = dose }
    if noNoise { result.dose = nil }
    if let seed { result.seed = seed }
    if let defocus { result.c10 = -(try quantity(defocus, "--defocus", .length)) }
    if let scanRotation { result.scanRotation = try quantity(scanRotation, "--scan-rotation", .angle) }
    result.transpose = transpose
    if let object { result.object = object }
    if let peakPhase { result.peakPhase = peakPhase }
    if let objectWidth { result.objectWidth = try quantity(objectWidth, "--object-width", .length) }
    return result
  }

  private func quantity(_ text: String, _ option: String, _ dimension: Unit.Dimension) throws -> Double {
    guard let value = Quantity(text), value.unit.dimension == dimension else {
      let units = Unit.allCases.filter { $0.dimension == dimension }.map(\.rawValue).joined(separator: ", ")
      throw Problem(.usage, at: option, "'\(text)' given; a number with one of the units \(units) is allowed")
    }
    return value.base
  }

  private func lengths(_ text: String) throws -> Pair<Double> {
    let values = try text.split(separator: ",").map { try quantity(String($0), "--scan-step", .length) }
    guard (1...2).contains(values.count) else {
      throw Problem(.usage, at: "--scan-step", "'\(text)' given; one length or y,x is allowed: '0.2 Å,0.3 Å'")
    }
    return Pair(values[0], values[values.count - 1])
  }
}
