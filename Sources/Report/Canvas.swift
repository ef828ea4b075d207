/// A picture of 8-bit colors, row by row from the top.
struct Canvas {
  let width: Int
  let height: Int
  private(set) var pixels: [UInt8]

  /// White.
  init(width: Int, height: Int) {
    self.width = width
    self.height = height
    pixels = [UInt8](repeating: 255, count: width * height * 3)
  }

  subscript(x: Int, y: Int) -> Color {
    get {
      let place = (y * width + x) * 3
      return Color(pixels[place], pixels[place + 1], pixels[place + 2])
    }
    set {
      guard x >= 0, x < width, y >= 0, y < height else { return }
      let place = (y * width + x) * 3
      (pixels[place], pixels[place + 1], pixels[place + 2]) = (newValue.red, newValue.green, newValue.blue)
    }
  }

  mutating func fill(x: Range<Int>, y: Range<Int>, _ color: Color) {
    for row in y { for column in x { self[column, row] = color } }
  }

  /// The outline just outside a rectangle.
  mutating func frame(x: Range<Int>, y: Range<Int>, _ color: Color) {
    for column in x.lowerBound - 1...x.upperBound {
      self[column, y.lowerBound - 1] = color
      self[column, y.upperBound] = color
    }
    for row in y {
      self[x.lowerBound - 1, row] = color
      self[x.upperBound, row] = color
    }
  }

  /// Mixes a color in; `share` from 0 to 1.
  mutating func blend(_ x: Int, _ y: Int, _ color: Color, _ share: Double) {
    guard share > 0, x >= 0, x < width, y >= 0, y < height else { return }
    let old = self[x, y]
    let mix = { (a: UInt8, b: UInt8) in UInt8((Double(a) + (Double(b) - Double(a)) * min(1, share)).rounded()) }
    self[x, y] = Color(mix(old.red, color.red), mix(old.green, color.green), mix(old.blue, color.blue))
  }
}

// MARK: - text

extension Canvas {
  enum Alignment { case left, center, right }

  /// Pixels that a line of text is wide: a letter is drawn 10 wide, 14 high.
  static func width(of text: String) -> Int { max(0, text.count * 12 - 2) }
  static let textHeight = 2 * PixelFont.ascent

  /// Draws a line of text; `y` is the top of its capitals.
  mutating func draw(_ text: String, x: Int, y: Int, _ color: Color = .ink, _ alignment: Alignment = .left) {
    let shift =
      switch alignment {
      case .left: 0
      case .center: -Self.width(of: text) / 2
      case .right: -Self.width(of: text)
      }
    for (place, character) in text.enumerated() {
      draw(PixelFont.rows(character), x: x + shift + 12 * place, y: y, color)
    }
  }

  /// Twice the size; a corner of a pixel takes on its two neighbors' color when they agree, which smooths diagonals.
  private mutating func draw(_ rows: [UInt8], x: Int, y: Int, _ color: Color) {
    let isSet = { (column: Int, row: Int) -> Bool in
      guard rows.indices.contains(row), (0..<PixelFont.width).contains(column) else { return false }
      return rows[row] >> (PixelFont.width - 1 - column) & 1 == 1
    }
    for row in rows.indices {
      for column in 0..<PixelFont.width {
        let here = isSet(column, row)
        let (up, down) = (isSet(column, row - 1), isSet(column, row + 1))
        let (left, right) = (isSet(column - 1, row), isSet(column + 1, row))
        let distinct = up != down && left != right
        let corners = [
          distinct && up == left ? left : here, distinct && up == right ? right : here,
          distinct && down == left ? left : here, distinct && down == right ? right : here,
        ]
        for (corner, isInk) in corners.enumerated() where isInk {
          self[x + 2 * column + corner % 2, y + 2 * row + corner / 2] = color
        }
      }
    }
  }
}
