/// The outputs of one kernel. A kernel takes a buffer for each output when it is made; from then on nobody looks an output
/// up by its name, neither the kernel nor who writes the file.
///
/// A name that is not declared, an output taken in the wrong form or twice, and one that nobody takes are errors of the
/// analysis: they throw `Problem` (code `.internalError`) before the first frame is read.
public final class OutputBinding {
  /// A buffer of rows, and the place of its output in `outputs`.
  public struct BoundRows {
    public let place: Int
    public let rows: Rows
  }

  /// What `FrameAnalysis.outputs` gave.
  public let outputs: [OutputDescription]
  /// In the order in which the kernel took them.
  public private(set) var rows: [BoundRows] = []
  private var wholes: [(place: Int, whole: Whole)] = []
  private var sums: [Whole] = []
  private let analysis: String
  private let detector: Shape
  /// Whether a solver gives the outputs that the kernel does not take.
  private let solves: Bool

  /// - Parameters:
  ///   - analysis: its name, for messages
  ///   - detector: of the frames that the kernel will see
  public init(_ analysis: String, _ outputs: [OutputDescription], detector: Shape, solves: Bool = false) {
    self.analysis = analysis
    self.outputs = outputs
    self.detector = detector
    self.solves = solves
  }

  /// The outputs of `analysis` on this scan. Throws what its `outputs` throws.
  public convenience init<Analysis: FrameAnalysis>(of analysis: Analysis, _ context: FrameContext) throws {
    self.init(
      Analysis.declaration.name, try analysis.outputs(context), detector: context.detector,
      solves: (analysis as? any Reconstruction)?.solves(context) ?? false)
  }

  // MARK: for kernels

  /// The buffer of an output that has a value, or a profile, for every position.
  public func rows(_ name: String) throws(Problem) -> Rows {
    let (place, output) = try take(name, perPosition: true)
    let buffer = Rows(name, width: try count(output), element: output.element)
    rows.append(BoundRows(place: place, rows: buffer))
    return buffer
  }

  /// The place for an output that is one array for the whole scan; the kernel's `finish` sets it.
  public func whole(_ name: String) throws(Problem) -> Whole {
    let (place, output) = try take(name, perPosition: false)
    let handle = Whole(name, count: try count(output) * output.element.parts)
    wholes.append((place, handle))
    return handle
  }

  /// The place for values that are no output but needed by the solver, which finds them in `PassResults.sums`; the
  /// kernel's `finish` sets them.
  public func sum(_ name: String, count: Int) throws(Problem) -> Whole {
    guard solves else { throw wrong(name, "bound as a sum for the solver, but \(analysis) has no solver") }
    guard !isKnown(name) else { throw wrong(name, "bound as a sum, but taken before, or the name of an output") }
    let handle = Whole(name, count: count)
    sums.append(handle)
    return handle
  }

  // MARK: for the engine

  /// Throws where an output is left that nobody fills.
  func checkAllBound() throws(Problem) {
    if !solves, let missing = unbound.first {
      throw wrong(outputs[missing].name, "declared, but not bound by the kernel: the file would have no values for it")
    }
  }

  public var rowBytes: Int { rows.reduce(0) { $0 + $1.rows.rowBytes } }

  /// Makes room for `count` positions; all their values are missing (NaN) until the kernel sets them.
  public func prepare(rows count: Int) { for bound in rows { bound.rows.prepare(rows: count) } }

  /// The values of the outputs that are one array for the scan, by place in `outputs`. To be called after the kernel's
  /// `finish`; throws where it did not set one, or set another number of values.
  public func finished() throws(Problem) -> [(place: Int, values: [Double])] {
    var found: [(place: Int, values: [Double])] = []
    for (place, whole) in wholes { found.append((place, try values(whole))) }
    return found
  }

  /// What the kernel found for its solver, by name. Throws as `finished`.
  public func finishedSums() throws(Problem) -> [String: [Double]] {
    var found: [String: [Double]] = [:]
    for whole in sums + wholes.map(\.whole) { found[whole.name] = try values(whole) }
    return found
  }

  /// What a solver gave, by place in `outputs`: exactly the outputs that the kernel did not take, else throws.
  public func solved(_ values: [String: [Double]]) throws(Problem) -> [(place: Int, values: [Double])] {
    var found: [(place: Int, values: [Double])] = []
    for place in unbound {
      guard let whole = values[outputs[place].name] else {
        throw wrong(outputs[place].name, "given neither by the kernel nor by the solver")
      }
      found.append((place, whole))
    }
    let wanted = Set(unbound.map { outputs[$0].name })
    if let surplus = values.keys.filter({ !wanted.contains($0) }).min() {
      throw wrong(surplus, "given by the solver, but not declared, or bound by the kernel")
    }
    return found
  }

  // MARK: -

  private var bound: Set<Int> { Set(rows.map(\.place)).union(wholes.map(\.place)) }
  private var unbound: [Int] { outputs.indices.filter { !bound.contains($0) } }

  private func isKnown(_ name: String) -> Bool {
    outputs.contains { $0.name == name } || sums.contains { $0.name == name }
  }

  private func take(_ name: String, perPosition: Bool) throws(Problem) -> (Int, OutputDescription) {
    guard let place = outputs.firstIndex(where: { $0.name == name }) else {
      let guess = nearest(name, among: outputs.map(\.name)).map { "; did you mean '\($0)'?" } ?? ""
      throw wrong(name, "bound by the kernel, but not declared\(guess)")
    }
    let output = outputs[place]
    guard output.isPerPosition == perPosition else {
      let (given, right) = perPosition ? ("rows", "whole") : ("whole", "rows")
      throw wrong(name, "bound as \(given), but it is a \(output.kind.rawValue); bind it as \(right)")
    }
    guard !bound.contains(place) else { throw wrong(name, "bound twice") }
    return (place, output)
  }

  /// Values of a position, or of the whole scan.
  private func count(_ output: OutputDescription) throws(Problem) -> Int {
    if output.columns == .axes([]) { throw wrong(output.name, "a \(output.kind.rawValue) without an axis") }
    guard case .axes(let axes) = output.rows else { return output.columnCount(detector: detector) }
    return axes.reduce(output.columnCount(detector: detector)) { $0 * $1.values.count }
  }

  private func values(_ whole: Whole) throws(Problem) -> [Double] {
    guard let values = whole.values else { throw wrong(whole.name, "not set by the kernel's finish()") }
    guard values.count == whole.count else {
      throw wrong(whole.name, "set to \(values.count) values by the kernel; \(whole.count) are needed")
    }
    return values
  }

  private func wrong(_ name: String, _ what: String) -> Problem {
    let declared = outputs.map { "\($0.name) (\($0.isPerPosition ? "rows" : "whole"))" }
    return Problem(
      .internalError, at: name,
      "\(what) (analysis \(analysis)); declared: \(declared.isEmpty ? "nothing" : declared.joined(separator: ", "))")
  }
}

/// A kernel and the outputs that it took: what a pass runs. There is none with an output left.
public struct BoundKernel {
  public let kernel: any FrameKernel
  public let outputs: OutputBinding

  /// Throws what `make` throws, and `Problem` where it leaves an output that nobody fills.
  public init(_ outputs: OutputBinding, _ make: (OutputBinding) throws -> any FrameKernel) throws {
    self.outputs = outputs
    kernel = try make(outputs)
    try outputs.checkAllBound()
  }

  /// The kernel of `analysis` with its outputs on this scan.
  public init(_ analysis: some FrameAnalysis, _ context: FrameContext) throws {
    try self.init(try OutputBinding(of: analysis, context)) { try analysis.makeKernel(context, $0) }
  }

  /// A kernel that fills no output.
  public init(measuring kernel: any FrameKernel) {
    self.kernel = kernel
    outputs = OutputBinding("measurement", [], detector: Shape(0, 0))
  }
}

extension StageContext {
  /// A kernel of a stage with a `run` of its own, which writes the outputs that the kernel does not take.
  public func bind(_ name: String, _ make: (OutputBinding) throws -> any FrameKernel) throws -> BoundKernel {
    try BoundKernel(OutputBinding(name, outputs, detector: frame.detector, solves: true), make)
  }
}
