import Foundation
import STEM

/// A part of an output that makes one picture: the output itself, one frame of a stack, amplitude or phase.
struct View {
  /// Behind the file's name: empty, `_3`, `_amplitude`, `_3_phase`.
  let suffix: String
  /// Made when it is needed: a stack can be large.
  let array: () -> ResultArray
}

extension ResultArray {
  /// Why an output has no picture; nil where it has one. `axisCount`: dimensions of the array.
  static func reasonNotToDraw(_ kind: OutputKind, axisCount: Int) -> String? {
    switch kind {
    case .table: return "is a table"
    case .value: return "is a single value"
    default: return axisCount > 3 ? "has \(axisCount) dimensions" : nil
    }
  }

  /// Frames that `views` can give; 1 for what is no stack.
  var frameCount: Int { stackAxis.map { axes[$0].values.count } ?? 1 }

  /// What pictures show of the output: of a stack the first frames, of complex numbers amplitude and phase.
  func views(firstFrames limit: Int = .max) -> [View] {
    let frames = stackAxis == nil ? [View(suffix: "") { self }] : (0..<min(limit, frameCount)).map(frame)
    guard imaginary != nil else { return frames }
    return frames.flatMap { frame in
      [
        View(suffix: frame.suffix + "_amplitude") { frame.array().amplitude },
        View(suffix: frame.suffix + "_phase") { frame.array().phase },
      ]
    }
  }

  /// The axis that counts frames: the first of three, or the components of what is known at every position.
  private var stackAxis: Int? {
    guard axes.count == 3 else { return nil }
    if kind == .volume { return 0 }
    return kind == .perPositionProfile && axes[2].name == OutputAxis.componentName ? 2 : nil
  }

  private func frame(_ number: Int) -> View {
    View(suffix: "_\(number)") { frame(number, along: stackAxis ?? 0) }
  }

  private func frame(_ number: Int, along stack: Int) -> ResultArray {
    let size = axes[stack].values.count
    let length = values.count / size
    // Frames lie one behind the other, or interleaved sample by sample.
    let places =
      stack == 0
      ? Array(number * length..<(number + 1) * length) : Array(stride(from: number, to: values.count, by: size))
    var result = self
    result.axes.remove(at: stack)
    result.values = places.map { values[$0] }
    result.imaginary = imaginary.map { all in places.map { all[$0] } }
    result.output += ", \(axes[stack].name) \(tickLabel(axes[stack].values[number]))"
    result.kind = stack == 2 ? .map : result.axes.map(\.name) == ["Qy", "Qx"] ? .pattern : .image
    return result
  }

  /// Of complex numbers.
  private var amplitude: ResultArray {
    var result = realPart
    result.values = zip(values, imaginary ?? []).map { hypot($0, $1) }
    result.quantity = "Amplitude"
    result.signed = false
    return result
  }

  /// Of complex numbers. Small phases show best in gray; those of the whole turn in colors that close at ±π.
  private var phase: ResultArray {
    var result = realPart
    result.values = zip(values, imaginary ?? []).map { atan2($1, $0) }
    let isWrapped = result.values.count { abs($0) > 0.75 * .pi } > values.count / 100
    (result.quantity, result.unit, result.signed) = (isWrapped ? "Angle" : "Phase", "rad", isWrapped)
    if kind == .pattern { result.kind = .image }
    return result
  }

  private var realPart: ResultArray {
    var result = self
    result.imaginary = nil
    result.element = element == .complex64 ? .float32 : .float64
    return result
  }
}
