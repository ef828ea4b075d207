import Foundation
import STEM

extension SimulatedObject {
  /// The object grid covers the scan and the windows around it, but has at most so many samples along an axis
  /// (or as many as the detector): beyond it repeats.
  static let mostSamples = 1024

  /// The object of a simulation.
  init(_ parameters: SimulationParameters) {
    let sampling = parameters.sampling
    let reach = ScanGeometry(parameters).extent
    let cover = { (extent: Double, step: Double, window: Int) in
      max(window, Int(min((extent / step).rounded(.up) + Double(window), Double(Self.mostSamples))))
    }
    let shape = Shape(
      cover(reach.y, sampling.y, parameters.detectorShape.y), cover(reach.x, sampling.x, parameters.detectorShape.x))
    let size = Pair(Double(shape.y) * sampling.y, Double(shape.x) * sampling.x)
    // The center of the scan is at half of the sample shape.
    let middle = Pair(Double(shape.y / 2) * sampling.y, Double(shape.x / 2) * sampling.x)
    let blobs: [Blob] =
      switch parameters.object {
      case .vacuum: []
      case .charge: [Blob(y: middle.y, x: middle.x, height: 1)]
      case .lattice: Self.lattice(size, seed: parameters.seed)
      case .atoms: Self.disorder(size, seed: parameters.seed)
      }
    self.init(
      shape: shape, sampling: sampling, pad: parameters.detectorShape.y, blobs: blobs, width: Self.width(parameters),
      peak: parameters.peakPhase)
  }

  static func width(_ parameters: SimulationParameters) -> Double {
    if let width = parameters.objectWidth { return width }
    let sample = max(parameters.sampling.y, parameters.sampling.x)
    guard parameters.object == .charge else { return max(0.35, 1.5 * sample) }
    let reach = ScanGeometry(parameters).extent
    let wanted = max(min(reach.y, reach.x) / 6, parameters.wavelength / parameters.semiangle)
    return min(max(wanted, 1.5 * sample), parameters.window / 4)
  }

  /// A hexagonal layer with the lattice parameter of MoS₂ (3.16 Å), slightly strained to fit the periodic grid: two
  /// kinds of atoms, of the lighter one 3 % missing.
  private static func lattice(_ size: Pair<Double>, seed: Int) -> [Blob] {
    let parameter = 3.16
    let rows = max(1, Int((size.y / (parameter * 3.0.squareRoot())).rounded()))
    let columns = max(1, Int((size.x / parameter).rounded()))
    let cell = Pair(size.y / Double(rows), size.x / Double(columns))
    let basis: [(y: Double, x: Double, height: Double)] = [
      (0, 0, 1), (0.5, 0.5, 1), (1.0 / 3, 0, 0.55), (5.0 / 6, 0.5, 0.55),
    ]
    var random = RandomStream(seed: seed, stream: -1)
    var blobs: [Blob] = []
    for row in 0..<rows {
      for column in 0..<columns {
        for atom in basis where random.uniform() >= 0.03 || atom.height == 1 {
          blobs.append(
            Blob(
              y: (Double(row) + atom.y) * cell.y, x: (Double(column) + atom.x) * cell.x, height: atom.height))
        }
      }
    }
    return blobs
  }

  /// Atoms at random places, one in each square of 2.4 Å or none, never nearer than 0.7 Å to each other.
  private static func disorder(_ size: Pair<Double>, seed: Int) -> [Blob] {
    let rows = max(1, Int((size.y / 2.4).rounded()))
    let columns = max(1, Int((size.x / 2.4).rounded()))
    let cell = Pair(size.y / Double(rows), size.x / Double(columns))
    let heights = [0.3, 0.6, 1.0]
    var random = RandomStream(seed: seed, stream: -2)
    var blobs: [Blob] = []
    for row in 0..<rows {
      for column in 0..<columns {
        let jitter = Pair(random.uniform() * 0.7, random.uniform() * 0.7)
        let kind = Int(random.uniform() * 3.5)
        guard kind < heights.count else { continue }
        blobs.append(
          Blob(
            y: (Double(row) + jitter.y) * cell.y, x: (Double(column) + jitter.x) * cell.x, height: heights[kind]))
      }
    }
    return blobs
  }
}
