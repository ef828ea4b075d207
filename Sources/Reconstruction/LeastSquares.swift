import STEM

/// The map whose gradient comes nearest to a measured one at the positions where that is known:
/// minimizes Σ_known |∇φ − g|² + λ·Σ (∇²φ)², by conjugate gradients on the normal equations, preconditioned with the
/// solution for a scan without gaps (one iteration there). The misfit falls from iteration to iteration.
/// Hestenes & Stiefel, J. Res. NBS 49 (1952) 409, section 10; Björck, Numerical Methods for Least Squares Problems
/// (1996), section 7.4.
struct LeastSquares {
  let space: any GradientSpace
  let isKnown: [Bool]
  /// λ [Å²]
  let smoothing: Double
  let iterations: Int
  /// Ends where an iteration lowers the misfit by less than this part of it; or where its slope has fallen to this part
  /// of what it was at the start.
  let tolerance: Double

  struct Outcome {
    var spectrum: [Double]
    var iterations: Int
    /// Root of the mean of |∇φ − g|² over the known positions at the start and after every iteration of this process.
    var residuals: [Double]
    var hasConverged: Bool
  }

  /// - Parameter gradient: ignored where it is not known
  func solve(_ gradient: VectorMap, _ control: any SolverControl) throws -> Outcome {
    var state = control.savedState.flatMap { LeastSquaresState($0, space.count, space.shape.count) } ?? start(gradient)
    var step = VectorMap(space.shape, y: state.residual.y, x: state.residual.x)
    var residuals = [misfit(state)]
    while state.iteration < iterations, !hasConverged(state) {
      advance(&state, &step)
      let before = residuals.last!, after = misfit(state)
      state.fall = before > 0 ? 1 - after / before : 0
      residuals.append(after)
      try control.ended(iteration: state.iteration, of: iterations, residual: residuals.last!) { state.bytes }
    }
    return Outcome(
      spectrum: state.solution, iterations: state.iteration, residuals: residuals, hasConverged: hasConverged(state))
  }

  /// The solution without gaps: exact where every position is known.
  static func direct(_ gradient: VectorMap, in space: any GradientSpace, smoothing: Double) -> [Double] {
    var spectrum: [Double] = []
    space.adjoint(y: gradient.y, x: gradient.x, into: &spectrum)
    let squares = space.squares
    for index in spectrum.indices { spectrum[index] *= preconditioner(squares[index], smoothing) }
    return spectrum
  }

  /// The zero frequency stays 0.
  private static func preconditioner(_ square: Double, _ smoothing: Double) -> Double {
    square > 0 ? 1 / (square * (1 + smoothing * square)) : 0
  }

  private func start(_ gradient: VectorMap) -> LeastSquaresState {
    var residual = gradient
    for index in isKnown.indices where !isKnown[index] { (residual.y[index], residual.x[index]) = (0, 0) }
    var state = LeastSquaresState(
      solution: Array(repeating: 0, count: space.count), direction: Array(repeating: 0, count: space.count),
      residual: residual)
    turn(&state)
    state.firstGamma = state.gamma
    return state
  }

  private func hasConverged(_ state: LeastSquaresState) -> Bool {
    !(state.gamma > tolerance * tolerance * state.firstGamma) || state.fall < tolerance
  }

  private func advance(_ state: inout LeastSquaresState, _ step: inout VectorMap) {
    space.gradient(state.direction, y: &step.y, x: &step.x)
    var square = 0.0
    for index in isKnown.indices {
      if isKnown[index] {
        square += step.y[index] * step.y[index] + step.x[index] * step.x[index]
      } else {
        (step.y[index], step.x[index]) = (0, 0)
      }
    }
    if smoothing > 0 { square += curvature(state.direction) }
    guard square > 0 else {
      state.gamma = 0
      state.iteration += 1
      return
    }
    let length = state.gamma / square
    add(length, state.direction, to: &state.solution)
    add(-length, step.y, to: &state.residual.y)
    add(-length, step.x, to: &state.residual.x)
    turn(&state)
    state.iteration += 1
  }

  /// The next direction from the residual.
  private func turn(_ state: inout LeastSquaresState) {
    let squares = space.squares
    var slope: [Double] = []
    space.adjoint(y: state.residual.y, x: state.residual.x, into: &slope)
    var gamma = 0.0
    for index in slope.indices {
      let square = squares[index]
      let value = slope[index] - smoothing * square * square * state.solution[index]
      let factor = Self.preconditioner(square, smoothing)
      gamma += factor * value * value
      slope[index] = factor * value
    }
    let share = state.gamma > 0 ? gamma / state.gamma : 0
    for index in slope.indices { state.direction[index] = slope[index] + share * state.direction[index] }
    state.gamma = gamma
  }

  /// λ·Σ (∇²φ)² of a spectrum.
  private func curvature(_ spectrum: [Double]) -> Double {
    let squares = space.squares
    var sum = 0.0
    for index in spectrum.indices {
      let value = squares[index] * spectrum[index]
      sum += value * value
    }
    return smoothing * sum
  }

  private func misfit(_ state: LeastSquaresState) -> Double {
    var sum = smoothing > 0 ? curvature(state.solution) : 0
    for index in isKnown.indices {
      let (y, x) = (state.residual.y[index], state.residual.x[index])
      sum += y * y + x * x
    }
    let known = isKnown.reduce(0) { $0 + ($1 ? 1 : 0) }
    return (sum / Double(max(1, known))).squareRoot()
  }

  private func add(_ factor: Double, _ values: [Double], to sum: inout [Double]) {
    values.withUnsafeBufferPointer { values in
      sum.withUnsafeMutableBufferPointer { sum in
        for index in values.indices { sum[index] += factor * values[index] }
      }
    }
  }
}

/// All that an iteration needs of those before it.
struct LeastSquaresState {
  var iteration = 0
  /// Squared length of the preconditioned slope, now and at the start.
  var gamma = 0.0
  var firstGamma = 0.0
  /// Part of the misfit that the last iteration took away.
  var fall = Double.infinity
  var solution: [Double]
  var direction: [Double]
  var residual: VectorMap

  init(solution: [Double], direction: [Double], residual: VectorMap) {
    self.solution = solution
    self.direction = direction
    self.residual = residual
  }

  /// nil for bytes of another size. `positions`: of `shape`, which the caller keeps.
  init?(_ bytes: [UInt8], _ count: Int, _ positions: Int) {
    guard bytes.count == 8 * (4 + 2 * count + 2 * positions) else { return nil }
    let numbers = bytes.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
    iteration = Int(numbers[0])
    (gamma, firstGamma, fall) = (numbers[1], numbers[2], numbers[3])
    solution = Array(numbers[4..<4 + count])
    direction = Array(numbers[4 + count..<4 + 2 * count])
    let rest = Array(numbers[(4 + 2 * count)...])
    residual = VectorMap(
      Shape(1, positions), y: Array(rest[..<positions]), x: Array(rest[positions...]))
  }

  var bytes: [UInt8] {
    let numbers = [Double(iteration), gamma, firstGamma, fall] + solution + direction + residual.y + residual.x
    return numbers.withUnsafeBytes { Array($0) }
  }
}
