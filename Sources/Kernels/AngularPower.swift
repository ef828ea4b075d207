import Foundation
import STEM

/// Angular Fourier components of the intensity on a ring.
///
/// With v the counts of the ring's pixels and φ their azimuths, counter-clockwise on screen from +x,
///
///     c_n = Σ v e^(−inφ) / Σ v − ⟨e^(−inφ)⟩,    power_n = |c_n|²
///
/// where ⟨⟩ is the mean over the pixels: that of a uniform ring, which the pixel grid (n = 4, 8, …) and the detector's
/// edge make different from 0. 0: none of this symmetry; 1: all intensity in n points 360°/n apart. Where the edge cuts
/// the ring, orders still mix. Shot noise alone gives g / Σ v, g counts per electron.
public final class AngularPower {
  public let orders: Int
  /// Of the frame that `add` or `flush` hands out.
  public private(set) var total = 0.0
  /// |c_n|² of n = 1 … `orders`.
  public private(set) var powers: [Double]
  /// Azimuth of the component's first maximum, counter-clockwise from +x, in 0 ..< 2π/n [rad].
  public private(set) var azimuths: [Double]
  private var components: [Double]
  private let frameLayout: FrameLayout
  private let packedLayout: FrameLayout
  private let runs: [(start: Int, length: Int)]
  private let packed: UnsafeMutableRawBufferPointer
  private let sums: WeightedSums

  /// - Parameters:
  ///   - azimuths: of each pixel, row-major [rad]; nil: not on the ring
  ///   - orders: the largest n
  public init(_ azimuths: [Double?], orders: Int, shape: Shape, type: PixelType) {
    self.orders = orders
    let ring = azimuths.compactMap { $0 }
    runs = PixelSelection(shape, azimuths.map { $0 != nil }).runs().map { (Int($0.start), Int($0.length)) }
    let waves = (1...orders).flatMap { n in
      [Self.centered(ring.map { cos(Double(n) * $0) }), Self.centered(ring.map { -sin(Double(n) * $0) })]
    }
    sums = WeightedSums(
      [Array(repeating: 1, count: ring.count)] + waves, shape: Shape(1, ring.count), type: type, isSingle: false)
    frameLayout = FrameLayout(shape, type)
    packedLayout = FrameLayout(Shape(1, ring.count), type)
    packed = .allocate(byteCount: max(1, ring.count * type.size), alignment: 64)
    components = Array(repeating: 0, count: 2 * orders + 1)
    powers = Array(repeating: 0, count: orders)
    self.azimuths = powers
  }

  deinit { packed.deallocate() }

  /// Calls `output(row)` for this frame or earlier ones, at the latest from `flush`; the properties then hold what was
  /// found: NaN for a ring without counts.
  public func add(_ frame: Frame, row: Int, _ output: (_ row: Int) -> Void) {
    // The ring's pixels only, one after the other: the products then skip the rest of the frame.
    let pixels = frame.pixels(frameLayout.type, frameLayout.shape.count), pixelBytes = frameLayout.type.size
    var target = packed.baseAddress!
    for run in runs {
      target.copyMemory(from: pixels + run.start * pixelBytes, byteCount: run.length * pixelBytes)
      target += run.length * pixelBytes
    }
    sums.add(Frame(packedLayout, packed.baseAddress!), row: row) { collect($0, $1, $2, output) }
  }

  public func flush(_ output: (_ row: Int) -> Void) {
    sums.flush { collect($0, $1, $2, output) }
  }

  /// The sums of a frame arrive one after the other.
  private func collect(_ index: Int, _ row: Int, _ value: Double, _ output: (_ row: Int) -> Void) {
    components[index] = value
    guard index == components.count - 1 else { return }
    total = components[0]
    for n in 1...orders {
      let real = components[2 * n - 1] / total, imaginary = components[2 * n] / total
      let period = 2 * Double.pi / Double(n)
      let azimuth = -atan2(imaginary, real) / Double(n)
      powers[n - 1] = total > 0 ? real * real + imaginary * imaginary : .nan
      azimuths[n - 1] = total > 0 ? (azimuth < 0 ? min(azimuth + period, period.nextDown) : azimuth) : .nan
    }
    output(row)
  }

  private static func centered(_ values: [Double]) -> [Double] {
    let mean = values.reduce(0, +) / Double(values.count)
    return values.map { $0 - mean }
  }

  /// The largest difference of neighboring azimuths [rad]: small for a whole ring, the missing part of a cut one.
  /// - Parameter azimuths: as for `init`
  public static func largestGap(_ azimuths: [Double?]) -> Double {
    let sorted = azimuths.compactMap { $0 }.sorted()
    guard let first = sorted.first, let last = sorted.last else { return 2 * .pi }
    return zip(sorted, sorted.dropFirst()).map { $1 - $0 }.reduce(first + 2 * .pi - last, max)
  }
}
