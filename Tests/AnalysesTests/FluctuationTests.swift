import Foundation
import STEM
import Testing

@testable import Analyses

@Suite struct FluctuationTests {
  private let shape = Shape(31, 40), center = Pair(14.3, 20.0)

  @Test("the rings are those of a radial profile, in px and in bins")
  func rings() throws {
    let scene = context(shape, center: center)
    for items in [[], [("bins", Setting.integer(7)), ("outer_radius", .text("12 mrad"))]] {
      let fem = try decode(FluctuationMicroscopy.self, items), profile = try decode(RadialProfile.self, items)
      let mine = try fem.outputs(scene), theirs = try profile.outputs(scene)
      #expect(mine[0].axis == theirs[0].axis && mine[0].axis!.unit == "mrad")
    }
    let far = try decode(FluctuationMicroscopy.self, [("outer_radius", .text("300 mrad"))])
    #expect(problems { _ = try far.outputs(scene) }.contains("outer_radius: 300 mrad lies outside the detector"))
  }

  @Test("V_Ω of frames that differ by a factor, V_r of a checkerboard")
  func values() throws {
    // Even and odd pixels 2 and 6, all twice and four times: V_r = (2/4)² whatever the factor.
    let frames = [1.0, 2, 4].map { factor in (0..<shape.count).map { Double($0 % 2 == 0 ? 2 : 6) * factor } }
    let results = try run(
      decode(FluctuationMicroscopy.self, [("bins", .integer(1)), ("outer_radius", .text("3.9 px"))]),
      context(shape, center: Pair(15, 20.5)), frames)
    // Factors 1, 2, 4: mean 7/3, variance 14/9.
    #expect(abs(results.whole["v_omega"]![0] - 2.0 / 7) < 1e-14)
    #expect(abs(results.whole["omega_v"]![0] - 2.0 / 7) < 1e-14)
    #expect(abs(results.whole["v_r"]![0] - 0.25) < 1e-14)
    #expect(abs(results.whole["v_re"]![0] - (9.0 / 7 * 1.25 - 1)) < 1e-14)
    #expect(results.rows["ring_variance"]! == [[0.25], [0.25], [0.25]])
    #expect(results.whole["v_omega_corrected"] == nil)
  }

  @Test("a ring with an infinite pixel has no curve, the others have")
  func infinite() throws {
    var frames = (0..<3).map { counts(shape, seed: $0) }
    frames[1][15 * 40 + 25] = .infinity
    let results = try run(FluctuationMicroscopy(), context(shape, .f32, center: Pair(15, 20)), frames)
    for name in ["v_omega", "v_r", "v_re", "omega_v"] {
      let curve = results.whole[name]!
      #expect(curve[5].isNaN && curve[4] > 0 && curve[6] > 0, "\(name)")
    }
  }

  @Test("curves without shot noise where the counts of an electron are known")
  func corrected() throws {
    var scene = context(shape, center: center)
    scene.calibration.countsPerElectron = Sourced(3, .job)
    let outputs = try FluctuationMicroscopy().outputs(scene)
    #expect(outputs.count { $0.name.hasSuffix("_corrected") } == 4)
    let frames = (0..<5).map { counts(shape, seed: $0) }
    let results = try run(FluctuationMicroscopy(), scene, frames)
    let pixels = frames[0].indices.filter { hypot(Double($0 / 40) - 14.3, Double($0 % 40) - 20) < 1 }
    let mean = frames.map { frame in pixels.reduce(0) { $0 + frame[$1] } }.reduce(0, +) / 5
    let plain = results.whole["v_omega"]![0], less = results.whole["v_omega_corrected"]![0]
    #expect(abs(plain - less - 3 * 0.8 / mean) < 1e-12)
  }

  @Test("dead pixels are in no ring and NaN in the variance image")
  func dead() throws {
    var scene = context(shape, center: center)
    scene.deadPixels = (0..<shape.count).map { $0 % 3 == 0 }
    let frames = (0..<4).map { index in (0..<shape.count).map { $0 % 3 == 0 ? Double(index * 60_000 % 65_536) : 5 } }
    let results = try run(FluctuationMicroscopy(), scene, frames)
    // The ring of a corner has no pixel left.
    for name in ["v_omega", "v_r", "v_re", "omega_v"] {
      #expect(results.whole[name]!.allSatisfy { $0 == 0 || $0.isNaN } && results.whole[name]!.count { $0 == 0 } > 20)
    }
    let image = results.whole["variance_image"]!
    #expect(image.indices.allSatisfy { image[$0].isNaN == ($0 % 3 == 0) })
  }
}
