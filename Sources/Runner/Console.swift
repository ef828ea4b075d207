import Foundation
import Logging
import STEM

public enum LogFormat: String, Sendable, CaseIterable { case text, json }

/// What a run says while it works, on standard error and on rank 0 only.
public final class Console {
  private let logger: Logger
  private let format: LogFormat
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = ContinuousClock.now
  private var lastProgress = ContinuousClock.now
  private var barIsShown = false

  public init(format: LogFormat, isFirstRank: Bool, level: Logger.Level = .info) {
    self.format = format
    logger = Logger(label: "ronchi") { _ -> any LogHandler in
      isFirstRank ? LineHandler(format: format, logLevel: level) as any LogHandler : SwiftLogNoOpLogHandler()
    }
    isSilent = !isFirstRank
  }

  private let isSilent: Bool

  public func info(_ text: String, _ fields: [String: String] = [:]) { log(.info, text, fields) }
  public func warning(_ text: String, _ fields: [String: String] = [:]) { log(.warning, text, fields) }
  public func error(_ problem: Problem) {
    log(.error, problem.description, format == .json ? ["code": "\(problem.code.rawValue)"] : [:])
  }

  private func log(_ level: Logger.Level, _ text: String, _ fields: [String: String]) {
    clearBar()
    logger.log(level: level, "\(text)", metadata: fields.mapValues { .string($0) })
  }

  /// A bar five times a second on a terminal, otherwise a line every ten seconds.
  func progress(_ state: ProgressState) {
    guard !isSilent else { return }
    let now = ContinuousClock.now
    let bar = isTerminal && format == .text
    guard now - lastProgress > (bar ? .milliseconds(200) : .seconds(10)) else { return }
    lastProgress = now
    if bar { draw(state) } else { log(.info, state.text, format == .json ? state.fields : [:]) }
  }

  /// A line every ten seconds.
  func iteration(_ text: String) {
    guard !isSilent, ContinuousClock.now - lastProgress > .seconds(10) else { return }
    lastProgress = ContinuousClock.now
    log(.info, text, [:])
  }

  private func draw(_ state: ProgressState) {
    let width = 24
    let filled = Int(state.fraction * Double(width))
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    FileHandle.standardError.write(Data("\r\u{1B}[K\(bar) \(state.text)".utf8))
    barIsShown = true
  }

  public func clearBar() {
    if barIsShown { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    barIsShown = false
  }
}

struct ProgressState {
  var done: Int
  var total: Int
  var frameBytes: Int
  var seconds: Double

  var fraction: Double { total > 0 ? min(1, Double(done) / Double(total)) : 1 }
  private var rate: Double { seconds > 0 ? Double(done) / seconds : 0 }
  private var remaining: Double { rate > 0 ? Double(total - done) / rate : 0 }

  var text: String {
    let percent = Int(fraction * 100)
    let throughput = String(format: "%.2f", rate * Double(frameBytes) / 1e9)
    return "\(percent) %  \(Int(rate)) frames/s  \(throughput) GB/s  ETA \(clock(remaining))"
  }

  var fields: [String: String] {
    [
      "done": "\(done)", "total": "\(total)", "frames_per_second": "\(Int(rate))",
      "gigabytes_per_second": String(format: "%.3f", rate * Double(frameBytes) / 1e9),
      "eta_seconds": "\(Int(remaining))",
    ]
  }

  private func clock(_ seconds: Double) -> String {
    let s = Int(seconds.rounded(.up))
    return s < 3600
      ? String(format: "%d:%02d", s / 60, s % 60) : String(format: "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60)
  }
}

/// One line an event: text for people, JSON for pipelines.
private struct LineHandler: LogHandler {
  let format: LogFormat
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  init(format: LogFormat, logLevel: Logger.Level) {
    self.format = format
    self.logLevel = logLevel
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:]) { $1 }
    let line = format == .json ? json(event, fields) : text(event, fields)
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }

  private func text(_ event: LogEvent, _ fields: Logger.Metadata) -> String {
    let extra = fields.sorted { $0.key < $1.key }.map { "  \($0.key)=\($0.value)" }.joined()
    switch event.level {
    case .warning: return "warning: \(event.message)\(extra)"
    case .error, .critical: return "error: \(event.message)\(extra)"
    default: return "\(event.message)\(extra)"
    }
  }

  private func json(_ event: LogEvent, _ fields: Logger.Metadata) -> String {
    var object: [String: Any] = fields.mapValues { value in
      let text = "\(value)"
      return Int(text) ?? Double(text) ?? text as Any
    }
    object["time"] = timestamp(Date())
    object["level"] = event.level.rawValue
    object["message"] = "\(event.message)"
    let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
