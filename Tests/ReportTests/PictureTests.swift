import Foundation
import STEM
import Testing

@testable import Report

@Suite("Pictures")
struct PictureTests {
  /// The file and a way to the color of a sample.
  private func picture(_ array: ResultArray, _ body: (PNGReader, (Int, Int) -> [UInt8]) throws -> Void) throws {
    try withFolder { folder in
      try array.export(to: folder + "/a.png")
      let file = try PNGReader(folder + "/a.png")
      let zoom = try #require(file.texts["Zoom"]).split(separator: " ").map { Int($0)! }
      let origin = try #require(file.texts["Image origin"]).split(separator: " ").map { Int($0)! }
      try body(file) { row, column in file.color(origin[1] + column * zoom[1], origin[0] + row * zoom[0]) }
    }
  }

  @Test("Every sample is a block of its own color, magnified by whole factors; the text says what is shown")
  func gray() throws {
    let array = map(4, 6) { Double($0 * 6 + $1) }
    try picture(array) { file, color in
      let zoom = Int(file.texts["Zoom"]!.split(separator: " ")[0])!
      #expect(zoom * 6 >= 256 && file.width >= zoom * 6 && file.height >= zoom * 4)
      for row in 0..<4 {
        for column in 0..<6 {
          let level = ((Double(row * 6 + column) / 23 * 255).rounded())
          let shown = color(row, column)
          #expect(shown[0] == shown[1] && shown[1] == shown[2] && abs(Double(shown[0]) - level) <= 1)
        }
      }
      #expect(file.texts["Quantity"] == "Displacement" && file.texts["Unit"] == "px")
      #expect(file.texts["Range"] == "0.0 23.0" && file.texts["Title"] == "test map")
    }
  }

  @Test("Vectors: red to the right, yellow-green up, cyan left, violet down; longer is brighter, missing is neither")
  func vectors() throws {
    #expect(VectorFigure.color(y: 0, x: 1) == Color(255, 0, 0))
    #expect(VectorFigure.color(y: -1, x: 0) == Color(128, 255, 0))
    #expect(VectorFigure.color(y: 0, x: -1) == Color(0, 255, 255))
    #expect(VectorFigure.color(y: 1, x: 0) == Color(128, 0, 255))
    #expect(VectorFigure.color(y: 0, x: 0.5) == Color(128, 0, 0) && VectorFigure.color(y: 0, x: 0) == .black)
    #expect(VectorFigure.color(y: .nan, x: 1) == .missing)
    // All vectors point to the middle of the map.
    let y = map(5, 7, signed: true) { row, _ in Double(2 - row) }
    let x = map(5, 7, signed: true) { _, column in Double(3 - column) }
    let picture = VectorFigure("deflection", y: y, x: x).picture()
    let text = Dictionary(uniqueKeysWithValues: picture.texts.map { ($0.key, $0.value) })
    let zoom = Int(text["Zoom"]!.split(separator: " ")[0])!
    let origin = text["Image origin"]!.split(separator: " ").map { Int($0)! }
    let color = { (row: Int, column: Int) in picture.canvas[origin[1] + column * zoom, origin[0] + row * zoom] }
    #expect(color(2, 3) == .black && color(2, 0).red > 150 && color(2, 0).green == 0 && color(2, 0).blue == 0)
    #expect(color(2, 6).red == 0 && color(2, 6).blue > 150 && color(0, 3).blue > 100 && color(4, 3).green > 100)
  }

  @Test("Signed maps have zero at the middle color and opposite values at the ends, equally far")
  func signed() throws {
    let array = map(3, 3, signed: true) { row, column in Double(row - 1) * 2 + Double(column - 1) * 0.5 }
    try picture(array) { file, color in
      #expect(file.texts["Range"] == "-2.5 2.5")
      let zero = color(1, 1)
      #expect(zero.min()! > 235 && zero.max()! - zero.min()! < 12)
      #expect(color(0, 0)[2] > color(0, 0)[0] && color(2, 2)[0] > color(2, 2)[2])
    }
    let map = ColorMap.diverging
    let luminance = { (c: Color) in 0.3 * Double(c.red) + 0.59 * Double(c.green) + 0.11 * Double(c.blue) }
    for place in 0..<128 { #expect(abs(luminance(map.colors[place]) - luminance(map.colors[255 - place])) < 14) }
  }

  @Test("Missing values have a color that no color map holds")
  func missing() throws {
    for map in [ColorMap.gray, .sequential, .diverging] {
      let nearest = map.colors.map { color in
        [(color.red, Color.missing.red), (color.green, Color.missing.green), (color.blue, Color.missing.blue)]
          .reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }.squareRoot()
      }.min()!
      #expect(nearest > 50)
    }
    try picture(map(2, 2) { $0 == 1 && $1 == 0 ? .nan : 1 }) { file, color in
      #expect(color(1, 0) == [Color.missing.red, Color.missing.green, Color.missing.blue])
      #expect(color(0, 0) != color(1, 0) && file.texts["Missing"] == "1")
    }
    try picture(map(2, 2) { _, _ in .nan }) { file, _ in #expect(file.texts["Missing"] == "4") }
  }

  @Test("The sequential map grows lighter in even steps")
  func lightness() {
    let luminance = ColorMap.sequential.colors.map { color -> Double in
      let linear = [color.red, color.green, color.blue].map { value -> Double in
        let v = Double(value) / 255
        return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4)
      }
      let y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
      return y > 0.008856 ? 116 * cbrt(y) - 16 : 903.3 * y
    }
    for (low, high) in zip(luminance, luminance.dropFirst(8)) { #expect(high - low > 1.5 && high - low < 4.5) }
  }

  @Test("A direction of π has the color of −π, which no other direction has")
  func directions() throws {
    let place = { (index: Int) in Double(index) * Double.pi / 8 }
    var array = map(1, 17, signed: true) { _, column in place(column - 8) }
    (array.quantity, array.unit) = ("Angle", "rad")
    try picture(array) { file, color in
      #expect(color(0, 0) == color(0, 16))
      #expect(color(0, 8)[0] == 255 && color(0, 8)[1] < 8)
      for column in 1..<16 { #expect(color(0, column) != color(0, 0)) }
    }
    // A phase in rad is no direction.
    array.quantity = "Phase"
    try picture(array) { file, color in #expect(color(0, 0) != color(0, 16)) }
  }

  @Test("A few outliers do not flatten a map")
  func outliers() {
    var values = (0..<10_000).map { Double($0 % 100) }
    values[7] = 1e9
    values[8] = -.infinity
    let contrast = Contrast(values, kind: .map, signed: false)
    #expect(contrast.range == 0...99)
  }

  @Test("In a pattern a thousandth of the disk's intensity is visible beside it")
  func pattern() {
    let values = (0..<4096).map { $0 < 400 ? 1000.0 : $0 < 2000 ? 1.0 : 0.0 }
    let contrast = Contrast(values, kind: .pattern, signed: false)
    #expect(contrast.place(0) == 0 && contrast.place(1000) == 1)
    #expect(contrast.place(1) > 0.15 && contrast.place(1) < 0.25)
  }

  @Test("Constant, empty and thread-like arrays have pictures", arguments: [(1, 1), (1, 200), (300, 2), (700, 700)])
  func shapes(rows: Int, columns: Int) throws {
    try picture(map(rows, columns) { _, _ in 7 }) { file, color in
      #expect(max(file.width, file.height) >= 256)
      #expect(color(rows - 1, columns - 1)[0] > 120 && color(0, 0)[0] < 135)
    }
  }

  @Test("A profile is a line through its values")
  func profile() throws {
    let array = ResultArray(
      analysis: "radial_profile", output: "mean_profile", kind: .profile,
      axes: [ResultArray.Axis("Radius", unit: "mrad", values: (0...100).map(Double.init))],
      values: (0...100).map { Double($0) - 50 }, quantity: "Intensity", unit: "counts", signed: true)
    try withFolder { folder in
      try array.export(to: folder + "/a.png")
      let file = try PNGReader(folder + "/a.png")
      let blue = (0..<file.width * file.height).filter {
        file.color($0 % file.width, $0 / file.width) == [Color.line.red, Color.line.green, Color.line.blue]
      }.map { (x: Double($0 % file.width), y: Double($0 / file.width)) }
      #expect(blue.count > 300)
      // A straight line: y falls on screen where x grows, and every point lies on it.
      let (first, last) = (blue.min { $0.x < $1.x }!, blue.max { $0.x < $1.x }!)
      #expect(first.y > last.y + 200)
      let slope = (last.y - first.y) / (last.x - first.x)
      for point in blue { #expect(abs(point.y - first.y - slope * (point.x - first.x)) < 3) }
      #expect(file.texts["Range"] == "-50.0 50.0")
    }
  }

  @Test("Profiles of many positions are averaged to a picture of bounded height")
  func manyPositions() throws {
    let array = ResultArray(
      analysis: "radial_profile", output: "profile", kind: .perPositionProfile,
      axes: [axis("Y", "nm", 60), axis("X", "nm", 60), axis("Radius", "px", 16, step: 1)],
      values: (0..<57600).map { Double($0 % 16) })
    try picture(array) { file, color in
      #expect(file.height < 1200)
      for row in [0, 400, 899] { #expect(color(row, 0) == color(0, 0) && color(row, 15) == color(0, 15)) }
    }
  }

  @Test("Ticks are round, inside the range, and their labels read back")
  func ticks() {
    for range in [0.0...1, -3.7...12.9, 1e-9...3e-9, 2000...2010, 0...7e12] {
      let ticks = evenTicks(in: range, about: 5)
      #expect(ticks.count >= 3 && ticks.count <= 9)
      for tick in ticks {
        #expect(tick >= range.lowerBound - 1e-9 * abs(range.upperBound) && tick <= range.upperBound * (1 + 1e-9))
        #expect(abs(Double(tickLabel(tick))! - tick) <= 6e-3 * (range.upperBound - range.lowerBound))
      }
    }
    #expect(
      [0, 0.25, 1200, 3e6, -2.5e-7, 99_999, 1e5].map(tickLabel) == [
        "0", "0.25", "1200", "3e6", "-2.5e-7", "99999", "1e5",
      ])
  }

  @Test("Every character of names, units and numbers has a drawing")
  func font() {
    let box = PixelFont.rows("☃")
    let needed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.,:;+/*=()[]<>%'\"\\|°ÅµμΔσπαθ⁻¹²×"
    var seen: [[UInt8]: Character] = [:]
    for character in needed {
      let rows = PixelFont.rows(character)
      #expect(rows != box && rows.count == PixelFont.height && rows.allSatisfy { $0 < 32 }, "\(character)")
      if let twin = seen[rows] { #expect("µμ".contains(character) && "µμ".contains(twin), "\(character) \(twin)") }
      seen[rows] = character
    }
  }
}
