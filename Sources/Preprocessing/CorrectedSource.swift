import STEM

/// Another source with its frames corrected, and the description that fits them.
struct CorrectedSource: FrameSource {
  let description: SourceDescription
  private let base: any FrameSource
  private let correction: FrameCorrection
  private let scan: ScanReduction

  init(_ base: any FrameSource, _ correction: FrameCorrection, _ scan: ScanReduction) {
    self.base = base
    self.correction = correction
    self.scan = scan
    var description = base.description
    description.storedBytes = (description.storedBytes ?? description.frameBytes) * scan.bin.count
    description.scanShape = scan.shape
    description.frameCount = scan.shape.count
    description.detectorShape = correction.geometry.shape
    description.pixelType = correction.outputType
    description.chunkPositions =
      scan.isIdentity
      ? description.chunkPositions : scan.chunkPositions(description.chunkPositions)
    description.calibration = description.calibration.corrected(correction.geometry, scan)
    description.saturation = correction.saturation(description.saturation)
    self.description = description
  }

  func makeReader() throws -> any FrameReader {
    CorrectedReader(try base.makeReader(), correction, scan)
  }

  var readerBytes: Int { base.readerBytes + ownBytes }

  func limited(to bytes: Int) -> any FrameSource {
    CorrectedSource(base.limited(to: max(0, bytes - ownBytes)), correction, scan)
  }

  private var ownBytes: Int {
    FrameCorrector.bytes(correction)
      + (scan.bin.count > 1 ? CorrectedReader.longestRun(correction, scan) * correction.sumBytes : 0)
  }
}

/// Corrects the frames of another reader one by one, while they are in the cache.
private final class CorrectedReader: FrameReader {
  private let base: any FrameReader
  private let scan: ScanReduction
  private let corrector: FrameCorrector
  private let sumBytes: Int
  private let longestRun: Int
  /// Of the positions of a run, where several frames are summed.
  private let sums: UnsafeMutableRawBufferPointer

  /// Sums of a run of positions take up to 64 MiB: usually of a whole row, so that what is stored together in several
  /// rows of the file's scan is read once.
  private static let runBytes = 64 << 20

  static func longestRun(_ correction: FrameCorrection, _ scan: ScanReduction) -> Int {
    max(1, min(scan.shape.x, runBytes / correction.sumBytes))
  }

  init(_ base: any FrameReader, _ correction: FrameCorrection, _ scan: ScanReduction) {
    self.base = base
    self.scan = scan
    corrector = FrameCorrector(correction)
    sumBytes = correction.sumBytes
    longestRun = scan.bin.count > 1 ? Self.longestRun(correction, scan) : Int.max / 2
    sums = .allocate(byteCount: scan.bin.count > 1 ? longestRun * sumBytes : 0, alignment: 64)
  }

  deinit { sums.deallocate() }

  var decodeSeconds: Double { base.decodeSeconds }
  var isMapped: Bool { base.isMapped }

  func forEachGroup(in positions: Range<Int>, _ body: (FrameGroup) throws -> Void) throws {
    if scan.isIdentity {
      return try base.forEachFrame(in: positions) { try body(FrameGroup($0, corrector.correct($1))) }
    }
    for run in scan.rowRuns(of: positions, atMost: longestRun) {
      if scan.bin.count > 1 {
        try sum(run, body)
      } else {
        let source = scan.source(of: run, line: 0)
        try base.forEachFrame(in: source) { position, frame in
          try body(FrameGroup(run.lowerBound + position - source.lowerBound, corrector.correct(frame)))
        }
      }
    }
  }

  /// Row by row of the file's scan; the last row completes one position after the other.
  private func sum(_ run: Range<Int>, _ body: (FrameGroup) throws -> Void) throws {
    let start = sums.baseAddress!
    start.initializeMemory(as: UInt8.self, repeating: 0, count: run.count * sumBytes)
    for line in 0..<scan.bin.y {
      let source = scan.source(of: run, line: line)
      try base.forEachFrame(in: source) { position, frame in
        let (bin, column) = (position - source.lowerBound).quotientAndRemainder(dividingBy: scan.bin.x)
        corrector.add(frame, to: start + bin * sumBytes)
        if line == scan.bin.y - 1, column == scan.bin.x - 1 {
          try body(FrameGroup(run.lowerBound + bin, corrector.finish(start + bin * sumBytes)))
        }
      }
    }
  }
}
