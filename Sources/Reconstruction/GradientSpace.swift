import FFT
import STEM

/// How maps are continued beyond the scan.
enum Boundary: String, ChoiceParameter {
  /// Even about the scan's edges, half a step beyond the outermost positions.
  case mirror
  /// The scan repeats itself.
  case periodic
}

/// Maps on a scan as series of waves whose gradients are exact: the basis is orthonormal, the scan periodic or mirrored.
protocol GradientSpace: AnyObject {
  var shape: Shape { get }
  /// Numbers of a spectrum.
  var count: Int { get }
  /// |k|² of each number as the gradient sees it [rad²/Å²]: 0 for the constant, the highest frequency of an even number
  /// of samples counts as 0 along its axis.
  var squares: [Double] { get }
  /// q² of each number [Å⁻²]
  var frequencies: [Double] { get }

  /// The map of a spectrum.
  func synthesize(_ spectrum: [Double], into map: inout [Double])
  func analyze(_ map: [Double], into spectrum: inout [Double])
  /// The gradient of the map of a spectrum [1/Å]: ik operator.
  func gradient(_ spectrum: [Double], y: inout [Double], x: inout [Double])
  /// The adjoint of `gradient`: minus the divergence.
  func adjoint(y: [Double], x: [Double], into spectrum: inout [Double])
}

func makeSpace(_ boundary: Boundary, _ shape: Shape, step: Pair<Double>) -> any GradientSpace {
  switch boundary {
  case .mirror: MirrorSpace(shape, step: step)
  case .periodic: PeriodicSpace(shape, step: step)
  }
}
