import Testing

@testable import STEM

@Suite struct BlocksTests {
  @Test("blocks and leaves cover every position once, in order", arguments: [1, 2, 7, 100, 4096, 16_384, 1_000_003])
  func cover(positions: Int) {
    for (frameBytes, chunk, sums) in [(131_072, 1, 1 << 20), (32_768, 16, 0), (700_000, 3, 13 << 20), (2, 64, 64)] {
      let plan = BlockPlan(
        positions: positions, frameBytes: frameBytes, chunkPositions: chunk, accumulatorBytes: sums)
      var next = 0
      for leaf in 0..<plan.leafCount {
        #expect(plan.positions(ofLeaves: leaf..<leaf + 1).lowerBound == next)
        for block in plan.blocks(ofLeaves: leaf..<leaf + 1) {
          #expect(plan.positions(ofBlock: block).lowerBound == next)
          next = plan.positions(ofBlock: block).upperBound
        }
      }
      #expect(next == positions)
      #expect(plan.leafCount <= BlockPlan.mostLeaves)
      #expect(plan.blockPositions % chunk == 0 || plan.blockPositions == positions || plan.blockPositions == 65_536)
    }
  }

  @Test("tasks cover every leaf once, in order, and become smaller toward the end", arguments: [1, 2, 3, 64, 1000])
  func tasks(ranks: Int) {
    let plan = BlockPlan(positions: 16_384, frameBytes: 131_072, chunkPositions: 1, accumulatorBytes: 0)
    for most in [1, 7, 256] {
      let tasks = plan.tasks(of: ranks, most: most)
      #expect(tasks.flatMap { Array($0) } == Array(0..<plan.leafCount))
      #expect(zip(tasks, tasks.dropFirst()).allSatisfy { $0.count >= $1.count })
      #expect(tasks[0].count <= most && tasks.last!.count == 1)
      // No rank can be left with more than half of a fair share at the start, a leaf at the end.
      #expect(tasks[0].count <= max(1, plan.leafCount / (2 * ranks)))
    }
    #expect(plan.tasks(of: 2, most: 256).count < 32)
  }

  @Test("runs are the selected positions, no more and no fewer")
  func runs() {
    let selected = [true, true, false, true, false, false, true, true]
    let selection = PositionSelection(shape: Pair(2, 4), selected: selected)
    #expect(selection.runs(in: 0..<8) == [0..<2, 3..<4, 6..<8])
    #expect(selection.runs(in: 1..<7) == [1..<2, 3..<4, 6..<7])
    #expect(selection.runs(in: 4..<6).isEmpty)
    #expect(selection.count == 5)
    #expect(PositionSelection(shape: Pair(2, 4)).runs(in: 2..<5) == [2..<5])
  }
}
