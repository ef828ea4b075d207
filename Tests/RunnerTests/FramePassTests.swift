import Foundation
import STEM
import TestSupport
import Testing

@testable import Runner

/// Frames made on the fly: the pixel values are the position.
private final class CountingReader: FrameReader {
  private(set) var reads = 0
  let failing: Int?

  init(failing: Int? = nil) { self.failing = failing }

  func forEachFrame(in positions: Range<Int>, _ body: (Int, UnsafeRawPointer) throws -> Void) throws {
    for position in positions {
      if position == failing { throw Problem(.inputOutput, at: "scan", "frame \(position) cannot be read") }
      reads += 1
      try withUnsafeBytes(of: Double(position)) { try body(position, $0.baseAddress!) }
    }
  }
}

/// The sum over positions and each position's value; a floating sum whose order matters.
private final class SumKernel: FrameKernel {
  let map = Rows("value")
  let sum = PixelSum<Double>(1)
  var rows: [Rows] { [map] }
  var accumulators: [any Accumulator] { [sum] }

  func add(_ frame: UnsafeRawPointer, row: Int) {
    let value = frame.load(as: Double.self)
    map.set(row, value)
    sum.values[0] += 1 / (value + 1)
  }

  func finish() -> [String: [Double]] { ["sum": [sum.values[0]]] }
}

private final class MemorySink: RowSink {
  var values: [Int: Double] = [:]
  var completed: Set<Int> = []

  func write(_ kernels: [any FrameKernel], positions: Range<Int>, leafStart: Int) {
    for position in positions { values[position] = kernels[0].rows[0].doubles(position - leafStart)[0] }
  }

  func markCompleted(_ positions: Range<Int>) { completed.formUnion(positions) }
}

@Suite struct FramePassTests {
  private func description(positions: Int) -> SourceDescription {
    // 64 KiB a frame, so that a scan has many blocks.
    SourceDescription(
      format: "test", path: "scan", scanShape: Pair(1, positions), frameCount: positions,
      detectorShape: Pair(64, 128), pixelType: .f64)
  }

  @Test("every position is read once, its row arrives, and the sum is that of the leaves in order")
  func wholePass() throws {
    let folder = try TemporaryFolder()
    let source = description(positions: 5000)
    let kernel = SumKernel()
    let pass = FramePass(source, selection: PositionSelection(shape: Pair(1, 5000)), kernels: [kernel])
    let sink = MemorySink()
    pass.sink = sink
    let reader = CountingReader()
    try pass.run(reader, ranks: SerialRanks(), storePath: folder.path("leaves"))
    #expect(reader.reads == 5000)
    #expect(sink.completed.count == 5000)
    #expect((0..<5000).allSatisfy { sink.values[$0] == Double($0) })
    var expected = 0.0
    for leaf in 0..<pass.blocks.leafCount {
      var part = 0.0
      for position in pass.blocks.positions(ofLeaf: leaf) { part += 1 / (Double(position) + 1) }
      expected += part
    }
    #expect(kernel.finish()["sum"] == [expected])
    #expect(!FileManager.default.fileExists(atPath: folder.path("leaves")))
  }

  @Test("positions that are not selected are neither read nor counted")
  func selection() throws {
    let folder = try TemporaryFolder()
    let selected = (0..<5000).map { $0 % 3 == 0 }
    let pass = FramePass(
      description(positions: 5000), selection: PositionSelection(shape: Pair(50, 100), selected: selected),
      kernels: [SumKernel()])
    let sink = MemorySink()
    pass.sink = sink
    let reader = CountingReader()
    try pass.run(reader, ranks: SerialRanks(), storePath: folder.path("leaves"))
    #expect(reader.reads == 1667)
    #expect((0..<5000).allSatisfy { sink.values[$0]?.isNaN == !selected[$0] })
  }

  @Test("a frame that cannot be read ends the pass with that problem and leaves no file")
  func failure() throws {
    let folder = try TemporaryFolder()
    let pass = FramePass(
      description(positions: 5000), selection: PositionSelection(shape: Pair(1, 5000)), kernels: [SumKernel()])
    #expect {
      try pass.run(CountingReader(failing: 3210), ranks: SerialRanks(), storePath: folder.path("leaves"))
    } throws: { error in
      let failure = error as? RunFailure
      return failure?.code == .inputOutput && failure?.problems.first?.message == "frame 3210 cannot be read"
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path("leaves")))
  }
}
