import Foundation
import STEM

/// A part of an output that makes one picture: the output itself, one frame of a stack, amplitude or phase.
struct View {
  /// Behind the file's name: empty, `_3`, `_amplitude`, `_3_phase`.
  var suffix: String
  var array: ResultArray
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
    frames(limit).flatMap { frame in
      frame.array.parts.map { View(suffix: frame.suffix + $0.suffix, array: $0.array) }
    }
  }

  /// The axis that counts frames: the first of three, or the components of what is known at every position.
  private var stackAxis: Int? {
    guard axes.count == 3 else { return nil }
    if kind == .volume { return 0 }
    return kind == .perPositionProfile && axes[2].name == OutputAxis.componentName ? 2 : nil
  }

  private func frames(_ limit: Int) -> [View] {
    guard let stackAxis else { return [View(suffix: "", array: self)] }
    return (0..<min(limit, frameCount)).map { number in
      View(suffix: "_\(number)", array: frame(number, along: stackAxis))
    }
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

  private var parts: [View] {
    guard let imaginary else { return [View(suffix: "", array: self)] }
    var (amplitude, phase) = (self, self)
    (amplitude.imaginary, phase.imaginary) = (nil, nil)
    amplitude.element = element.part
    amplitude.signed = false
    amplitude.values = zip(values, imaginary).map { hypot($0, $1) }
    amplitude.quantity = "Amplitude"
    phase.element = element.part
    phase.values = zip(values, imaginary).map { atan2($1, $0) }
    // Small phases show best in gray; those of the whole turn in colors that close at ±π.
    let isWrapped = phase.values.count { abs($0) > 0.75 * .pi } > phase.values.count / 100
    (phase.quantity, phase.unit, phase.signed) = (isWrapped ? "Angle" : "Phase", "rad", isWrapped)
    if phase.kind == .pattern { phase.kind = .image }
    return [View(suffix: "_amplitude", array: amplitude), View(suffix: "_phase", array: phase)]
  }
}

extension ElementType {
  /// The type of the real part.
  var part: ElementType {
    switch self {
    case .complex64: .float32
    case .complex128: .float64
    default: self
    }
  }
}
