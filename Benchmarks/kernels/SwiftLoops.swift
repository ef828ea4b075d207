import Kernels
import STEM

/// The loops of `CKernels` once more in Swift, on 16-bit pixels: what run-time CPU dispatch and C are worth. Swift code
/// is compiled for the oldest CPU of the platform.
struct SwiftLoops {
  private let width = 256
  private let frames: Frames
  private let shape: Shape
  private var pixels: Int { width * width }
  private let ring: [Int]
  private let weights: [[Double]]

  private static let bins = 128
  private static let masks = 4

  init() {
    let width = width
    shape = Shape(width, width)
    frames = Frames(4 * width * width * 2, width: width, type: .u16)
    let geometry = DetectorGeometry(shape, center: Pair(127.5, 127.5))
    ring = (0..<width * width).map { min(Self.bins - 1, Int(geometry.radius($0 / width, $0 % width))) }
    weights = (0..<Self.masks).map { mask in (0..<width * width).map { Double(($0 &* (mask + 3)) % 1009) / 1009 } }
  }

  private func frame(_ index: Int) -> UnsafePointer<UInt16> {
    frames.frame(index).assumingMemoryBound(to: UInt16.self)
  }

  private var group: FrameGroup {
    FrameGroup(frames.layout, 0..<4, first: frames.frame(0), strideBytes: frames.frameBytes)
  }

  /// Name, seconds for four frames in Swift and with `CKernels`.
  func rows() -> [(name: String, swift: Double, c: Double)] {
    [mask(), moments(), sums(), statistics(), rings(), dense()]
  }

  private func time(_ body: () -> Void) -> Double {
    Benchmarks.seconds(9) { for _ in 0..<20 { body() } } / 20
  }

  private func mask() -> (String, Double, Double) {
    let selection = DetectorGeometry(shape, center: Pair(127.5, 127.5)).annulus(inner: 77, outer: 128)
    let runs = (0..<width).flatMap { y -> [Range<Int>] in
      var runs: [Range<Int>] = []
      for x in y * width..<(y + 1) * width where selection.included[x] {
        if runs.last?.upperBound == x {
          runs[runs.count - 1] = runs[runs.count - 1].lowerBound..<x + 1
        } else {
          runs.append(x..<x + 1)
        }
      }
      return runs
    }
    let sums = MaskSums([.selection(selection)], shape: shape, type: .u16)
    var (a, b) = (0.0, 0.0)
    let swift = time { for index in 0..<4 { a += Double(Self.sum(frame(index), runs)) } }
    let c = time { for index in 0..<4 { sums.add(frames.view(index), row: 0) { b += $2 } } }
    precondition(a == b, "both sum the same pixels as often")
    return ("sum of one mask", swift, c)
  }

  private static func sum(_ frame: UnsafePointer<UInt16>, _ runs: [Range<Int>]) -> Int {
    var lanes = SIMD16<UInt32>.zero
    var rest = 0
    for run in runs {
      var x = run.lowerBound
      while x + 16 <= run.upperBound {
        let value = UnsafeRawPointer(frame + x).loadUnaligned(as: SIMD16<UInt16>.self)
        lanes &+= SIMD16<UInt32>(truncatingIfNeeded: value)
        x += 16
      }
      while x < run.upperBound {
        rest &+= Int(frame[x])
        x += 1
      }
    }
    return rest + Int(lanes.wrappedSum())
  }

  private func moments() -> (String, Double, Double) {
    let moments = Moments(.alive(shape, dead: nil), type: .u16)
    let columns = UnsafeMutablePointer<UInt32>.allocate(capacity: width)
    defer { columns.deallocate() }
    var (a, b) = (0.0, 0.0)
    let swift = time { for index in 0..<4 { a += self.moments(frame(index), columns) } }
    let c = time {
      for index in 0..<4 {
        let sums = moments.sums(frames.view(index))
        b += sums.y + sums.x
      }
    }
    precondition(a == b, "both find the same moments")
    return ("moments (center of mass)", swift, c)
  }

  private func moments(_ frame: UnsafePointer<UInt16>, _ columns: UnsafeMutablePointer<UInt32>) -> Double {
    columns.update(repeating: 0, count: width)
    var down = 0
    for y in 0..<width {
      var lanes = SIMD16<UInt32>.zero
      for x in stride(from: 0, to: width, by: 16) {
        let value = SIMD16<UInt32>(
          truncatingIfNeeded: UnsafeRawPointer(frame + y * width + x).loadUnaligned(as: SIMD16<UInt16>.self))
        let column = UnsafeMutableRawPointer(columns + x)
        column.storeBytes(of: column.loadUnaligned(as: SIMD16<UInt32>.self) &+ value, as: SIMD16<UInt32>.self)
        lanes &+= value
      }
      down &+= y &* Int(lanes.wrappedSum())
    }
    var right = 0
    for x in 0..<width { right &+= x &* Int(columns[x]) }
    return Double(down + right)
  }

  private func sums() -> (String, Double, Double) {
    let statistics = PixelStatistics(pixels: pixels, type: .u16, .sumsAndLargest)
    var sum = [UInt32](repeating: 0, count: pixels), largest = [UInt16](repeating: 0, count: pixels)
    let (p, q, r, s) = (frame(0), frame(1), frame(2), frame(3))
    let swift = time {
      sum.withUnsafeMutableBufferPointer { sum in
        for i in 0..<pixels { sum[i] &+= (UInt32(p[i]) &+ UInt32(q[i])) &+ (UInt32(r[i]) &+ UInt32(s[i])) }
      }
      largest.withUnsafeMutableBufferPointer { largest in
        for i in 0..<pixels { largest[i] = max(largest[i], max(max(p[i], q[i]), max(r[i], s[i]))) }
      }
    }
    return ("sum and max of every pixel", swift, time { statistics.add(group) })
  }

  private func statistics() -> (String, Double, Double) {
    let statistics = PixelStatistics(pixels: pixels, type: .u16)
    var sum = [UInt32](repeating: 0, count: pixels), square = [UInt64](repeating: 0, count: pixels)
    var smallest = [UInt16](repeating: .max, count: pixels), largest = [UInt16](repeating: 0, count: pixels)
    let (p, q, r, s) = (frame(0), frame(1), frame(2), frame(3))
    let swift = time {
      sum.withUnsafeMutableBufferPointer { sum in
        square.withUnsafeMutableBufferPointer { square in
          for i in 0..<pixels {
            let (a, b, c, d) = (UInt32(p[i]), UInt32(q[i]), UInt32(r[i]), UInt32(s[i]))
            sum[i] &+= a &+ b &+ c &+ d
            square[i] &+= (UInt64(a &* a) &+ UInt64(b &* b)) &+ (UInt64(c &* c) &+ UInt64(d &* d))
          }
        }
      }
      smallest.withUnsafeMutableBufferPointer { smallest in
        largest.withUnsafeMutableBufferPointer { largest in
          for i in 0..<pixels {
            smallest[i] = min(smallest[i], min(min(p[i], q[i]), min(r[i], s[i])))
            largest[i] = max(largest[i], max(max(p[i], q[i]), max(r[i], s[i])))
          }
        }
      }
    }
    return ("sum, squares, min, max of every pixel", swift, time { statistics.add(group) })
  }

  private func rings() -> (String, Double, Double) {
    let rings = RingSums(ring.map { $0 }, bins: Self.bins, shape: shape, type: .u16)
    let total = rings.makeTotal()
    var sums = [UInt32](repeating: 0, count: 4 * Self.bins)
    var means = [Float](repeating: 0, count: 4 * Self.bins)
    let bin = ring.map { UInt16($0) }
    let (p, q, r, s) = (frame(0), frame(1), frame(2), frame(3))
    let swift = time {
      sums.withUnsafeMutableBytes { bytes in
        let sums = bytes.bindMemory(to: SIMD4<UInt32>.self)
        bin.withUnsafeBufferPointer { bin in
          for i in 0..<pixels {
            sums[Int(bin[i])] &+= SIMD4(UInt32(p[i]), UInt32(q[i]), UInt32(r[i]), UInt32(s[i]))
          }
        }
      }
    }
    let c = means.withUnsafeMutableBufferPointer { means in
      time { rings.add(group, total: total) { means.baseAddress! + $0 * Self.bins } }
    }
    return ("sums over rings", swift, c)
  }

  private func dense() -> (String, Double, Double) {
    let sums = MaskSums(weights.map { .weights($0) }, shape: shape, type: .u16)
    var (a, b) = (0.0, 0.0)
    let swift = time {
      for mask in weights {
        mask.withUnsafeBufferPointer { mask in
          for index in 0..<4 { a += Self.product(frame(index), mask.baseAddress!, pixels) }
        }
      }
    }
    let c = time {
      for index in 0..<4 { sums.add(frames.view(index), row: 0) { b += $2 } }
      sums.flush { b += $2 }
    }
    precondition(abs(a - b) < 1e-9 * abs(b), "both weigh alike")
    return ("four dense masks", swift, c)
  }

  private static func product(_ frame: UnsafePointer<UInt16>, _ mask: UnsafePointer<Double>, _ pixels: Int) -> Double {
    var (a, b) = (SIMD8<Double>.zero, SIMD8<Double>.zero)
    for i in stride(from: 0, to: pixels, by: 16) {
      let value = SIMD16<Double>(UnsafeRawPointer(frame + i).loadUnaligned(as: SIMD16<UInt16>.self))
      let weight = UnsafeRawPointer(mask + i).loadUnaligned(as: SIMD16<Double>.self)
      a += value.lowHalf * weight.lowHalf
      b += value.highHalf * weight.highHalf
    }
    return (a + b).sum()
  }
}
