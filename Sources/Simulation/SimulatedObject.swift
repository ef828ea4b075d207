import Foundation
import STEM

/// A weak phase object on a periodic grid along the detector's axes: a sum of Gaussians.
///
/// Arrays are stored column after column, y fastest, and repeat their first `pad` rows at the end, so that the window
/// of a position is a row of contiguous pieces wherever it begins.
struct SimulatedObject {
  /// A Gaussian: place on the grid [Å] and height before scaling.
  struct Blob {
    var y: Double
    var x: Double
    var height: Double
  }

  let shape: Shape
  let pad: Int
  /// Values of a stored column.
  var stride: Int { shape.y + pad }
  private(set) var phase: [Float]
  /// Derivatives of the phase [rad/Å].
  private(set) var slopeY: [Float]
  private(set) var slopeX: [Float]
  /// exp(i·phase)
  private(set) var transmission: [Sample]

  /// - Parameters:
  ///   - width: standard deviation of the blobs [Å]
  ///   - peak: largest phase of the sum [rad]
  init(shape: Shape, sampling: Pair<Double>, pad: Int, blobs: [Blob], width: Double, peak: Double) {
    self.shape = shape
    self.pad = pad
    var field = GaussianField(shape: shape, sampling: sampling, width: width)
    for blob in blobs { field.add(blob) }
    let top = field.phase.max() ?? 0
    let scale = top > 0 ? peak / top : 0
    let stride = shape.y + pad
    let spread = { (values: [Double]) in
      (0..<shape.x * stride).map { Float(scale * values[$0 / stride * shape.y + $0 % stride % shape.y]) }
    }
    phase = spread(field.phase)
    slopeY = spread(field.slopeY)
    slopeX = spread(field.slopeX)
    transmission = phase.map { Sample(cos($0), sin($0)) }
  }
}

/// Sums Gaussians and their derivatives on a periodic grid, y fastest.
private struct GaussianField {
  let shape: Shape
  let sampling: Pair<Double>
  let width: Double
  var phase: [Double]
  var slopeY: [Double]
  var slopeX: [Double]

  init(shape: Shape, sampling: Pair<Double>, width: Double) {
    self.shape = shape
    self.sampling = sampling
    self.width = width
    phase = [Double](repeating: 0, count: shape.count)
    slopeY = phase
    slopeX = phase
  }

  mutating func add(_ blob: SimulatedObject.Blob) {
    let columns = profile(at: blob.x, step: sampling.x, count: shape.x)
    let rows = profile(at: blob.y, step: sampling.y, count: shape.y)
    for column in columns {
      for row in rows {
        let value = blob.height * row.value * column.value
        let index = column.index * shape.y + row.index
        phase[index] += value
        slopeY[index] -= value * row.distance / (width * width)
        slopeX[index] -= value * column.distance / (width * width)
      }
    }
  }

  /// The Gaussian along one axis out to six standard deviations.
  private func profile(at place: Double, step: Double, count: Int) -> [(index: Int, distance: Double, value: Double)] {
    let first = Int(((place - 6 * width) / step).rounded(.up))
    let last = Int(((place + 6 * width) / step).rounded(.down))
    return (first...max(first, last)).map { sample in
      let distance = Double(sample) * step - place
      let index = ((sample % count) + count) % count
      return (index, distance, exp(-distance * distance / (2 * width * width)))
    }
  }
}
