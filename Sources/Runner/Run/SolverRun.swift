import Engine
import Foundation
import STEM

/// The run around a solver on rank 0: progress, the state that survives a kill, and the wish to stop.
final class SolverRun: SolverControl {
  private static let magic = Array("RONCHIS1".utf8)

  private let path: String
  private let name: String
  private let interval: Double
  private let events: any RunEvents
  private let isStopping: () throws -> Bool
  private let began = ContinuousClock.now
  private var lastSave = ContinuousClock.now

  /// - Parameters:
  ///   - path: of the state's file, which `OutputFile.removePartial` removes
  ///   - interval: seconds between saves
  init(_ name: String, path: String, interval: Double, events: any RunEvents, isStopping: @escaping () throws -> Bool) {
    self.name = name
    self.path = path
    self.interval = interval
    self.events = events
    self.isStopping = isStopping
  }

  /// nil also for a torn or foreign file.
  var savedState: [UInt8]? {
    guard let data = FileManager.default.contents(atPath: path), data.count >= 16,
      Array(data.prefix(8)) == Self.magic
    else { return nil }
    let state = Array(data.dropFirst(16))
    return Self.stamp(state) == Array(data[8..<16]) ? state : nil
  }

  func ended(iteration: Int, of total: Int, residual: Double, state: () -> [UInt8]) throws {
    events.iteration("\(name): iteration \(iteration) of \(total), residual \(shortNumber(residual))")
    if try isStopping() {
      try save(state())
      throw Problem(.tryAgain, "interrupted in \(name); the same command continues where it stopped")
    }
    let now = ContinuousClock.now
    guard (now - lastSave).seconds > interval else { return }
    try save(state())
    lastSave = now
  }

  /// The old state stays until the new one is on the disk.
  private func save(_ state: [UInt8]) throws {
    let fresh = path + ".new"
    do {
      try Data(Self.magic + Self.stamp(state) + state).write(to: URL(fileURLWithPath: fresh))
    } catch {
      throw Problem(.inputOutput, at: fresh, "the solver's state cannot be written: \(error.localizedDescription)")
    }
    try OutputFile.sync(fresh)
    guard rename(fresh, path) == 0 else {
      throw Problem(.inputOutput, at: path, "cannot be replaced: \(String(cString: strerror(errno)))")
    }
  }

  private static func stamp(_ state: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: checksum(state).littleEndian) { Array($0) }
  }
}

extension Ranks {
  /// Runs long work on rank 0, which calls `isStopping` from time to time; the other ranks sleep and forward a
  /// signal that reaches only them. Throws `RunFailure` on all ranks when the work throws.
  func onFirstWatched(_ work: (_ isStopping: @escaping () throws -> Bool) throws -> Void) throws {
    let queue = try TaskQueue(self, count: 0) { StopSignals.isRequested }
    let mine = Result { if rank == 0 { try work { try queue.checkStop() } } }
    try queue.finish()
    try onFirst { try mine.get() }
  }
}
