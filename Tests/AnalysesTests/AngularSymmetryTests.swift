import Foundation
import STEM
import Testing

@testable import Analyses

@Suite struct AngularSymmetryTests {
  private let shape = Shape(97, 101), center = Pair(47.6, 50.3)

  private func ring(_ inner: String, _ outer: String) -> Setting {
    .map([("inner_radius", .text(inner)), ("outer_radius", .text(outer))])
  }

  /// `count` spots on the ellipse into which `stretch` makes a circle of radius 35.
  private func spots(_ count: Int, first: Double, stretch: (Pair<Double>) -> Pair<Double> = { $0 }) -> [Double] {
    let places = (0..<count).map { index in
      let phi = first + 2 * .pi * Double(index) / Double(count)
      return stretch(Pair(-35 * sin(phi), 35 * cos(phi)))
    }
    return (0..<shape.count).map { pixel in
      let y = Double(pixel / shape.x) - center.y, x = Double(pixel % shape.x) - center.x
      return places.reduce(0) { sum, place in
        let square = (y - place.y) * (y - place.y) + (x - place.x) * (x - place.x)
        return sum + (1000 * exp(-square / 8)).rounded()
      }
    }
  }

  @Test("maps and profiles of a turned hexagon and of a square, each in its row")
  func rows() throws {
    let analysis = try decode(
      AngularSymmetry.self,
      [
        ("rings", .map([("a", ring("28 px", "42 px")), ("b", ring("5 mrad", "9 mrad"))])), ("azimuth", .bool(true)),
        ("max_order", .integer(8)), ("maps", .list([.integer(4), .integer(6)])),
      ])
    let frames = [spots(6, first: 0.3), spots(4, first: 0.1), spots(6, first: 0.7)]
    let results = try run(analysis, context(shape, center: center), frames, block: 2)
    let six = results.map("a_power_6"), four = results.map("a_power_4")
    #expect(abs(six[0] - six[2]) < 0.01 && six[0] > 0.8 && six[1] < 1e-3)
    #expect(four[1] > 0.8 && four[0] < 1e-4 && four[2] < 1e-4)
    #expect(results.rows["a_power"]!.allSatisfy { $0.count == 8 })
    #expect(results.rows["a_power"]![1][3] == Double(Float(four[1])))
    #expect(abs(results.rows["a_azimuth"]![0][5] - 0.3 * 180 / .pi) < 0.1)
    #expect(abs(results.rows["a_azimuth"]![1][3] - 0.1 * 180 / .pi) < 0.1)
    #expect(results.map("b_total") == [0, 0, 0] && results.map("b_power_4").allSatisfy(\.isNaN))
    let total = zip(frames[0], frames[0].indices).filter { _, pixel in
      (28..<42).contains(hypot(Double(pixel / shape.x) - center.y, Double(pixel % shape.x) - center.x))
    }.reduce(0) { $0 + $1.0 }
    #expect(results.map("a_total")[0] == total)
  }

  @Test("an elliptical distortion that is known spoils nothing")
  func ellipse() throws {
    let ellipse = Ellipse(ratio: 1.12, angle: 0.6)
    // The inverse of the correction has the axes exchanged.
    let inverse = Ellipse(ratio: 1 / 1.12, angle: 0.6)
    var scene = context(shape, center: center)
    let frame = spots(6, first: 0.2) { inverse.corrected($0) }
    let analysis = try decode(AngularSymmetry.self, [("rings", .map([("a", ring("29 px", "41 px"))]))])
    let distorted = try run(analysis, scene, [frame]).map("a_power_2")[0]
    scene.calibration.ellipse = Sourced(ellipse, .job)
    let results = try run(analysis, scene, [frame])
    #expect(results.map("a_power_2")[0] < 1e-4 && distorted > 1e-3 && results.map("a_power_6")[0] > 0.8)
  }

  @Test("rings that cannot be are refused")
  func errors() throws {
    let scene = context(shape, center: center)
    func refusal(_ items: [(key: String, value: Setting)]) -> String {
      problems { _ = try decode(AngularSymmetry.self, items).outputs(scene) }
    }
    #expect(refusal([]).contains("rings: missing"))
    #expect(refusal([("rings", .map([]))]).contains("at least one name"))
    #expect(refusal([("rings", .map([("a", ring("9 px", "5 px"))]))]).contains("rings.a.inner_radius: 9 px is not"))
    #expect(refusal([("rings", .map([("a", ring("2 px", "3 px"))]))]).contains("more than 24 are needed"))
    #expect(refusal([("rings", .map([("a", ring("2 px", "300 px"))]))]).contains("lies outside the detector"))
    #expect(
      refusal([("rings", .map([("a", ring("9 px", "15 px"))])), ("maps", .list([.integer(13)]))])
        .contains("maps: 13 given; up to max_order, which is 12"))
    #expect(refusal([("rings", .map([("1a", ring("9 px", "15 px"))]))]).contains("not a name"))
    #expect(
      refusal([
        ("rings", .map([("a", ring("9 px", "15 px")), ("a_power", ring("9 px", "15 px"))])),
        ("maps", .list([.integer(2), .integer(2)])),
      ]).contains("two outputs would be called a_power_2"))
  }

  @Test("parameters survive encoding and decoding")
  func roundTrip() throws {
    let items: [(key: String, value: Setting)] = [
      ("rings", .map([("a", ring("9 px", "15 mrad"))])), ("max_order", .integer(6)), ("maps", .list([.integer(3)])),
      ("azimuth", .bool(true)),
    ]
    let encoded = AngularSymmetry.declaration.encode(try decode(AngularSymmetry.self, items))
    #expect(Setting.map(encoded) == Setting.map(items))
  }
}
