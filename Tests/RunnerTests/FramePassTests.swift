import Foundation
import STEM
import TestSupport
import Testing

@testable import Engine
@testable import Runner

/// Frames made on the fly: the pixel values are the position.
private final class CountingReader: FrameReader {
  private(set) var reads = 0
  let failing: Int?

  init(failing: Int? = nil) { self.failing = failing }

  func forEachGroup(in positions: Range<Int>, _ body: (FrameGroup) throws -> Void) throws {
    for position in positions {
      if position == failing { throw Problem(.inputOutput, at: "scan", "frame \(position) cannot be read") }
      reads += 1
      // One pixel is enough for the kernels here.
      try withUnsafeBytes(of: Double(position)) {
        try body(FrameGroup(position, Frame(FrameLayout(Shape(1, 1), .f64), $0.baseAddress!)))
      }
    }
  }
}

/// The sum over positions and each position's value; a floating sum whose order matters.
private final class SumKernel: FrameKernel {
  let map: Rows
  let whole: Whole
  let sum = PixelSum<Double>(1)
  var accumulators: [any Accumulator] { [sum] }

  func add(_ frame: Frame, row: Int) {
    let value = frame.doubles()[0]
    map.set(row, value)
    sum.values[0] += 1 / (value + 1)
  }

  func finish() { whole.set([sum.values[0]]) }

  private init(_ outputs: OutputBinding) throws {
    map = try outputs.rows("value")
    whole = try outputs.whole("sum")
  }

  static func bound() throws -> BoundKernel {
    try bind([output("value", .map), output("sum", .profile, OutputAxis("", unit: "", values: [0]))], SumKernel.init)
  }
}

/// Counts frames, exactly.
private final class CountKernel: FrameKernel {
  let sum = PixelSum<Int64>(1)
  var accumulators: [any Accumulator] { [sum] }

  func add(_ frame: Frame, row: Int) { sum.values[0] += 1 }
}

private final class MemorySink: RowSink {
  var values: [Int: Double] = [:]
  var completed: Set<Int> = []
  var bad: Set<Int> = []

  func write(_ kernels: [BoundKernel], positions: Range<Int>, start: Int) {
    for position in positions { values[position] = kernels[0].rows[0].doubles(position - start)[0] }
  }

  func markCompleted(_ positions: Range<Int>) { completed.formUnion(positions) }
  func markBad(_ positions: Range<Int>) { bad.formUnion(positions) }
  func sync() {}
}

/// What a kernel takes for the position of a frame.
private final class PlaceKernel: FrameKernel {
  let accumulators: [any Accumulator] = []
  private let place: Rows
  private var start = -1

  init(_ outputs: OutputBinding) throws { place = try outputs.rows("place") }

  func begin(at start: Int) { self.start = start }
  func add(_ frame: Frame, row: Int) { place.set(row, Double(start + row)) }
}

private func output(_ name: String, _ kind: OutputKind, _ axis: OutputAxis? = nil) -> OutputDescription {
  OutputDescription(name, kind, quantity: "", unit: "", axis: axis, "")
}

private func bind(
  _ outputs: [OutputDescription], _ make: (OutputBinding) throws -> any FrameKernel
) throws -> BoundKernel {
  try BoundKernel(OutputBinding("test", outputs, detector: Pair(64, 128)), make)
}

@Suite struct FramePassTests {
  private func description(positions: Int) -> SourceDescription {
    // 64 KiB a frame, so that a scan has many blocks.
    SourceDescription(
      format: "test", path: "scan", scanShape: Pair(1, positions), frameCount: positions,
      detectorShape: Pair(64, 128), pixelType: .f64)
  }

  /// Over a scan of one line.
  private func linePass(_ positions: Int, _ kernel: BoundKernel) -> FramePass {
    FramePass(
      description(positions: positions), selection: PositionSelection(shape: Pair(1, positions)), kernels: [kernel])
  }

  @Test("every position is read once, its row arrives, and the sum is that of the leaves in order")
  func wholePass() throws {
    let folder = try TemporaryFolder()
    let kernel = try SumKernel.bound()
    let pass = linePass(5000, kernel)
    let sink = MemorySink()
    pass.sink = sink
    let reader = CountingReader()
    try runPass(pass, reader, folder)
    #expect(reader.reads == 5000)
    #expect(sink.completed.count == 5000)
    #expect((0..<5000).allSatisfy { sink.values[$0] == Double($0) })
    var expected = 0.0
    for leaf in 0..<pass.blocks.leafCount {
      var part = 0.0
      for position in pass.blocks.positions(ofLeaves: leaf..<leaf + 1) { part += 1 / (Double(position) + 1) }
      expected += part
    }
    #expect(try kernel.finish()["sum"] == [expected])
  }

  @Test("a kernel is told where its rows begin")
  func places() throws {
    let folder = try TemporaryFolder()
    let pass = linePass(5000, try bind([output("place", .map)], PlaceKernel.init))
    let sink = MemorySink()
    pass.sink = sink
    try runPass(pass, CountingReader(), folder)
    #expect(pass.blocks.leafCount > 3 && (0..<5000).allSatisfy { sink.values[$0] == Double($0) })
  }

  @Test("positions that are not selected are neither read nor counted")
  func selection() throws {
    let folder = try TemporaryFolder()
    let selected = (0..<5000).map { $0 % 3 == 0 }
    let pass = FramePass(
      description(positions: 5000), selection: PositionSelection(shape: Pair(50, 100), selected: selected),
      kernels: [try SumKernel.bound()])
    let sink = MemorySink()
    pass.sink = sink
    let reader = CountingReader()
    try runPass(pass, reader, folder)
    #expect(reader.reads == 1667)
    #expect((0..<5000).allSatisfy { sink.values[$0]?.isNaN == !selected[$0] })
  }

  @Test("rows of blocks that were done before, between others, are not written again")
  func doneBetween() throws {
    let folder = try TemporaryFolder()
    let pass = linePass(20_000, try SumKernel.bound())
    try #require(pass.blocks.leafBlocks > 2)
    let sink = MemorySink()
    pass.sink = sink
    let checkpoint = pass.checkpoint(at: folder.path("leaves"))
    try checkpoint.create(head: [])
    try checkpoint.openForWriting()
    let ranks = SerialRanks()
    let work = TaskWork(pass, CountingReader(), ranks, checkpoint)
    work.startRecord(0, nil)
    work.begin(pass.blocks.positions(ofLeaves: 0..<1), [0, 2])
    try work.finishTask(TaskQueue(ranks, count: 1) { false })
    let blocks = [0, 2].map { pass.blocks.positions(ofBlock: $0) }
    #expect(Set(sink.values.keys) == Set(blocks.joined()))
    #expect(sink.values.allSatisfy { $0.value == Double($0.key) })
    #expect(sink.completed == Set(blocks.joined()) && pass.statistics.badFrames == 0)
  }

  @Test("a block that two records hold counts once, and its sums with it")
  func twoMachines() throws {
    let folder = try TemporaryFolder()
    let kernel = CountKernel()
    let pass = linePass(5000, BoundKernel(measuring: kernel))
    let checkpoint = pass.checkpoint(at: folder.path("leaves"))
    try checkpoint.create(head: [])
    try checkpoint.openForWriting()
    // What a machine did, and what another did that knew nothing of it.
    for (record, held) in [[0, 1, 2], [1, 2, 3, 4]].enumerated() {
      var blocks = BlockSet(count: pass.blocks.blockCount)
      kernel.sum.reset()
      for block in held {
        blocks.insert(block)
        kernel.sum.values[0] += Int64(pass.blocks.positions(ofBlock: block).count)
      }
      try checkpoint.save(record, sequence: 1, .thisBoot, blocks, pass.accumulators)
    }
    let reader = CountingReader()
    try pass.run(reader, ranks: SerialRanks(), checkpoint: checkpoint)
    #expect(reader.reads == 5000 - 3 * pass.blocks.blockPositions)
    #expect(kernel.sum.values[0] == 5000)
  }

  @Test("a frame that cannot be read ends the pass with that problem and leaves no file")
  func failure() throws {
    let folder = try TemporaryFolder()
    let pass = linePass(5000, try SumKernel.bound())
    #expect {
      try runPass(pass, CountingReader(failing: 3210), folder)
    } throws: { error in
      let failure = error as? RunFailure
      return failure?.code == .inputOutput && failure?.problems.first?.message == "frame 3210 cannot be read"
    }
  }

  @Test("a frame that cannot be read is masked on request: missing in the map, listed, and in no sum")
  func masking() throws {
    let folder = try TemporaryFolder()
    let kernel = try SumKernel.bound()
    let pass = linePass(500, kernel)
    pass.masksBadFrames = true
    let sink = MemorySink()
    pass.sink = sink
    try runPass(pass, CountingReader(failing: 321), folder)
    #expect(sink.bad == [321])
    #expect(sink.values[321]?.isNaN == true && sink.values[322] == 322)
    let sum = try #require(try kernel.finish()["sum"]?[0])
    let expected = (0..<500).filter { $0 != 321 }.reduce(0.0) { $0 + 1 / (Double($1) + 1) }
    #expect(abs(sum - expected) < 1e-12)
  }

  @Test(
    "what was computed ahead of the pass counts as computed in it, whatever part of the first task it is",
    arguments: [0, 1, 2, 1000])
  func ahead(blocks: Int) throws {
    let folder = try TemporaryFolder()
    let (kernel, reference) = (try SumKernel.bound(), try SumKernel.bound())
    try runPass(linePass(20_000, reference), CountingReader(), folder)
    let pass = linePass(20_000, kernel)
    let (sink, reader) = (MemorySink(), CountingReader())
    try runPass(pass, reader, folder, ahead: blocks, sink)
    #expect(reader.reads == 20_000 && pass.statistics.frames == 20_000)
    #expect((0..<20_000).allSatisfy { sink.values[$0] == Double($0) } && sink.completed.count == 20_000)
    #expect(try kernel.finish() == reference.finish())
  }

  @Test("a frame that cannot be read ahead of the pass is said in the pass, or masked there")
  func unreadableAhead() throws {
    let folder = try TemporaryFolder()
    let pass = linePass(20_000, try SumKernel.bound())
    let failing = pass.blocks.positions(ofBlock: 1).lowerBound
    #expect {
      try runPass(pass, CountingReader(failing: failing), folder, ahead: 3, MemorySink())
    } throws: {
      ($0 as? RunFailure)?.problems.first?.message == "frame \(failing) cannot be read"
    }
    let masking = linePass(20_000, try SumKernel.bound())
    masking.masksBadFrames = true
    let sink = MemorySink()
    try runPass(masking, CountingReader(failing: failing), folder, ahead: 3, sink)
    #expect(sink.bad == [failing] && sink.values[failing]?.isNaN == true && masking.statistics.masked == 1)
  }

  @Test(
    "interrupted at any block and continued, a pass gives the bits of one that ran through", arguments: [1, 7, 40, 161])
  func resume(blocks: Int) throws {
    let folder = try TemporaryFolder()
    let whole = try SumKernel.bound()
    let reference = linePass(5000, whole)
    try runPass(reference, CountingReader(), folder)

    let sink = MemorySink()
    let checkpoint = reference.checkpoint(at: folder.path("sums"))
    try checkpoint.create(head: Array("resume".utf8))
    var reads = 0
    var last = try SumKernel.bound()
    for attempt in 0..<200 {
      last = try SumKernel.bound()
      let pass = linePass(5000, last)
      pass.sink = sink
      var seen = 0
      pass.isInterrupted = {
        seen += 1
        return seen >= blocks
      }
      let reader = CountingReader()
      let outcome = Result {
        try pass.run(reader, ranks: SerialRanks(), checkpoint: pass.checkpoint(at: folder.path("sums")))
      }
      reads += reader.reads
      if case .success = outcome { break }
      #expect(attempt < 199)
    }
    #expect(reads == 5000)
    #expect(sink.completed.count == 5000)
    #expect((0..<5000).allSatisfy { sink.values[$0] == Double($0) })
    #expect(try last.finish() == whole.finish())
    #expect(Checkpoint.head(folder.path("sums")) == Array("resume".utf8))
  }

  @Test("all that an interrupted pass has done counts on any machine", arguments: [1, 7, 100])
  func interruptedIsSynced(blocks: Int) throws {
    let folder = try TemporaryFolder()
    let pass = linePass(5000, try SumKernel.bound())
    var seen = 0
    pass.isInterrupted = {
      seen += 1
      return seen >= blocks
    }
    #expect(throws: RunFailure.self) { try runPass(pass, CountingReader(), folder) }
    let checkpoint = pass.checkpoint(at: folder.path("leaves"))
    try checkpoint.openForWriting()
    let synced = try (0..<checkpoint.recordCount()).compactMap { try checkpoint.load($0, boots: [])?.blocks.count }
    #expect(synced.reduce(0, +) == blocks)
  }
}

private func runPass(_ pass: FramePass, _ reader: CountingReader, _ folder: TemporaryFolder) throws {
  let checkpoint = pass.checkpoint(at: folder.path("leaves"))
  try checkpoint.create(head: [])
  try pass.run(reader, ranks: SerialRanks(), checkpoint: checkpoint)
}

/// As above, with some blocks computed before there is a checkpoint or a place for rows.
private func runPass(
  _ pass: FramePass, _ reader: CountingReader, _ folder: TemporaryFolder, ahead blocks: Int, _ sink: MemorySink
) throws {
  let checkpoint = pass.checkpoint(at: folder.path("leaves"))
  let work = TaskWork(pass, reader, SerialRanks(), checkpoint)
  for _ in 0..<blocks { work.computeAhead() }
  try checkpoint.create(head: [])
  pass.sink = sink
  try pass.run(work)
}

@Suite struct CheckpointTests {
  private func sums(_ value: Int64) -> [any Accumulator] {
    let sum = PixelSum<Int64>(1000)
    sum.values.update(repeating: value)
    return [sum]
  }

  private func value(_ checkpoint: Checkpoint, _ record: Int, boots: Set<UInt64> = [Checkpoint.boot]) throws -> Int64? {
    let sum = PixelSum<Int64>(1000)
    guard let found = try checkpoint.load(record, boots: boots) else { return nil }
    found.restore([sum])
    return sum.values[999]
  }

  @Test("the newest whole slot counts; a torn one leaves the one before")
  func tornSlot() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("sums")
    let checkpoint = Checkpoint(path, blockCount: 10, sums: sums(0))
    try checkpoint.create(head: [1, 2, 3])
    try checkpoint.openForWriting()
    var blocks = BlockSet(count: 10)
    #expect(try value(checkpoint, 2) == nil)
    for sequence in 1...3 as ClosedRange<UInt64> {
      blocks.insert(Int(sequence))
      try checkpoint.save(2, sequence: sequence, .thisBoot, blocks, sums(Int64(sequence)))
    }
    #expect(try value(checkpoint, 2) == 3)
    #expect(try checkpoint.load(2, boots: [Checkpoint.boot])?.blocks == blocks)

    // One byte of the newest sums changed: the slot before counts.
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    let newest = withUnsafeBytes(of: Int64(3)) { Data($0) }
    let place = try #require(data.range(of: newest + newest)?.lowerBound)
    data[place + 5] ^= 1
    try data.write(to: URL(fileURLWithPath: path))
    let again = Checkpoint(path, blockCount: 10, sums: sums(0))
    try again.openForWriting()
    #expect(try value(again, 2) == 2)
  }

  @Test("a synced save never takes the place of the only one that survives the machine")
  func syncedPair() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("sums")
    let checkpoint = Checkpoint(path, blockCount: 10, sums: sums(0))
    try checkpoint.create(head: [])
    try checkpoint.openForWriting()
    // Sequence numbers of one parity, with saves for this boot between them.
    let saves: [(UInt64, Checkpoint.Durability)] = [(1, .synced), (2, .thisBoot), (3, .synced)]
    for (sequence, durability) in saves {
      try checkpoint.save(0, sequence: sequence, durability, BlockSet(count: 10), sums(Int64(sequence)))
    }
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    let newest = withUnsafeBytes(of: Int64(3)) { Data($0) }
    data[try #require(data.range(of: newest + newest)?.lowerBound)] ^= 1
    try data.write(to: URL(fileURLWithPath: path))
    let again = Checkpoint(path, blockCount: 10, sums: sums(0))
    try again.openForWriting()
    #expect(try value(again, 0, boots: []) == 1)
  }

  @Test("a head counts while the machine is up, and for good once it is confirmed")
  func heads() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("sums")
    let checkpoint = Checkpoint(path, blockCount: 10, sums: sums(0))
    try checkpoint.create(head: [1, 2, 3])
    #expect(Checkpoint.head(path) == [1, 2, 3])
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    data[24] ^= 2
    try data.write(to: URL(fileURLWithPath: path))
    #expect(Checkpoint.head(path) == nil)
    try checkpoint.confirm()
    #expect(Checkpoint.head(path) == [1, 2, 3])
  }

  @Test("after the machine was restarted only what was synced counts")
  func otherBoot() throws {
    let folder = try TemporaryFolder()
    let checkpoint = Checkpoint(folder.path("sums"), blockCount: 10, sums: sums(0))
    try checkpoint.create(head: [])
    try checkpoint.openForWriting()
    try checkpoint.save(0, sequence: 1, .synced, BlockSet(count: 10), sums(1))
    try checkpoint.save(0, sequence: 2, .thisBoot, BlockSet(count: 10), sums(2))
    #expect(try value(checkpoint, 0) == 2)
    #expect(try value(checkpoint, 0, boots: [Checkpoint.boot &+ 2]) == 1)
  }
}
