import Foundation

/// Red, green, blue.
struct Color: Equatable, Sendable {
  var red: UInt8
  var green: UInt8
  var blue: UInt8

  init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) { (self.red, self.green, self.blue) = (red, green, blue) }

  static let black = Color(0, 0, 0)
  static let ink = Color(32, 36, 44)
  static let faint = Color(108, 114, 126)
  static let line = Color(24, 96, 178)
  static let grid = Color(226, 229, 234)
  /// Missing values: a green that no color map holds.
  static let missing = Color(64, 176, 96)

  /// CIE L*a*b* (D65) → sRGB, out of gamut clipped. IEC 61966-2-1; CIE 15:2004, section 8.2.1.
  init(lightness: Double, a: Double, b: Double) {
    let y = (lightness + 16) / 116
    let linear = { (t: Double) in t > 6.0 / 29 ? t * t * t : 3 * 36.0 / 841 * (t - 4.0 / 29) }
    let (cx, cy, cz) = (0.95047 * linear(y + a / 500), linear(y), 1.08883 * linear(y - b / 200))
    let encode = { (v: Double) -> UInt8 in
      let value = v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055
      return UInt8(max(0, min(255, (value * 255).rounded())))
    }
    self.init(
      encode(3.2406 * cx - 1.5372 * cy - 0.4986 * cz), encode(-0.9689 * cx + 1.8758 * cy + 0.0415 * cz),
      encode(0.0557 * cx - 0.2040 * cy + 1.0570 * cz))
  }
}

/// 256 colors for values from 0 to 1.
struct ColorMap: Sendable {
  let colors: [Color]

  private init(_ color: (Double) -> Color) { colors = (0..<256).map { color(Double($0) / 255) } }

  subscript(value: Double) -> Color {
    value.isNaN ? .missing : colors[Int((max(0, min(1, value)) * 255).rounded())]
  }

  /// The color of a whole number; every 256th is the same.
  subscript(category value: Double) -> Color {
    let turn = value.rounded().truncatingRemainder(dividingBy: 256)
    return colors[Int(turn < 0 ? turn + 256 : turn)]
  }

  /// Neighbors differ: the hue turns by the golden angle, the lightness goes through five steps.
  static let categories = ColorMap { t in
    let number = (t * 255).rounded()
    let hue = number * (3 - 5.0.squareRoot()) * Double.pi + 0.7
    let lightness = 38 + 10 * (2 * number).truncatingRemainder(dividingBy: 5)
    return Color(lightness: lightness, a: 48 * cos(hue), b: 48 * sin(hue))
  }

  /// Black to white.
  static let gray = ColorMap { Color(UInt8(255 * $0), UInt8(255 * $0), UInt8(255 * $0)) }

  /// Night blue over red to pale yellow. Lightness rises in equal steps while the hue turns, so that equal steps of
  /// the value look equal, also in print without color.
  static let sequential = ColorMap { t in
    let hue = (285 + 170 * t) * Double.pi / 180
    let chroma = 62 * pow(sin(Double.pi * (0.06 + 0.86 * t)), 0.8)
    return Color(lightness: 3 + 94 * t, a: chroma * cos(hue), b: chroma * sin(hue))
  }

  /// Blue for negative, near white for zero, red for positive; both sides equally dark.
  static let diverging = ColorMap { t in
    let distance = abs(2 * t - 1)
    let hue = (t < 0.5 ? 284 : 32) * Double.pi / 180
    let chroma = 54 * distance
    return Color(lightness: 97 - 57 * distance, a: chroma * cos(hue), b: chroma * sin(hue))
  }

  /// Directions from −π to π, counter-clockwise on screen from the right, in the hues of vector images; both ends alike.
  static let cyclic = ColorMap { t in
    let angle = (2 * t - 1) * Double.pi
    return VectorFigure.color(y: -sin(angle), x: cos(angle))
  }
}
