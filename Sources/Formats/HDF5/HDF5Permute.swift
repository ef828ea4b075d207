import STEM

/// Brings the elements of a window into the order (position y, position x, pixel y, pixel x).
/// - Parameters:
///   - strides: distances of the elements in `source`
///   - counts: (y, x, pixel y, pixel x)
///   - size: bytes of an element: 1, 2, 4 or 8
func reorderFrames(
  _ source: UnsafeRawPointer, _ strides: HDF5Strides, counts: (Int, Int, Int, Int), size: Int,
  into target: UnsafeMutableRawPointer
) {
  switch size {
  case 1: reorder(source, strides, counts, target, UInt8.self)
  case 2: reorder(source, strides, counts, target, UInt16.self)
  case 4: reorder(source, strides, counts, target, UInt32.self)
  default: reorder(source, strides, counts, target, UInt64.self)
  }
}

/// The inner two loops run over tiles of 32 × 32: along the axis that is dense in the source, and the one that is dense
/// in the target, so that every cache line is used whole on both sides.
private func reorder<Word: BitwiseCopyable>(
  _ source: UnsafeRawPointer, _ strides: HDF5Strides, _ counts: (Int, Int, Int, Int), _ target: UnsafeMutableRawPointer,
  _: Word.Type
) {
  let from = source.assumingMemoryBound(to: Word.self)
  let to = target.assumingMemoryBound(to: Word.self)
  let frame = counts.2 * counts.3
  var axes = [
    (count: counts.0, from: strides.y, to: counts.1 * frame), (count: counts.1, from: strides.x, to: frame),
    (count: counts.2, from: strides.pixelY, to: counts.3), (count: counts.3, from: strides.pixelX, to: 1),
  ]
  let inner = axes.removeLast()
  let dense = axes.indices.min { axes[$0].from < axes[$1].from }!
  let second = axes.remove(at: dense)
  for i in 0..<axes[0].count {
    for j in 0..<axes[1].count {
      let source = from + i * axes[0].from + j * axes[1].from
      let target = to + i * axes[0].to + j * axes[1].to
      transpose(source, target, (second.count, second.from, second.to), (inner.count, inner.from, inner.to))
    }
  }
}

private func transpose<Word: BitwiseCopyable>(
  _ source: UnsafePointer<Word>, _ target: UnsafeMutablePointer<Word>, _ a: (count: Int, from: Int, to: Int),
  _ b: (count: Int, from: Int, to: Int)
) {
  let tile = 32
  var i0 = 0
  while i0 < a.count {
    let i1 = min(i0 + tile, a.count)
    var j0 = 0
    while j0 < b.count {
      let j1 = min(j0 + tile, b.count)
      for i in i0..<i1 {
        let from = source + i &* a.from
        let to = target + i &* a.to
        for j in j0..<j1 { to[j &* b.to] = from[j &* b.from] }
      }
      j0 = j1
    }
    i0 = i1
  }
}
