import STEM
import Testing

@testable import Engine
@testable import Runner

@Suite struct PassStatisticsTests {
  @Test("kernels that work only in every nth block are seen at their share", arguments: 1...9)
  func periods(period: Int) {
    var statistics = PassStatistics()
    let count = 1000
    for block in 0..<count {
      let works = block % period == period - 1
      statistics.addBlock(
        busy: .milliseconds(works ? 11 : 1), kernels: .milliseconds(works ? 10 : 0), decoding: 0)
    }
    let expected = Double(count / period) * 0.010
    #expect(abs(statistics.computing - expected) < 0.1 * expected)
    #expect(abs(statistics.reading - (statistics.busy - expected)) < 0.1 * expected)
  }
}
