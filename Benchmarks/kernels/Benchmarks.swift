import Formats
import Foundation
@_spi(StoredPixels) import STEM

/// Kernels on frames in memory, and readers on files, each beside what the machine gives in the same run.
///
///     ronchi-benchmarks kernels [--smoke]      GB/s of every analysis and pixel type
///     ronchi-benchmarks loops                  the loops in C against the same in Swift
///     ronchi-benchmarks read FILE...           GB/s of reading all frames; chunks as here, and through HDF5
@main struct Benchmarks {
  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      switch arguments.first {
      case "kernels": try kernels(isSmoke: arguments.contains("--smoke"))
      case "loops": loops()
      case "read" where arguments.count > 1: try read(Array(arguments.dropFirst()))
      default:
        print("usage: ronchi-benchmarks kernels [--smoke] | loops | read FILE...")
        exit(64)
      }
    } catch {
      print("\(error)")
      exit(70)
    }
  }

  /// The shortest of `turns` times.
  static func seconds(_ turns: Int, _ body: () throws -> Void) rethrows -> Double {
    var best = Double.infinity
    for _ in 0..<turns {
      let start = ContinuousClock.now
      try body()
      best = min(best, (ContinuousClock.now - start).seconds)
    }
    return best
  }

  static func cell(_ rate: Double) -> String { String(format: "%.1f", rate / 1e9) }

  static func row(_ cells: [String]) { print("| " + cells.joined(separator: " | ") + " |") }
}

// MARK: - kernels

extension Benchmarks {
  private static func kernels(isSmoke: Bool) throws {
    let width = isSmoke ? 32 : 256
    let (size, turns) = isSmoke ? (64 << 10, 1) : (128 << 20, 5)
    let types = PixelType.allCases
    row(["GB/s, one core"] + types.map(\.numpyName))
    print("|" + String(repeating: "---|", count: types.count + 1))
    var table: [String: [String]] = [:]
    for type in types {
      let frames = Frames(size, width: width, type: type)
      var total: UInt64 = 0
      let limit = Double(frames.bytes.count) / seconds(turns) { total &+= frames.sum() }
      // Never true, but the compiler cannot know it.
      if total == .max { print(total) }
      table["reading memory", default: []].append(cell(limit))
      let cases = KernelCases(width: width, type: type)
      let context = cases.context
      for (name, analyses) in cases.all {
        let kernels = try analyses.map { try BoundKernel($0, context) }
        let cold = rate(frames, kernels, 0..<frames.count, turns)
        // Four frames again and again: what the loops alone take.
        let hot = rate(frames, kernels, 0..<1, turns)
        table[name, default: []].append(String(format: "%@ / %@, %.0f %%", cell(cold), cell(hot), 100 * cold / limit))
      }
    }
    let names = ["reading memory"] + KernelCases(width: width, type: .u8).all.map(\.name)
    for name in names { row([name] + table[name]!) }
    print(
      "\nframes \(width) × \(width) from memory / four frames in the cache, share of reading memory; 128 MiB, best of \(turns)"
    )
  }

  private static func rate(_ frames: Frames, _ bound: [BoundKernel], _ range: Range<Int>, _ turns: Int) -> Double {
    let kernels = bound.map(\.kernel)
    let turnFrames = range.count == 1 ? min(256, frames.count) : range.count
    let time = seconds(turns) {
      for kernel in bound { kernel.outputs.prepare(rows: turnFrames) }
      // In groups of four, as readers bring frames of this size.
      for index in stride(from: 0, to: turnFrames, by: 4) {
        let positions = index..<min(index + 4, turnFrames)
        let group = FrameGroup(
          frames.layout, positions, first: frames.frame(range.count == 1 ? 0 : index), strideBytes: frames.frameBytes)
        for position in positions {
          for kernel in kernels where !(kernel is any GroupKernel) { kernel.add(group[position], row: position) }
        }
        for case let kernel as any GroupKernel in kernels { kernel.add(group, firstRow: index) }
      }
      for kernel in kernels { kernel.flush() }
    }
    return Double(turnFrames * frames.frameBytes) / time
  }
}

// MARK: - loops

extension Benchmarks {
  private static func loops() {
    row([
      "loop, four frames of 256 × 256 uint16 in the cache", "Swift [GB/s]", "C with dispatch [GB/s]", "Swift leaves",
    ])
    print("|---|---|---|---|")
    let bytes = 4.0 * 256 * 256 * 2
    for (name, swift, c) in SwiftLoops().rows() + ElementLoops().rows() {
      row([name, cell(bytes / swift), cell(bytes / c), String(format: "%.0f %%", 100 * (1 - c / swift))])
    }
  }
}

// MARK: - readers

extension Benchmarks {
  private static func read(_ paths: [String]) throws {
    row(["file", "storage", "here [GB/s]", "HDF5 [GB/s]", "ratio"])
    print("|---|---|---|---|---|")
    for path in paths {
      let source = try openInput(InputRequest(path: path))
      var best = ["direct": Double.infinity, "hdf5": Double.infinity]
      for turn in 0..<4 {
        for mode in ["direct", "hdf5"] {
          setenv("RONCHI_CHUNKS", mode, 1)
          let time = try seconds(1) { try readAll(source) }
          // The first turn brings the file into the page cache.
          if turn > 0 { best[mode] = min(best[mode]!, time) }
        }
      }
      let about = source.description
      let bytes = Double(about.frameCount * about.frameBytes)
      let rates = (bytes / best["direct"]!, bytes / best["hdf5"]!)
      let name = path.split(separator: "/").last.map(String.init) ?? path
      row([name, about.storage, cell(rates.0), cell(rates.1), String(format: "%.2f", rates.0 / rates.1)])
    }
  }

  /// Block by block, as a run reads.
  private static func readAll(_ source: any FrameSource) throws {
    let about = source.description
    let reader = try source.makeReader()
    let blocks = BlockPlan(
      positions: about.frameCount, frameBytes: about.frameBytes, chunkPositions: about.chunkPositions,
      accumulatorBytes: 0)
    var seen: UInt8 = 0
    for block in 0..<blocks.blockCount {
      try reader.forEachFrame(in: blocks.positions(ofBlock: block)) { _, frame in
        seen ^= frame.memory.load(as: UInt8.self)
      }
    }
  }
}
