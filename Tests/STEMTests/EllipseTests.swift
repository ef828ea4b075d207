import Foundation
import STEM
import Testing

@Suite struct EllipseTests {
  @Test("points of the ellipse come to lie on the circle of the same area", arguments: [0.0, 0.4, 1.9, 3.0])
  func becomesCircle(angle: Double) {
    let ellipse = Ellipse(ratio: 1.21, angle: angle)
    // Half axes 22 and 22 / 1.21; the long one points `angle` counter-clockwise from +x, y down.
    for t in stride(from: 0.0, to: 6.2, by: 0.3) {
      let (along, across) = (22 * cos(t), 22 / 1.21 * sin(t))
      let point = Pair(-sin(angle) * along + cos(angle) * across, cos(angle) * along + sin(angle) * across)
      let corrected = ellipse.corrected(point)
      #expect(abs(hypot(corrected.y, corrected.x) - 20) < 1e-12)
    }
  }
}
