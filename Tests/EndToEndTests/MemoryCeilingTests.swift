import Foundation
import HDF5
import TestSupport
import Testing

/// Inputs whose natural windows are larger than the memory that a rank may have.
@Suite(.serialized) struct MemoryCeilingTests {
  private static let (scan, detector) = (64, 96)
  private static var bytes: Int { scan * scan * detector * detector * 2 }

  /// 75 MB of counts, made quickly: a random stretch again and again, each time moved on by a prime.
  private func pixels() -> [UInt16] {
    var generator = Random(5)
    let stretch = (0..<100_003).map { _ in UInt16(truncatingIfNeeded: generator.next() % 500) }
    var all = [UInt16](repeating: 0, count: Self.bytes / 2)
    all.withUnsafeMutableBytes { target in
      stretch.withUnsafeBytes { stretch in
        for start in stride(from: 0, to: target.count, by: stretch.count) {
          memcpy(target.baseAddress! + start, stretch.baseAddress!, min(stretch.count, target.count - start))
        }
      }
    }
    return all
  }

  private func write(_ kind: String, _ path: String) throws {
    let shape = [Self.scan, Self.scan, Self.detector, Self.detector]
    guard kind != "Fortran order" else {
      let text = "'fortran_order': True, 'shape': (\(shape.map(String.init).joined(separator: ", "))), }"
      var header = "{'descr': '<u2', " + text
      header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
      var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0]) + Data(header.utf8)
      data.append(pixels().withUnsafeBytes { Data($0) })
      return try data.write(to: URL(fileURLWithPath: path))
    }
    let file = try File(path, .create)
    let layout = DatasetLayout.chunked(
      [Self.scan, Self.scan, 4, 4], deflate: kind == "compressed chunks" ? 1 : nil,
      shuffles: kind == "compressed chunks")
    try file.createDataset("data", shape: shape, of: .u16, layout: layout).write(pixels())
  }

  /// Looks at a program's private memory from outside: the system's own limits count reserved addresses, not memory.
  private func watched(_ arguments: [String]) throws -> (outcome: Outcome, mostBytes: Int) {
    let script = """
      "$@" & pid=$!
      most=0
      while kill -0 $pid 2> /dev/null; do
        now=$(awk '/RssAnon|RssShmem/ {sum += $2} END {print sum + 0}' /proc/$pid/status 2> /dev/null)
        (( ${now:-0} > most )) && most=$now
        sleep 0.01
      done
      wait $pid; code=$?
      echo "private $most"
      exit $code
      """
    let outcome = try run("/bin/bash", ["-c", script, "watched", ronchiBinary] + arguments)
    let words = outcome.output.split(whereSeparator: \.isWhitespace)
    let most = words.lastIndex(of: "private").flatMap { Int(words[words.index(after: $0)]) } ?? .max / 1024
    return (outcome, most * 1024)
  }

  @Test(
    "windows shrink to the memory in all that reads, with the same bits",
    arguments: ["Fortran order", "chunks across the scan", "compressed chunks"])
  func windowsShrink(kind: String) throws {
    let folder = try TemporaryFolder()
    let input = folder.path(kind == "Fortran order" ? "scan.npy" : "scan.h5")
    try write(kind, input)
    // Besides the pass, the search for bad pixels and the dose of a sample read.
    let job = try folder.write(
      """
      calibration: {center: [48, 47], counts_per_electron: 1}
      detector: {dead_pixels: find}
      output: {images: false}
      analyses: [center_of_mass: {}]
      """, to: "job.yml")
    func arguments(_ command: String, _ output: String) -> [String] {
      [command, job, "-i", input, "-o", folder.path(output)]
    }
    let free = try ronchi(arguments("run", "free.h5") + ["--quiet"])
    #expect(free.status == 0, "\(free.errors)")
    let allowed = 80
    let limit = ["--set", "run.memory_per_rank=\(allowed) MB"]
    for command in [arguments("run", "tight.h5") + ["--quiet"], arguments("check", "new.h5")] {
      let tight = try watched(command + limit)
      #expect(tight.outcome.status == 0, "\(tight.outcome.errors)")
      // Sampled between two pages: the kernel counts in kB.
      #expect(tight.mostBytes < allowed * 1_000_000 && tight.mostBytes > 5_000_000, "\(command[0]): \(tight.mostBytes)")
    }
    #expect(try datasetDigests(folder.path("tight.h5")) == datasetDigests(folder.path("free.h5")))
  }
}
